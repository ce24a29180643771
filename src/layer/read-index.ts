import { availableParallelism } from 'node:os';
import { mapLimited } from '../base/concurrency.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { createPool, type Pool } from '../base/pool.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { IndexTask } from './build-layer-index.ts';
import { layerError } from './errors.ts';
import { layerProblem } from './layer-problem.ts';
import { loadLayerIndex } from './load-layer-index.ts';
import type { Layer, LayerIndex } from './types.ts';

const NOTE_KIND = 'index';

/** Layers from this size on are read by two threads; starting one costs as much as hashing 20 MB. */
const SPLIT_BYTES = 64 * 1024 * 1024;

let pool: Pool<IndexTask, Uint8Array> | undefined;
/** Indexes being made, so that the same layer asked for twice at once is read once. */
const making = new WeakMap<LocalStore, Map<Digest, Promise<LayerIndex>>>();

export interface ReadIndexOptions extends CallOptions {
  /** False: other layers keep the cores busy, so this one is read by one thread. */
  readonly alone?: boolean | undefined;
  /** The diffId need not be proven: of an uncompressed layer that lies in a file only the headers are read, and nothing is noted (`readHeaderIndex`). */
  readonly unproven?: boolean | undefined;
}

/**
 * Everything about the layer but its bytes: from the store's note, or made once in its life by reading the layer in a worker thread, which also proves the diffId.
 * A note that cannot be used is made anew.
 * @throws LAYER_DIFF_ID, and errors of the store, tar and compress rooms
 */
export async function readLayerIndex(
  store: LocalStore,
  layer: Layer,
  o: ReadIndexOptions = {},
): Promise<LayerIndex> {
  const kept = await loadNote(store, layer.diffId);
  if (kept !== undefined) return kept;
  if (o.unproven === true) {
    const quick = await readUnproven(store, layer, o);
    if (quick !== undefined) return quick;
  }
  const inStore = making.get(store) ?? new Map<Digest, Promise<LayerIndex>>();
  making.set(store, inStore);
  const running = inStore.get(layer.diffId);
  if (running !== undefined) {
    // Who asked first may have given up; that is not this caller's wish.
    return running.catch((error: unknown) => {
      if (isDobosError(error) || o.signal?.aborted === true) throw error;
      return readLayerIndex(store, layer, o);
    });
  }
  const made = makeIndex(store, layer, o)
    .catch((error: unknown) => {
      throw layerProblem(error, layer.blob);
    })
    .finally(() => inStore.delete(layer.diffId));
  inStore.set(layer.diffId, made);
  return made;
}

/** The indexes of these layers, in their order; as many are made at once as there are cores. */
export async function readLayerIndexes(
  store: LocalStore,
  layers: readonly Layer[],
  o: Pick<ReadIndexOptions, 'signal' | 'unproven'> = {},
): Promise<LayerIndex[]> {
  const cores = availableParallelism();
  const order = layers.map((_, i) => i).sort((a, b) => layers[b]!.blob.size - layers[a]!.blob.size);
  // Large ones first; those left when there are fewer than cores are read by two threads each.
  const whole = layers.length - (layers.length % cores);
  const made = new Array<LayerIndex>(layers.length);
  await mapLimited(order, cores, async (which, turn) => {
    made[which] = await readLayerIndex(store, layers[which]!, { ...o, alone: turn >= whole });
  });
  return made;
}

/** Undefined for a layer that has to be read whole anyway. */
async function readUnproven(
  store: LocalStore,
  { blob, diffId }: Layer,
  o: CallOptions,
): Promise<LayerIndex | undefined> {
  const region = await store.locate(blob, o);
  if (region === undefined) return undefined;
  const [{ readCompression }, { readHeaderIndex }] = await Promise.all([
    import('./build-layer-index.ts'),
    import('./read-headers.ts'),
  ]);
  if (readCompression(region) !== 'none') return undefined;
  try {
    return readHeaderIndex(region, diffId);
  } catch (error) {
    throw layerProblem(error, blob);
  }
}

/** Stores the index's bytes beside the blobs. A store that cannot be written loses time only, so that is no error. */
export async function keepLayerIndex(store: LocalStore, diffId: Digest, bytes: Uint8Array): Promise<void> {
  try {
    await store.notes.put(NOTE_KIND, diffId, bytes);
  } catch (error) {
    if (!isDobosError(error) || !error.code.startsWith('STORE_')) throw error;
  }
}

async function loadNote(store: LocalStore, diffId: Digest): Promise<LayerIndex | undefined> {
  const bytes = await store.notes.get(NOTE_KIND, diffId);
  if (bytes === undefined) return undefined;
  try {
    const index = loadLayerIndex(bytes);
    return index.diffId === diffId ? index : undefined;
  } catch (error) {
    if (isDobosError(error, 'LAYER_INDEX_BROKEN')) return undefined;
    throw error;
  }
}

async function makeIndex(store: LocalStore, layer: Layer, o: ReadIndexOptions): Promise<LayerIndex> {
  const region = await store.locate(layer.blob, o);
  const bytes =
    region === undefined
      ? await indexHere(layer, o)
      : await indexInWorkers({ region, diffId: layer.diffId, blob: layer.blob.digest }, o);
  await keepLayerIndex(store, layer.diffId, bytes);
  return loadLayerIndex(bytes);
}

/** Hashing is nearly all the work, and is done twice, of the whole and of each file: in large layers by two threads. */
async function indexInWorkers(task: IndexTask, o: ReadIndexOptions): Promise<Uint8Array> {
  const small = task.region.size < SPLIT_BYTES || availableParallelism() === 1;
  if (small || o.alone === false) return workers().run(task, o);
  const { readCompression } = await import('./build-layer-index.ts');
  if (readCompression(task.region) !== 'none') return workers().run(task, o);
  const halves = (['digest', 'entries'] as const).map((part) => workers().run({ ...task, part }, o));
  const done = await Promise.allSettled(halves);
  // A wrong digest comes first: it explains whatever the other half stumbled over.
  for (const half of done) if (half.status === 'rejected') throw half.reason;
  return halves[1]!;
}

function workers(): Pool<IndexTask, Uint8Array> {
  pool ??= createPool(new URL('./index-worker.ts', import.meta.url));
  return pool;
}

/** For stores without files: the layer passes through this thread. */
async function indexHere(layer: Layer, o: CallOptions): Promise<Uint8Array> {
  const { createLayerIndexer } = await import('./layer-indexer.ts');
  const indexer = createLayerIndexer(layer.diffId.slice(0, layer.diffId.indexOf(':')));
  for await (const chunk of layer.openTar(o)) {
    indexer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  }
  const { bytes, diffId } = indexer.end();
  if (diffId !== layer.diffId) {
    throw layerError('LAYER_DIFF_ID', { blob: layer.blob.digest, want: layer.diffId, got: diffId });
  }
  return bytes;
}
