import { collect } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseIndex } from '../oci/manifest.ts';
import { isIndexType } from '../oci/media-types.ts';
import { imageEntries } from '../oci/platform.ts';
import type { Descriptor } from '../oci/types.ts';
import type { BlobSource } from '../store/contract.ts';
import { readImage } from './read-image.ts';
import type { Image } from './types.ts';

/** Every image that a name's target leads to and that is there: of an index those of the platforms that were brought. @throws as `readImage` */
export async function* presentImages(
  from: BlobSource,
  target: Descriptor,
  o: CallOptions = {},
  depth = 0,
): AsyncIterable<Image> {
  if (depth > MAX_INDEX_DEPTH || !(await from.has(target, o))) return;
  if (!isIndexType(target.mediaType)) {
    yield* await readOrNone(from, target, o);
    return;
  }
  const index = parseIndex(await collect(from.open(target, o), MAX_MANIFEST_BYTES), target.mediaType);
  for (const entry of imageEntries(index.manifests)) yield* presentImages(from, entry, o, depth + 1);
}

/** An index may have signatures and the like beside images. */
async function readOrNone(from: BlobSource, target: Descriptor, o: CallOptions): Promise<readonly Image[]> {
  try {
    return [await readImage({ ...from, resolve: async () => target }, target, o)];
  } catch (error) {
    if (isDobosError(error, 'IMAGE_NOT_AN_IMAGE')) return [];
    throw error;
  }
}
