import { STEP_IMAGES } from '../build/step-images.ts';
import { imageId } from '../image/image-id.ts';
import { listImages } from '../image/list-images.ts';
import { completeHistory, pairHistory } from '../image/pair-history.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { digestHex } from '../oci/digest.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { cutImage, findImage } from './find-image.ts';
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
  const image = await findImage(app, name);
  const rows = pairHistory(image.config);
  const sizes = await layerSizes(store, image);
  const steps = await earlierImages(app, store, image);
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

/** Images of the store that this one went through, by the number of their rows and layers: its build's steps, its base, the base's own. */
async function earlierImages(app: App, store: LocalStore, image: Image): Promise<Map<string, Image>> {
  const platform = app.settings.hostPlatform;
  const found = new Map<string, Image>();
  const rows = completeHistory(image.config).map((row) => JSON.stringify(row));
  const add = (step: Image): void => {
    const own = completeHistory(step.config);
    const isEarlier =
      own.length < rows.length &&
      step.layers.every(({ diffId }, at) => diffId === image.layers[at]?.diffId) &&
      own.every((row, at) => JSON.stringify(row) === rows[at]);
    const key = stateKey(own.length, step.layers.length);
    if (isEarlier && !found.has(key)) found.set(key, step);
  };
  const root = await store.roots.get(STEP_IMAGES, digestHex(image.descriptor.digest));
  for (const target of root?.targets ?? [])
    if (await store.has(target)) add(await readImage(store, target, { platform }));
  for await (const listed of listImages(store, { all: true, platform, orPresent: true, onBroken: () => {} }))
    add(listed.image);
  for await (const { targets } of store.roots.list(STEP_IMAGES))
    for (const target of targets)
      if (found.size < rows.length - 1 && (await store.has(target)))
        add(await readImage(store, target, { platform }));
  return found;
}

const stateKey = (rows: number, layers: number): string => `${rows}/${layers}`;
