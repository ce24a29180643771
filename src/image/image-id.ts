import type { Digest } from '../oci/types.ts';
import type { Image } from './types.ts';

/** The image's id: the digest of its config, which stays the same however the layers are compressed. */
export function imageId(image: Pick<Image, 'manifest'>): Digest {
  return image.manifest.config.digest;
}
