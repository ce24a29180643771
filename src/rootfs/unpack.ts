import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { mapLimited } from '../base/concurrency.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions, WatchOptions } from '../base/options.ts';
import { createPool, type Pool } from '../base/pool.ts';
import { layerProblem } from '../layer/layer-problem.ts';
import { loadLayerIndex } from '../layer/load-layer-index.ts';
import { keepLayerIndex, readLayerIndex } from '../layer/read-index.ts';
import type { Layer } from '../layer/types.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { type RootfsEvent, rootfsError } from './errors.ts';
import type { ExtractTask } from './extract-layer.ts';
import type { StackLayer } from './place-stack.ts';
import { removeTree } from './remove-tree.ts';
import type { Session } from './sessions.ts';
import type { FormatPaths, SnapshotFormat } from './snapshot-names.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { UnpackResult, UnpackTask } from './unpack-task.ts';

type UnpackPool = Pool<UnpackTask, UnpackResult, RootfsEvent>;
let pool: UnpackPool | undefined;

/** Blobs up to this size are unpacked in this thread: starting a worker costs 40 ms. */
const INLINE_BYTES = 256 * 1024;

export interface UnpackTools {
  readonly store: LocalStore;
  readonly paths: FormatPaths;
  readonly format: SnapshotFormat;
  readonly rootless: boolean;
  readonly snapshots: SnapshotStore;
  readonly session: Session;
}

/**
 * Makes the snapshots that are missing. Contents are extracted from all layers at once; then the files are placed, base first; then each directory is published
 * by a rename. Of two processes with the same chain one works and the other waits.
 * @throws ROOTFS_NO_BLOB, errors of extracting and placing
 */
export async function unpackMissing(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  o: WatchOptions<RootfsEvent> = {},
): Promise<void> {
  const { snapshots, format } = tools;
  const isMissing = (i: number): boolean => !snapshots.has(chains[i]!);
  // A whole tree holds all layers, so only the last chain needs one.
  const wanted = format === 'whole' ? chains.slice(-1) : chains;
  const toMake = wanted.filter((chainId) => !snapshots.has(chainId));
  if (toMake.length === 0) return;
  const lock = await snapshots.lock(toMake, o);
  const folder = tools.session.makeFolder();
  try {
    if (format === 'whole') await unpackWhole(tools, layers, chains, folder, o);
    else {
      const missing = layers.map((_, i) => i).filter(isMissing);
      await unpackApart(tools, layers, chains, missing, folder, o);
    }
  } finally {
    lock.release();
    removeTree(folder);
  }
}

/** Each layer in a directory of its own, with overlay marks. */
async function unpackApart(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  missing: readonly number[],
  folder: string,
  o: WatchOptions<RootfsEvent>,
): Promise<void> {
  if (missing.length === 0) return;
  const extracted = await extractAll(tools, layers, missing, folder, o);
  const stack = layers.map((_, i): StackLayer => {
    const index = extracted.indexes[i] ?? NO_INDEX;
    if (!missing.includes(i)) return { index, folder: tools.snapshots.folderOf(chains[i]!) };
    const root = `${folder}/r${i}`;
    mkdirSync(root, { mode: 0o700 });
    return { index, folder: root, staging: stagingOf(folder, i) };
  });
  const sizes = await place(tools, stack, extracted.bytes, o);
  for (const i of missing) tools.snapshots.publish(chains[i]!, stack[i]!.folder, sizes[i]!);
}

/** All layers in one directory, starting from a copy of the longest part that is there already. */
async function unpackWhole(
  tools: UnpackTools,
  layers: readonly Layer[],
  chains: readonly Digest[],
  folder: string,
  o: WatchOptions<RootfsEvent>,
): Promise<void> {
  const { snapshots } = tools;
  const top = chains[chains.length - 1];
  if (top === undefined || snapshots.has(top)) return;
  const start = chains.findLastIndex((chainId) => snapshots.has(chainId)) + 1;
  const missing = layers.map((_, i) => i).slice(start);
  const extracted = await extractAll(tools, layers, missing, folder, o);
  const root = `${folder}/r`;
  mkdirSync(root, { mode: 0o700 });
  let below = 0;
  if (start > 0) {
    const from = snapshots.folderOf(chains[start - 1]!);
    below = (await runInWorker({ kind: 'copy', from, to: root }, o)) as number;
  }
  const stack = layers.map((_, i): StackLayer => {
    const staging = i < start ? undefined : stagingOf(folder, i);
    return { index: extracted.indexes[i]!, folder: root, staging };
  });
  const sizes = await place(tools, stack, extracted.bytes, o);
  snapshots.publish(
    top,
    root,
    sizes.reduce((sum, size) => sum + size, below),
  );
}

/** Above the last missing layer: never read. */
const NO_INDEX = new Uint8Array(0);

const stagingOf = (folder: string, layer: number): string => `${folder}/s${layer}`;

interface Extracted {
  /** Bytes of the blobs. */
  readonly bytes: number;
  /** The indexes of the stack up to the last missing layer, base first. */
  readonly indexes: readonly Uint8Array[];
}

async function extractAll(
  tools: UnpackTools,
  layers: readonly Layer[],
  missing: readonly number[],
  folder: string,
  o: WatchOptions<RootfsEvent>,
): Promise<Extracted> {
  const { store, format, rootless } = tools;
  const made = new Map<number, Uint8Array>();
  const bytes = missing.reduce((sum, i) => sum + layers[i]!.blob.size, 0);
  // The largest first, so that the last one to end is a small one.
  const order = [...missing].sort((a, b) => layers[b]!.blob.size - layers[a]!.blob.size);
  await mapLimited(order, availableParallelism(), async (i) => {
    const layer = layers[i]!;
    const region = await store.locate(layer.blob, o);
    if (region === undefined) throw rootfsError('ROOTFS_NO_BLOB', { digest: layer.blob.digest });
    const staging = stagingOf(folder, i);
    mkdirSync(staging, { mode: 0o700 });
    const index = (await keptIndex(store, layer.diffId)) === undefined;
    const { blob, diffId } = layer;
    const task: ExtractTask = {
      kind: 'extract',
      region,
      blob,
      diffId,
      index,
      staging,
      format,
      rootless,
    };
    const result = (await run(task, bytes, o).catch((error: unknown) => {
      throw layerProblem(error, blob);
    })) as Uint8Array | undefined;
    if (result === undefined) return;
    made.set(i, result);
    await keepLayerIndex(store, diffId, result);
  });
  const indexes: Uint8Array[] = [];
  for (const [i, layer] of layers.slice(0, Math.max(...missing) + 1).entries()) {
    indexes.push(made.get(i) ?? (await indexOf(store, layer, o)));
  }
  return { bytes, indexes };
}

/** The index of a layer whose snapshot is there already. */
async function indexOf(store: LocalStore, layer: Layer, o: CallOptions): Promise<Uint8Array> {
  const kept = await keptIndex(store, layer.diffId);
  if (kept !== undefined) return kept;
  await readLayerIndex(store, layer, o);
  const made = await keptIndex(store, layer.diffId);
  if (made === undefined) throw rootfsError('ROOTFS_NO_INDEX', { diffId: layer.diffId });
  return made;
}

/** The bytes of a layer's index from the store's note; undefined if there is none that can be used. */
async function keptIndex(store: LocalStore, diffId: Digest): Promise<Uint8Array | undefined> {
  const bytes = await store.notes.get('index', diffId);
  if (bytes === undefined) return undefined;
  try {
    return loadLayerIndex(bytes).diffId === diffId ? bytes : undefined;
  } catch (error) {
    if (isDobosError(error, 'LAYER_INDEX_BROKEN')) return undefined;
    throw error;
  }
}

function place(
  tools: UnpackTools,
  layers: readonly StackLayer[],
  bytes: number,
  o: WatchOptions<RootfsEvent>,
): Promise<number[]> {
  const { format, rootless } = tools;
  return run({ kind: 'place', format, rootless, layers }, bytes, o) as Promise<number[]>;
}

/** Runs a task, a small one in this thread. `bytes` is what the whole unpacking reads. */
async function run(task: UnpackTask, bytes: number, o: WatchOptions<RootfsEvent>): Promise<UnpackResult> {
  if (bytes > INLINE_BYTES) return runInWorker(task, o);
  o.signal?.throwIfAborted();
  const { runUnpackTask } = await import('./unpack-task.ts');
  return runUnpackTask(task, (event) => o.onEvent?.(event));
}

/** Runs a task in a worker thread. */
export function runInWorker(task: UnpackTask, o: WatchOptions<RootfsEvent>): Promise<UnpackResult> {
  pool ??= createPool(new URL('./unpack-worker.ts', import.meta.url));
  return pool.run(task, o);
}
