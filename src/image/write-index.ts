import { sha256, streamOf } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { formatIndex } from '../oci/format.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import type { Annotations, Descriptor, Platform } from '../oci/types.ts';
import type { Store } from '../store/contract.ts';
import type { Image } from './types.ts';

/** One image of an index. */
export interface IndexEntry {
  readonly image: Image;
  readonly platform: Platform;
  /** Of the entry, not of the manifest. */
  readonly annotations?: Annotations | undefined;
}

/** Stores an index over these images, in this order; its descriptor (image-spec 1.1.1, image-index.md). The images must be in the store. */
export async function writeIndex(
  store: Store,
  entries: readonly IndexEntry[],
  o: CallOptions & { readonly annotations?: Annotations | undefined } = {},
): Promise<Descriptor> {
  const some = (annotations: Annotations | undefined): boolean => Object.keys(annotations ?? {}).length > 0;
  const bytes = formatIndex({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: entries.map(({ image, platform, annotations }): Descriptor => {
      const { mediaType, digest, size } = image.descriptor;
      return { mediaType, digest, size, platform, ...(some(annotations) && { annotations }) };
    }),
    ...(some(o.annotations) && { annotations: o.annotations }),
  });
  const target: Descriptor = { mediaType: OCI_INDEX, digest: sha256(bytes), size: bytes.length };
  if (!(await store.has(target, o))) await store.put(target, streamOf(bytes), o);
  return target;
}
