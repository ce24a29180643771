import { imageId } from '../image/image-id.ts';
import type { Digest } from '../oci/types.ts';
import type { Built } from './build.ts';

/** What `--iidfile` gets: the image's id; of several platforms the digest of the index. */
export function builtId({ image, target, platforms }: Built): Digest {
  return platforms.length > 1 ? target.digest : imageId(image);
}

/** The JSON of `--metadata-file`, with buildx's keys (build.md a.11). */
export function buildMetadata(built: Built): string {
  const { names, platforms, image } = built;
  // What was pushed is what others see, and its layers are compressed.
  const target = built.pushed ?? built.target;
  const value = {
    ...(platforms.length === 1 && { 'containerimage.config.digest': imageId(image) }),
    'containerimage.descriptor': {
      mediaType: target.mediaType,
      digest: target.digest,
      size: target.size,
      ...(platforms.length === 1 && { platform: platforms[0] }),
    },
    'containerimage.digest': target.digest,
    ...(names.length > 0 && { 'image.name': names.join(',') }),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
