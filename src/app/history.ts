import { findImage } from '../image/find-image.ts';
import { imageId } from '../image/image-id.ts';
import { readImage } from '../image/read-image.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import type { Digest, HistoryEntry } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { layerSizes } from './layer-sizes.ts';
import { rootId } from './name-image.ts';

/** One row of `history`. */
export interface HistoryRow {
  /** Of the image as it was after this row: always there, can be inspected, explored and run. */
  readonly id: Digest;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Bytes of the files in the row's layer, 0 without one. */
  readonly size: number;
  readonly comment: string;
  readonly tags: readonly string[];
}

/** How the image was made, newest row first (docker's order). */
export async function readHistory(app: App, name: string): Promise<HistoryRow[]> {
  const store = await app.store();
  const image = await findImage(store, name, { platform: app.settings.hostPlatform });
  const entries = historyOf(image);
  const sizes = await layerSizes(store, image);
  const known = await stepImages(app, store, image);
  const rows: HistoryRow[] = [];
  let layers = 0;
  for (const [at, entry] of entries.entries()) {
    const size = entry.empty_layer === true ? 0 : (sizes[layers++] ?? 0);
    const step = at === entries.length - 1 ? image : (known.get(stateKey(at + 1, layers)) ?? cutImage(image, at + 1, layers));
    rows.push({
      id: imageId(step),
      createdAt: Date.parse(entry.created ?? '') || 0,
      createdBy: entry.created_by ?? '',
      size,
      comment: entry.comment ?? '',
      tags: [],
    });
  }
  return rows.reverse();
}

/** The image's history; for layers that it does not tell of, rows without words. */
export function historyOf(image: Image): readonly HistoryEntry[] {
  const told = image.config.history ?? [];
  const toldLayers = told.filter((entry) => entry.empty_layer !== true).length;
  return [...Array.from({ length: Math.max(0, image.layers.length - toldLayers) }, () => ({})), ...told];
}

/** The image cut after so many rows and layers, the rest of its config from the final image. */
export function cutImage(image: Image, rows: number, layers: number): Image {
  const { config } = image;
  const cut = {
    ...config,
    rootfs: { ...config.rootfs, diff_ids: config.rootfs.diff_ids.slice(0, layers) },
    history: historyOf(image).slice(0, rows),
  };
  return sealImage(cut, image.layers.slice(0, layers));
}

/** The images of the build's steps by the number of their rows and layers. */
async function stepImages(app: App, store: LocalStore, image: Image): Promise<Map<string, Image>> {
  const root = await store.roots.get('image-steps', rootId(image.descriptor.digest));
  const found = new Map<string, Image>();
  for (const target of root?.targets ?? []) {
    if (!(await store.has(target))) continue;
    const step = await readImage(store, target, { platform: app.settings.hostPlatform });
    found.set(stateKey(historyOf(step).length, step.layers.length), step);
  }
  return found;
}

const stateKey = (rows: number, layers: number): string => `${rows}/${layers}`;
