import { availableParallelism } from 'node:os';
import type { CallOptions } from '../base/options.ts';
import { createPool, type Pool } from '../base/pool.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { openLayer } from './open-layer.ts';
import type { PackedLayer, PackTask } from './pack-layer.ts';
import type { PlanRules } from './plan-checker.ts';
import { packPlan } from './plan-columns.ts';
import { keepLayerIndex } from './read-index.ts';
import type { Layer, PlannedEntry } from './types.ts';

/** Media type of layers made here: uncompressed, compression happens at the door (compressLayers). */
export const LAYER_MEDIA_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/** Plans up to so many entries and bytes are packed here: starting a thread costs 20 ms of wall time and 60 ms of CPU time, a file 20 µs, a folder 10 µs. */
const INLINE_ENTRIES = 2000;
const INLINE_BYTES = 4 * 1024 * 1024;

export interface WriteLayerOptions extends CallOptions, PlanRules {
  /** Called when all files are read and before anything is kept: what it throws is thrown, and nothing is kept. */
  readonly confirm?: (() => void) | undefined;
}

let pool: Pool<PackTask, PackedLayer> | undefined;

/**
 * A layer with these entries, in the order of the plan, stored uncompressed in one pass; its index is stored with it. After an abort or an error nothing
 * is left in the store.
 * @throws LAYER_PLAN, LAYER_WHITEOUT_NAME, LAYER_FILE_CHANGED, LAYER_FILE_READ, and errors of the store
 */
export async function writeLayer(
  store: LocalStore,
  plan: Iterable<PlannedEntry>,
  o: WriteLayerOptions = {},
): Promise<Layer> {
  const entries = [...plan];
  o.signal?.throwIfAborted();
  const staged = await store.stage();
  try {
    const packed = await packTar(staged.path, entries, o);
    o.signal?.throwIfAborted();
    o.confirm?.();
    return await keepPacked(store, staged, packed);
  } catch (error) {
    await staged.abort();
    throw error;
  }
}

/** Writes the plan as a tar to an empty file; the bytes depend on the plan and the files' content alone. @throws as `writeLayer`, and system errors */
export async function packTar(
  path: string,
  plan: readonly PlannedEntry[],
  o: WriteLayerOptions = {},
): Promise<PackedLayer> {
  const rules: PlanRules = { verbatim: o.verbatim };
  return isSmall(plan)
    ? (await import('./pack-layer.ts')).packFile({ path, plan, rules })
    : packInThread({ path, plan: packPlan(plan), rules, large: isLarge(plan) }, plan.length, o);
}

/** The layer of a staged file that `packLayer` has filled, committed to the store with its index. */
export async function keepPacked(
  store: LocalStore,
  staged: Awaited<ReturnType<LocalStore['stage']>>,
  packed: { readonly diffId: Digest; readonly size: number; readonly index: Uint8Array },
): Promise<Layer> {
  const { diffId, size } = packed;
  const blob = await staged.commit({ mediaType: LAYER_MEDIA_TYPE, digest: diffId, size });
  await keepLayerIndex(store, diffId, packed.index);
  return openLayer(store, blob, diffId);
}

/** After so many entries the thread holds tens of megabytes that whoever comes next wants. */
const MANY_ENTRIES = 10_000;

async function packInThread(task: PackTask, entries: number, o: CallOptions): Promise<PackedLayer> {
  const packed = await workers().run(task, o);
  if (entries >= MANY_ENTRIES) await workers().close();
  return packed;
}

function workers(): Pool<PackTask, PackedLayer> {
  pool ??= createPool(new URL('./pack-worker.ts', import.meta.url));
  return pool;
}

/** From so many bytes on, in files of such a size, a second thread is worth its start: it takes half of the work. */
const LARGE_BYTES = 64 * 1024 * 1024;
const LARGE_FILE_BYTES = 64 * 1024;

function isLarge(plan: readonly PlannedEntry[]): boolean {
  return (
    availableParallelism() > 1 && contentBytes(plan) >= Math.max(LARGE_BYTES, plan.length * LARGE_FILE_BYTES)
  );
}

function isSmall(plan: readonly PlannedEntry[]): boolean {
  return plan.length <= INLINE_ENTRIES && contentBytes(plan) <= INLINE_BYTES;
}

function contentBytes(plan: readonly PlannedEntry[]): number {
  let bytes = 0;
  for (const { content } of plan) {
    if (content !== undefined) bytes += content.kind === 'bytes' ? content.bytes.length : content.size;
  }
  return bytes;
}
