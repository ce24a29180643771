import { linkSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isDobosError, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { FileLock, LockMode } from '../linux/flock.ts';
import { storeError } from './errors.ts';
import { ownerId, ownerState } from './owner.ts';
import { removeFile } from './remove-file.ts';

/** How long a lock is waited for: far longer than any holder needs (an edit of the names takes milliseconds, a collection seconds). */
const LOCK_WAIT_SECONDS = 120;
/** First and longest pause between tries, in milliseconds; a try costs 10 µs. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 5;

/** The lock at `path`, waited for without blocking the event loop. It ends with this process, however that dies. @throws STORE_LOCKED */
export async function acquireLock(path: string, mode: LockMode, o: CallOptions = {}): Promise<FileLock> {
  const open = await lockOpener();
  // Not performance.now(): the module behind it takes 1 ms to load.
  const started = process.uptime();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    o.signal?.throwIfAborted();
    const lock = open(path, mode);
    if (lock !== undefined) return lock;
    if (process.uptime() - started > LOCK_WAIT_SECONDS) {
      throw storeError('STORE_LOCKED', { path, seconds: LOCK_WAIT_SECONDS });
    }
    await new Promise((resume) => setTimeout(resume, pause * (0.5 + Math.random())));
  }
}

/** The lock, or undefined if somebody holds it. */
export async function tryLock(path: string, mode: LockMode): Promise<FileLock | undefined> {
  return (await lockOpener())(path, mode);
}

type LockOpener = (path: string, mode: LockMode) => FileLock | undefined;

let opener: LockOpener | undefined;

/** flock(2); where there is none (not Linux, koffi missing, a file system without locks) a file that names its owner. */
async function lockOpener(): Promise<LockOpener> {
  if (opener !== undefined) return opener;
  const { openLock } = await import('../linux/flock.ts');
  opener = (path, mode) => {
    try {
      return openLock(path, mode);
    } catch (error) {
      if (hasSyscall(error)) throw error;
      // Only this file system may lack locks; anything else is missing for good.
      if (!isDobosError(error, 'LINUX_CALL')) opener = openOwnedFile;
      return openOwnedFile(path);
    }
  };
  return opener;
}

function hasSyscall(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string';
}

/** A lock (always exclusive) as a file that holds its owner's id; the file of a dead owner is taken over. */
export function openOwnedFile(path: string): FileLock | undefined {
  const file = `${path}.owner`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      createOwned(file);
      return ownedLock(file);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    if (!discardStale(file)) return undefined;
  }
  return undefined;
}

/** Linked into place, so that the file never stands without its owner's id. */
function createOwned(file: string): void {
  const aside = `${file}.${ownerId()}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(aside, ownerId(), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(aside, file);
  } finally {
    removeFile(aside);
  }
}

function ownedLock(file: string): FileLock {
  let held = true;
  return {
    release() {
      if (held) removeFile(file);
      held = false;
    },
  };
}

/** Renames first and looks again, so that of two who find the same dead owner neither removes the other's new file. */
function discardStale(file: string): boolean {
  const owner = readOr(file);
  if (owner === undefined) return true;
  if (ownerState(owner) !== 'dead') return false;
  const aside = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(file, aside);
  } catch {
    return true;
  }
  if (readOr(aside) !== owner) {
    try {
      linkSync(aside, file);
    } catch {
      // Somebody holds the lock already: what was moved aside was taken and given back meanwhile.
    }
  }
  removeFile(aside);
  return true;
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
