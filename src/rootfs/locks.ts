import type { CallOptions } from '../base/options.ts';
import { type FileLock, type LockMode, openLock } from '../linux/flock.ts';
import { rootfsError } from './errors.ts';
import { withPlace } from './system-errors.ts';

/** Unpacking a large image on a slow disk takes minutes; whoever waits longer than this waits for a stopped process. */
const LOCK_WAIT_SECONDS = 30 * 60;
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
  // Not performance.now(): the module behind it takes 1 ms to load.
  const started = process.uptime();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    o.signal?.throwIfAborted();
    const lock = withPlace('locking', path, () => openLock(path, mode));
    if (lock !== undefined) return lock;
    if (process.uptime() - started > LOCK_WAIT_SECONDS) {
      throw rootfsError('ROOTFS_BUSY', { what, seconds: LOCK_WAIT_SECONDS });
    }
    await new Promise((resume) => setTimeout(resume, pause));
  }
}
