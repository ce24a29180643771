import { sha256, streamOf } from '../../src/base/bytes.ts';
import {
  type ExploreOptions,
  type OpenExploration,
  openExploration,
} from '../../src/explore/explore-image.ts';
import { sealImage } from '../../src/image/seal-image.ts';
import type { Image } from '../../src/image/types.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import type { HistoryEntry } from '../../src/oci/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { type VectorEntry, vectorTar } from './vector-tar.ts';

/** An image of these layers, which the store has uncompressed. */
export async function imageOfLayers(
  store: LocalStore,
  layers: readonly (readonly VectorEntry[])[],
  history?: readonly HistoryEntry[],
): Promise<Image> {
  const opened = layers.map(async (entries) => {
    const tar = vectorTar(entries);
    const blob = await store.ingest(streamOf(tar), 'application/vnd.oci.image.layer.v1.tar');
    return openLayer(store, blob, sha256(tar));
  });
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } } as const;
  return sealImage({ ...config, ...(history === undefined ? {} : { history }) }, await Promise.all(opened));
}

/** The same, explored in a store of its own. */
export async function exploredLayers(
  layers: readonly (readonly VectorEntry[])[],
  o: ExploreOptions = {},
): Promise<OpenExploration & { readonly store: LocalStore }> {
  const store = createMemoryStore();
  return { ...(await openExploration(store, await imageOfLayers(store, layers), o)), store };
}
