import { STEP_IMAGES } from '../build/run-build.ts';
import { findImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { completeHistory, pairHistory } from '../image/pair-history.ts';
import { readImage } from '../image/read-image.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import { digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { layerSizes } from './layer-sizes.ts';

/** One row of `history`. */
export interface HistoryLine {
  /** Of the image as it was after this row; never missing. */
  readonly id: Digest;
  /** Epoch milliseconds; 0 if the row does not say. */
  readonly createdAt: number;
  readonly createdBy: string;
  /** Bytes of the files in the row's layer, 0 without one. */
  readonly size: number;
  readonly comment: string;
}

/** How the image was made, newest row first (docker's order). */
export async function readHistory(app: App, name: string): Promise<HistoryLine[]> {
  const store = await app.store();
  const image = await findImage(store, name, { platform: app.settings.hostPlatform });
  const rows = pairHistory(image.config);
  const sizes = await layerSizes(store, image);
  const steps = await stepImages(app, store, image);
  let layers = 0;
  const lines = rows.map(({ entry, layer }, at): HistoryLine => {
    if (layer !== undefined) layers = layer + 1;
    const last = at === rows.length - 1;
    const step = last ? image : (steps.get(stateKey(at + 1, layers)) ?? cutImage(image, at + 1, layers));
    return {
      id: imageId(step),
      createdAt: Date.parse(entry.created ?? '') || 0,
      createdBy: entry.created_by ?? '',
      size: layer === undefined ? 0 : (sizes[layer] ?? 0),
      comment: entry.comment ?? '',
    };
  });
  return lines.reverse();
}

/** The image cut after so many rows and layers, the rest of its config from the final image. */
function cutImage(image: Image, rows: number, layers: number): Image {
  return sealImage(
    { ...image.config, history: completeHistory(image.config).slice(0, rows) },
    image.layers.slice(0, layers),
  );
}

/** The images of the build's steps by the number of their rows and layers. */
async function stepImages(app: App, store: LocalStore, image: Image): Promise<Map<string, Image>> {
  const root = await store.roots.get(STEP_IMAGES, digestHex(image.descriptor.digest));
  const found = new Map<string, Image>();
  for (const target of root?.targets ?? []) {
    if (!(await store.has(target))) continue;
    const step = await readImage(store, target, { platform: app.settings.hostPlatform });
    found.set(stateKey(completeHistory(step.config).length, step.layers.length), step);
  }
  return found;
}

const stateKey = (rows: number, layers: number): string => `${rows}/${layers}`;
