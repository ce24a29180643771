import { sha256, streamOf } from '../../src/base/bytes.ts';
import { appendLayer, editConfig } from '../../src/image/edit-config.ts';
import { scratchImage } from '../../src/image/scratch-image.ts';
import type { Image } from '../../src/image/types.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import type { Layer } from '../../src/layer/types.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import type { Digest } from '../../src/oci/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';
import type { TarHeader } from '../../src/tar/header.ts';

/** A member of an archive made for a test: its content, or where it links to. */
export type TarItem =
  | string
  | Uint8Array
  | { readonly symlink: string }
  | { readonly hardlink: string }
  | 'folder/';

/** A tar of these members, in their order; a name that ends in a slash is a directory. */
export function tarOf(items: readonly (readonly [name: string, item: TarItem])[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, item] of items) {
    const isBytes = typeof item === 'string' || item instanceof Uint8Array;
    const bytes = isBytes ? Buffer.from(item) : Buffer.alloc(0);
    const link = isBytes ? '' : 'symlink' in item ? item.symlink : item.hardlink;
    const kind = name.endsWith('/')
      ? 'directory'
      : isBytes
        ? 'file'
        : 'symlink' in item
          ? 'symlink'
          : 'hardlink';
    const header: TarHeader = {
      name,
      kind,
      linkName: link,
      size: kind === 'file' ? bytes.length : 0,
      mode: kind === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 1_700_000_000, nanos: 0 },
      uname: '',
      gname: '',
    };
    const content = kind === 'file' ? bytes : Buffer.alloc(0);
    parts.push(encodeHeader(header), content, Buffer.alloc(padding(content.length)));
  }
  return Buffer.concat([...parts, endOfArchive()]);
}

/** A layer of these files, stored uncompressed. */
export async function putLayer(store: LocalStore, items: Readonly<Record<string, string>>): Promise<Layer> {
  const tar = tarOf(Object.entries(items));
  const digest: Digest = sha256(tar);
  const blob = { mediaType: OCI_LAYER_TAR, digest, size: tar.length };
  await store.put(blob, streamOf(tar));
  return openLayer(store, blob, digest);
}

/** A stored image of two layers: `greeting` says hello, `second` has the text. */
export async function putImage(store: LocalStore, name?: string, text = 'second'): Promise<Image> {
  const image = await makeImage(store, text);
  await writeImage(store, image, name === undefined ? {} : { name });
  return image;
}

/** The same, with only the layers stored. */
export async function makeImage(store: LocalStore, text: string): Promise<Image> {
  const created = '2026-01-01T00:00:00Z';
  const first = await putLayer(store, { greeting: 'hello\n' });
  const second = await putLayer(store, { second: text });
  const base = appendLayer(scratchImage({ os: 'linux', architecture: 'amd64' }), first, {
    created,
    created_by: 'one',
  });
  const named = editConfig(base, (config) => ({ ...config, created, config: { Cmd: ['/greeting'] } }), {
    created,
    created_by: 'CMD',
  });
  return appendLayer(named, second, { created, created_by: 'two' });
}
