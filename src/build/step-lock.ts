import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '../base/options.ts';
import type { LocalStore } from '../store/contract.ts';
import { tryLock } from '../store/locks.ts';

/** First and longest pause between looks at the lock, in milliseconds; a look costs 10 µs. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
/** Hex digits of a step's id in the name of its lock: lock files stay, so there are at most 65,536. Two steps that share one only wait for each other. */
const NAME_DIGITS = 4;

/** The right to run a step, held until `release` or the end of this process. */
export interface StepLock {
  /** Somebody else had it: what they ran may be kept now. */
  readonly waited: boolean;
  release(): void;
}

/**
 * The right to run the step that is kept under `id`: builds of one store, in one process or several, that need the same step run it once, and the others wait.
 * `onWait` is called once if somebody else has it. A store without a folder is nobody else's.
 */
export async function lockStep(
  store: LocalStore,
  id: string,
  o: CallOptions & { readonly onWait?: () => void } = {},
): Promise<StepLock> {
  if (store.folder === undefined) return { waited: false, release() {} };
  const folder = join(store.folder, 'lock', 'steps');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, id.slice(0, NAME_DIGITS));
  for (let waited = false, pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    o.signal?.throwIfAborted();
    const lock = await tryLock(path, 'exclusive');
    if (lock !== undefined) return { waited, release: () => lock.release() };
    if (!waited) o.onWait?.();
    waited = true;
    await new Promise((resume) => setTimeout(resume, pause));
  }
}
