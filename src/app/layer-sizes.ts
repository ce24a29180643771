import { availableParallelism } from 'node:os';
import { mapLimited } from '../base/concurrency.ts';
import type { Image } from '../image/types.ts';
import { readLayerIndex } from '../layer/read-index.ts';
import type { LocalStore } from '../store/contract.ts';

/** Bytes of the files in each layer, base first: what docker calls a layer's size. Reads indexes, made once in a layer's life. */
export function layerSizes(store: LocalStore, image: Image): Promise<number[]> {
  return mapLimited(
    image.layers,
    availableParallelism(),
    async (layer) => (await readLayerIndex(store, layer)).fileBytes,
  );
}

/** Bytes of the files in all layers: docker's image size. */
export async function imageSize(store: LocalStore, image: Image): Promise<number> {
  return (await layerSizes(store, image)).reduce((sum, size) => sum + size, 0);
}
