import type { CallOptions } from '../base/options.ts';
import { type FileLock, type LockMode, openLock } from '../linux/flock.ts';
import { rootfsError } from './errors.ts';
import { withPlace } from './system-errors.ts';

/** Unpacking a large image on a slow disk takes minutes; whoever waits longer than this waits for a stopped process. */
const LOCK_WAIT_MS = 30 * 60 * 1000;
/** First and longest pause between tries, in milliseconds. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** The lock, waited for without blocking. It ends with this process, however that dies. @throws ROOTFS_BUSY */
export async function waitForLock(
  path: string,
  mode: LockMode,
  what: string,
  o: CallOptions = {},
): Promise<FileLock> {
  const started = performance.now();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    o.signal?.throwIfAborted();
    const lock = withPlace('locking', path, () => openLock(path, mode));
    if (lock !== undefined) return lock;
    if (performance.now() - started > LOCK_WAIT_MS) {
      throw rootfsError('ROOTFS_BUSY', { what, seconds: LOCK_WAIT_MS / 1000 });
    }
    await new Promise((resume) => setTimeout(resume, pause));
  }
}
