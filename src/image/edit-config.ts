import type { Layer } from '../layer/types.ts';
import type { HistoryEntry, ImageConfig } from '../oci/types.ts';
import { completeHistory } from './pair-history.ts';
import { sealImage } from './seal-image.ts';
import type { Image } from './types.ts';

/** The image with a changed config, and a row of history for it when one is given. Keys that nobody knows stay; the manifest's annotations, which describe the image as it was, do not. */
export function editConfig(
  image: Image,
  change: (config: ImageConfig) => ImageConfig,
  history?: HistoryEntry,
): Image {
  const config = change(image.config);
  if (history === undefined) return sealImage(config, image.layers);
  const row: HistoryEntry = { ...history, empty_layer: true };
  return sealImage({ ...config, history: [...completeHistory(config), row] }, image.layers);
}

/** The image with one more layer on top, and its row of history. */
export function appendLayer(image: Image, layer: Layer, history: HistoryEntry): Image {
  const { empty_layer: _, ...row } = history;
  const rows = [...completeHistory(image.config), row];
  return sealImage({ ...image.config, history: rows }, [...image.layers, layer]);
}

/** The image as it was `count` layers before its top: layers and history cut there, the rest of the config from the whole image. */
export function cutLayers(image: Image, count: number): Image {
  if (count === 0) return image;
  const keep = image.layers.length - count;
  const rows: HistoryEntry[] = [];
  let seen = 0;
  for (const row of completeHistory(image.config)) {
    if (row.empty_layer !== true) seen++;
    if (seen > keep) break;
    rows.push(row);
  }
  return sealImage({ ...image.config, history: rows }, image.layers.slice(0, keep));
}
