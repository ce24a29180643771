import { availableParallelism } from 'node:os';
import type { CallOptions } from '../base/options.ts';
import { createPool, type Pool } from '../base/pool.ts';
import { type Copied, type CopyTask, copyRegion } from './copy-region.ts';

/** Below this a copy takes less time than starting a worker thread. */
const INLINE_BYTES = 8 * 1024 * 1024;

let pool: Pool<CopyTask, Copied> | undefined;

/** What was copied, hashed on the way; large regions in a worker thread, as many at once as there are cores. @throws BYTES_SHORT_FILE, COMPRESS_ errors, system errors */
export function copyInPool(task: CopyTask, o: CallOptions = {}): Promise<Copied> {
  if (task.from.size < INLINE_BYTES) return copyRegion(task);
  pool ??= createPool(new URL('./copy-worker.ts', import.meta.url), availableParallelism());
  return pool.run(task, o);
}
