import { lstatSync } from 'node:fs';
import type { FileLock } from '../linux/flock.ts';
import { storeError } from '../store/errors.ts';
import { openOwnedFile } from '../store/locks.ts';
import { removeFile } from '../store/remove-file.ts';

/** What is done under the lock takes milliseconds: who holds it so long without a change is dead, wherever its pid counts. */
const STALE_SECONDS = 10;
/** Of all the waiting. */
const LONGEST_WAIT_SECONDS = 60;
/** Between two tries, in milliseconds. */
const PAUSE_MS = 2;

/** The lock under which containers change. A file that names its owner, so that starting a container loads no native code. @throws STORE_LOCKED */
export async function lockContainers(path: string): Promise<FileLock> {
  // Not performance.now(): the module behind it takes 1 ms to load.
  const began = process.uptime();
  let holder = holderOf(path);
  let heldSince = began;
  for (;;) {
    const lock = openOwnedFile(path);
    if (lock !== undefined) return lock;
    const now = process.uptime();
    const current = holderOf(path);
    if (current !== holder) {
      holder = current;
      heldSince = now;
    } else if (current !== undefined && now - heldSince > STALE_SECONDS) {
      removeFile(`${path}.owner`);
      heldSince = now;
    }
    if (now - began > LONGEST_WAIT_SECONDS)
      throw storeError('STORE_LOCKED', { path, seconds: LONGEST_WAIT_SECONDS });
    await new Promise((resume) => setTimeout(resume, PAUSE_MS * (0.5 + Math.random())));
  }
}

/** Differs between two holders, and between two times that one process holds it. */
function holderOf(path: string): string | undefined {
  const stat = lstatSync(`${path}.owner`, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.ino} ${stat.mtimeNs}`;
}
