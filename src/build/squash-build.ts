import type { CallOptions } from '../base/options.ts';
import type { SquashReport } from '../image/squash.ts';
import type { Image } from '../image/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** `new`: the layers that the build adds to its base; `all`: the base's too. podman's `--squash` and `--squash-all` (build.md a.12). */
export type SquashWhat = 'new' | 'all';

/** What squashing a build came to. */
export interface BuildSquash {
  readonly what: SquashWhat;
  /** Layers that it was asked to make one of. */
  readonly layers: number;
  /** Layers of the base that the image does not share any more. */
  readonly baseLayers: number;
  /** Undefined where there was at most one layer: the image is as it was. */
  readonly report: SquashReport | undefined;
}

export interface SquashBuildOptions extends CallOptions {
  /** Called before anything is written. */
  readonly lease: () => Promise<void>;
}

/** The image that a build made, squashed as asked. What was squashed before is not packed again, and takes no lease. @throws as `squash` */
export async function squashBuild(
  image: Image,
  base: Image | undefined,
  what: SquashWhat,
  store: LocalStore,
  o: SquashBuildOptions,
): Promise<{ readonly image: Image; readonly squashed: BuildSquash }> {
  const baseLayers = base?.layers.length ?? 0;
  const from = what === 'all' ? 0 : baseLayers;
  const layers = image.layers.length - from;
  if (layers < 2) return { image, squashed: { what, layers, baseLayers: 0, report: undefined } };
  const { squash } = await import('../image/squash.ts');
  let report: SquashReport | undefined;
  const result = await squash(image, { from }, store, {
    signal: o.signal,
    onPack: o.lease,
    onEvent: (event) => {
      report = event;
    },
  });
  return {
    image: result,
    squashed: { what, layers, baseLayers: what === 'all' ? baseLayers : 0, report },
  };
}
