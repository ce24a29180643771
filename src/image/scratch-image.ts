import type { Platform } from '../oci/types.ts';
import { sealImage } from './seal-image.ts';
import type { Image } from './types.ts';

/** The empty image that every build from `scratch` starts with: no layers, no history, an empty container config. */
export function scratchImage(platform: Platform): Image {
  const { os, architecture, variant } = platform;
  const rootfs = { type: 'layers', diff_ids: [] } as const;
  return sealImage(
    { architecture, os, ...(variant !== undefined && { variant }), config: {}, rootfs, history: [] },
    [],
  );
}
