import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { imageError } from '../image/errors.ts';
import { keepUntagged, nameImage } from '../image/name-image.ts';
import { type SquashReport, squash } from '../image/squash.ts';
import type { Image } from '../image/types.ts';
import { writeImage } from '../image/write-image.ts';
import { stackLayers } from '../layer/apply-layer.ts';
import { compareViews, type ViewComparison } from '../layer/compare-views.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { findImage } from './find-image.ts';
import { fullName } from './image-names.ts';

type SquashErrors = {
  SQUASH_LAYERS: { image: string; wanted: string; layers: number };
  SQUASH_FROM: { image: string; text: string };
};
const squashError = errorMaker<SquashErrors>({
  SQUASH_LAYERS: ({ image, wanted, layers }) => ({
    message: `cannot squash ${wanted}: ${image} has ${layers} layer${layers === 1 ? '' : 's'}`,
    hint: `dobos explore ${image} lists them; 0 is the base`,
  }),
  SQUASH_FROM: ({ image, text }) => ({
    message: `${image} does not stand on ${text}: its lowest layers are others`,
    hint: `give the number or digest of the first layer to squash (dobos explore ${image}), or an image that it was built from`,
  }),
});

/** The first layer that is squashed; all above it are too. */
export type SquashFrom =
  /** So many layers from the top. */
  | { readonly kind: 'last'; readonly count: number }
  /** A layer's number, the beginning of its digest or diff id, or an image whose layers stay. */
  | { readonly kind: 'from'; readonly text: string }
  | { readonly kind: 'all' };

export interface SquashRequest {
  readonly image: string;
  readonly from: SquashFrom;
  /** The name of the result; without one it stays as `<none>`. */
  readonly name?: string | undefined;
}

export interface SquashedImage {
  readonly before: Image;
  readonly image: Image;
  /** The full name. */
  readonly name: string | undefined;
  /** Undefined where there was at most one layer to squash: the image is as it was. */
  readonly report: SquashReport | undefined;
  /** Every path of both, compared; there is no difference. */
  readonly view: ViewComparison;
  /** Bytes of the files in all layers. */
  readonly sizes: { readonly before: number; readonly after: number };
}

/** Squashes the layers of an image from one on to the top, names the result, when both show the same. @throws SQUASH_LAYERS, SQUASH_FROM, IMAGE_SQUASH_DIFFERS, OCI_REFERENCE_INVALID, and as `findImage` and `squash` */
export async function squashImage(
  app: App,
  request: SquashRequest,
  o: CallOptions = {},
): Promise<SquashedImage> {
  const name = request.name === undefined ? undefined : fullName(request.name);
  const store = await app.store();
  const before = await findImage(app, request.image, o);
  const from = await firstLayer(app, before, request, o);
  let report: SquashReport | undefined;
  const lease = await store.lease();
  try {
    const image = await squash(before, { from }, store, {
      ...o,
      onEvent: (event) => {
        report = event;
      },
    });
    const compared = await compare(store, before, image, o);
    const { difference: path } = compared.view;
    if (path !== undefined) throw imageError('IMAGE_SQUASH_DIFFERS', { image: request.image, path });
    await writeImage(store, image, o);
    if (name === undefined) await keepUntagged(store, image.descriptor, o);
    else await nameImage(store, name, image.descriptor, o);
    return { before, image, name, report, ...compared };
  } finally {
    await lease.release();
  }
}

async function firstLayer(
  app: App,
  { layers }: Image,
  { image, from }: SquashRequest,
  o: CallOptions,
): Promise<number> {
  const count = layers.length;
  const tooMany = (wanted: string): Error => squashError('SQUASH_LAYERS', { image, wanted, layers: count });
  if (from.kind === 'all') return 0;
  if (from.kind === 'last') {
    if (from.count > count) throw tooMany(`the last ${from.count} layers`);
    return count - from.count;
  }
  const { text } = from;
  if (/^\d{1,4}$/.test(text)) {
    if (Number(text) >= count) throw tooMany(`from layer ${text} on`);
    return Number(text);
  }
  const hex = text.replace(/^sha256:/, '');
  const found = /^[a-f0-9]{6,64}$/.test(hex)
    ? layers.findIndex(({ blob, diffId }) =>
        [blob.digest, diffId].some((each) => each.startsWith(`sha256:${hex}`)),
      )
    : -1;
  if (found >= 0) return found;
  const base = await findImage(app, text, o);
  if (base.layers.length > count || base.layers.some(({ diffId }, at) => diffId !== layers[at]!.diffId))
    throw squashError('SQUASH_FROM', { image, text });
  return base.layers.length;
}

async function compare(
  store: LocalStore,
  before: Image,
  after: Image,
  o: CallOptions,
): Promise<Pick<SquashedImage, 'view' | 'sizes'>> {
  const old = await readLayerIndexes(store, before.layers, o);
  const now = await readLayerIndexes(store, after.layers, o);
  const sum = (indexes: typeof old): number => indexes.reduce((bytes, { fileBytes }) => bytes + fileBytes, 0);
  return {
    view: compareViews(stackLayers(old), stackLayers(now)),
    sizes: { before: sum(old), after: sum(now) },
  };
}
