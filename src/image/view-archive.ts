import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ByteStream,
  bytesError,
  collect,
  type FileRegion,
  readRegion,
  sha256,
  streamOf,
  verify,
} from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { OCI_LAYER_TAR, OCI_MANIFEST } from '../oci/media-types.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import type { LocalStore, OpenOptions } from '../store/contract.ts';
import { imageError } from './errors.ts';
import { planLoad } from './load-archive.ts';
import { openArchive } from './open-archive.ts';
import { readImage } from './read-image.ts';
import type { Image } from './types.ts';

export interface ArchiveView {
  /** The images, in the archive's order. */
  readonly images: readonly {
    readonly names: readonly string[];
    readonly image: Image;
    /** Names in the archive of what the image consists of; of docker's archives its layers, base first. */
    readonly members: readonly string[];
  }[];
  /** What every image of the archive can be chosen by, also those left out: its first name or tag, else its id. */
  readonly labels: readonly string[];
  /** Reads blobs out of the archive where they lie; notes are those of the store it was made over. Nothing can be written to it but notes. */
  readonly store: LocalStore;
  close(): Promise<void>;
}

/** What an image of an archive is called. */
export interface ArchiveLabels {
  /** Full names. */
  readonly names: readonly string[];
  /** Bare tags, as other tools write them into layouts. */
  readonly tags: readonly string[];
  readonly id: Digest;
  /** Of its manifest or index. */
  readonly digest: Digest;
}

export interface ViewArchiveOptions extends CallOptions {
  readonly platform: Platform;
  /** Leaves out other images, unread. */
  readonly only?: ((labels: ArchiveLabels) => boolean) | undefined;
}

/**
 * The images of an archive or layout without loading it. Layers that the archive does not name by digest stand under their diffId.
 * @throws as `loadArchive`, but for the layers' bytes, which are checked when they are read
 */
export async function viewArchive(
  store: LocalStore,
  source: string | ByteStream,
  o: ViewArchiveOptions,
): Promise<ArchiveView> {
  const archive = await openArchive(store, source, o);
  try {
    const regions = new Map<Digest, FileRegion>();
    const documents = new Map<Digest, Uint8Array>();
    /** Stand under their diff ids, though they may be compressed: who opens the layer proves that. */
    const packed = new Set<Digest>();
    const view = viewStore(store, regions, documents, packed);
    const targets: { names: readonly string[]; members: readonly string[]; target: Descriptor }[] = [];
    const labels: string[] = [];
    for (const planned of planLoad(archive, o.platform)) {
      const layers = new Map<Digest, Layer>();
      for (const { blob, diffId, region } of planned.blobs) {
        const descriptor = blob ?? { mediaType: OCI_LAYER_TAR, digest: diffId!, size: region.size };
        regions.set(descriptor.digest, region);
        if (blob === undefined) packed.add(descriptor.digest);
        if (diffId !== undefined) layers.set(diffId, openLayer(view, descriptor, diffId));
      }
      const made = planned.documents(layers);
      for (const { descriptor, bytes } of made) documents.set(descriptor.digest, bytes);
      const { names, tags = [], id } = planned;
      const target = made.at(-1)!.descriptor;
      labels.push(names[0] ?? tags[0] ?? id);
      if (o.only?.({ names, tags, id, digest: target.digest }) === false) continue;
      targets.push({ names, members: planned.blobs.map(({ member }) => member), target });
    }
    const images = [];
    for (const { names, members, target } of targets)
      images.push({ names, members, image: await readImage(view, target, o) });
    return { images, labels, store: view, close: () => archive.close() };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/** The image in a folder as skopeo's `dir:` writes it: `manifest.json` as it was, and each blob under the hex digits of its digest. @throws ARCHIVE_UNREADABLE, ARCHIVE_NOT_IMAGES, and as `readImage` */
export async function viewPlainFolder(
  store: LocalStore,
  folder: string,
  o: CallOptions & { readonly platform: Platform },
): Promise<{ readonly image: Image; readonly store: LocalStore }> {
  const fail = (why: string): Error => imageError('ARCHIVE_NOT_IMAGES', { path: folder, why });
  const find = (name: string): FileRegion | undefined => {
    const path = join(folder, name);
    const found = lstatSync(fsPath(path), { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) return undefined;
    return { path, offset: 0, size: found.size };
  };
  const region = find('manifest.json');
  if (region === undefined) throw fail('it has no manifest.json');
  if (region.size > MAX_MANIFEST_BYTES) throw fail('its manifest.json is larger than manifests are');
  const bytes = await collect(readRegion(region, o), MAX_MANIFEST_BYTES);
  const target = { mediaType: typeOf(bytes), digest: sha256(bytes), size: bytes.length };
  const blobOf = (digest: Digest): FileRegion | undefined => find(digest.slice(digest.indexOf(':') + 1));
  const regions = { get: blobOf, has: (digest: Digest) => blobOf(digest) !== undefined };
  const view = viewStore(store, regions, new Map([[target.digest, bytes]]));
  return { image: await readImage(view, target, o), store: view };
}

/** What a manifest says that it is; one of the image specification may leave that out. */
function typeOf(bytes: Uint8Array): string {
  try {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : OCI_MANIFEST;
  } catch {
    return OCI_MANIFEST;
  }
}

function viewStore(
  store: LocalStore,
  regions: Pick<ReadonlyMap<Digest, FileRegion>, 'get' | 'has'>,
  documents: ReadonlyMap<Digest, Uint8Array>,
  packed: ReadonlySet<Digest> = new Set(),
): LocalStore {
  return {
    ...store,
    has: async ({ digest }) => regions.has(digest) || documents.has(digest),
    locate: async ({ digest }) => regions.get(digest),
    open: (wanted: Descriptor, o: OpenOptions = {}) => {
      const document = documents.get(wanted.digest);
      const region = regions.get(wanted.digest);
      if (document === undefined && region === undefined)
        throw bytesError('BYTES_SHORT_FILE', { path: wanted.digest, want: wanted.size, got: 0 });
      if (region !== undefined && packed.has(wanted.digest)) return readRegion(region, o);
      return verify(document === undefined ? readRegion(region!, o) : streamOf(document), wanted);
    },
  };
}
