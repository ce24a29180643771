import { join } from 'node:path';
import { readBounded } from '../base/bounded-file.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { isDigest } from '../oci/digest.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts';
import type { Descriptor, Platform } from '../oci/types.ts';
import { copy } from '../store/copy.ts';
import type { App } from './app.ts';

type LayoutErrors = { BASE_LAYOUT: { place: string; problem: string } };
const layoutError = errorMaker<LayoutErrors>({
  BASE_LAYOUT: ({ place, problem }) => ({
    message: `oci:${place}: ${problem}`,
    hint: 'want oci:FOLDER[:TAG][@DIGEST]; FOLDER is an OCI layout, as build -o type=oci,tar=false writes one',
  }),
});

/** The image of an OCI layout by `FOLDER[:TAG][@DIGEST]`, brought into the store. Without tag and digest it is the only one that the layout has, else `latest`. @throws BASE_LAYOUT, and errors of reading the layout */
export async function readLayoutBase(app: App, place: string, platform: Platform): Promise<Image> {
  const [, folder = place, tag, digest] = /^(.*?)(?::([^/:@]+))?(?:@([^/@]+))?$/s.exec(place) ?? [];
  const { createDirectoryStore } = await import('../store/directory-store.ts');
  const layout = createDirectoryStore(folder);
  const wanted =
    digest === undefined
      ? (tag ?? (await onlyTarget(layout.list(), folder)))
      : byDigest(place, folder, digest);
  const image = await readImage(layout, wanted, { platform });
  const store = await app.store();
  await copy(layout, store, image.descriptor);
  return readImage(store, image.descriptor, { platform });
}

async function onlyTarget(
  names: AsyncIterable<readonly [string, Descriptor]>,
  folder: string,
): Promise<string | Descriptor> {
  const found: string[] = [];
  for await (const [name] of names) found.push(name);
  if (found.length > 0) return found.length === 1 ? found[0]! : 'latest';
  const [only, ...more] = entriesOf(folder);
  return only !== undefined && more.length === 0 ? only : 'latest';
}

/** What index.json lists, named or not; nothing if it cannot be read, which whoever opens the layout says better. */
function entriesOf(folder: string): readonly Descriptor[] {
  try {
    const bytes = readBounded(join(folder, 'index.json'), MAX_MANIFEST_BYTES, { found: true });
    if ('why' in bytes) return [];
    const { manifests } = JSON.parse(bytes.toString('utf8')) as {
      readonly manifests?: readonly Descriptor[];
    };
    const valid = (manifests ?? []).filter(({ digest }) => isDigest(digest));
    return valid.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  } catch {
    return [];
  }
}

/** A manifest or index of the layout, also one that only an index lists. */
function byDigest(place: string, folder: string, digest: string): Descriptor {
  const fail = (problem: string): Error => layoutError('BASE_LAYOUT', { place, problem });
  if (!isDigest(digest)) throw fail(`"${digest}" is no digest`);
  const bytes = readBlob(join(folder, 'blobs', digest.replace(':', '/')), fail);
  const mediaType = typeOf(bytes);
  if (mediaType === undefined) throw fail(`${digest} is neither an image nor an index`);
  return { mediaType, digest, size: bytes.length };
}

function readBlob(path: string, fail: (problem: string) => Error): Buffer {
  try {
    const bytes = readBounded(path, MAX_MANIFEST_BYTES, { found: true });
    if ('why' in bytes) throw fail(`what the digest names is no manifest: ${bytes.why}`);
    return bytes;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw fail('it has no such digest');
    throw error;
  }
}

/** Documents of the image specification may leave their own type out: what they hold tells. */
function typeOf(bytes: Buffer): string | undefined {
  try {
    const { mediaType, manifests, layers } = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    if (typeof mediaType === 'string') return mediaType;
    return Array.isArray(manifests) ? OCI_INDEX : Array.isArray(layers) ? OCI_MANIFEST : undefined;
  } catch {
    return undefined;
  }
}
