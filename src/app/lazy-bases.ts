import type { LazyLayers } from '../build/step-run.ts';
import type { Image } from '../image/types.ts';

/** Bases whose documents are known and whose layers are fetched when a step needs them. */
export interface LazyBases extends LazyLayers {
  /** `fetch` brings the image and names it; called once at most, unless it fails. */
  add(image: Image, fetch: () => Promise<unknown>): void;
}

interface MissingBase {
  readonly image: Image;
  readonly fetch: () => Promise<unknown>;
  running?: Promise<unknown> | undefined;
}

export function createLazyBases(): LazyBases {
  const missing = new Set<MissingBase>();
  const below = (image: Image): MissingBase[] => [...missing].filter((base) => standsOn(image, base.image));
  return {
    add(image, fetch) {
      missing.add({ image, fetch });
    },
    isMissing: (image) => below(image).length > 0,
    async bring(image) {
      for (const base of below(image)) {
        base.running ??= base.fetch().finally(() => {
          base.running = undefined;
        });
        await base.running;
        missing.delete(base);
      }
    },
  };
}

/** True if the image's lowest layers are those of the base. */
const standsOn = (image: Image, base: Image): boolean =>
  base.layers.length > 0 && base.layers.every(({ blob }, i) => image.layers[i]?.blob.digest === blob.digest);
