import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { randomBytes } from '../base/random.ts';
import { type FileLock, openLock } from '../linux/flock.ts';
import { rootfsError } from './errors.ts';
import { waitForLock } from './locks.ts';
import { removeTree } from './remove-tree.ts';
import type { SnapshotPaths } from './snapshot-names.ts';
import { withPlace } from './system-errors.ts';

/** File in a session's folder that its process keeps locked while it lives. */
const LOCK_FILE = 'lock';
/** Files with the names of snapshots that something of the session stands on, a line each. */
const USES_PREFIX = 'uses-';

/** A folder of this process, for roots and half-made snapshots. It is left over as soon as its process is dead, however it died. */
export interface Session {
  readonly folder: string;
  /** A new empty folder in it; short, because overlay mounts name folders in it. */
  makeFolder(): string;
  /** Marks snapshots as used until `release`: `collect` leaves them alone. */
  use(names: readonly string[], o?: CallOptions): Promise<{ release(): void }>;
  close(): void;
  /** The same where nothing is left in it; otherwise it is what a dead process leaves. */
  closeIfEmpty(): void;
}

/** Makes the folders of the snapshots and a session in them; leftovers of dead processes are removed on the way. @throws ROOTFS_SYSTEM */
export async function openSession(paths: SnapshotPaths, o: CallOptions = {}): Promise<Session> {
  withPlace('making', paths.base, () => {
    mkdirSync(paths.sessions, { recursive: true, mode: 0o700 });
  });
  removeLeftovers(paths);
  const gate = await waitForLock(paths.gate, 'shared', 'the snapshots', o);
  try {
    const folder = makeOwnFolder(paths.sessions);
    const lock = openLock(`${folder}/${LOCK_FILE}`, 'exclusive');
    if (lock === undefined) throw rootfsError('ROOTFS_BUSY', { what: folder, seconds: 0 });
    return createSession(paths, folder, lock);
  } finally {
    gate.release();
  }
}

function createSession(paths: SnapshotPaths, folder: string, lock: FileLock): Session {
  let made = 0;
  return {
    folder,
    makeFolder() {
      const path = `${folder}/${(made++).toString(36)}`;
      withPlace('making', path, () => mkdirSync(path, { mode: 0o700 }));
      return path;
    },
    async use(names, o = {}) {
      const file = `${folder}/${USES_PREFIX}${(made++).toString(36)}`;
      // The gate keeps a collection that has looked for marks already from removing these snapshots after all.
      const gate = await waitForLock(paths.gate, 'shared', 'the snapshots', o);
      try {
        withPlace('writing', file, () => writeFileSync(file, names.join('\n')));
      } finally {
        gate.release();
      }
      return { release: () => removeTree(file) };
    },
    close() {
      removeTree(folder);
      lock.release();
    },
    closeIfEmpty() {
      if (readdirSync(folder).some((name) => name !== LOCK_FILE)) return;
      rmSync(`${folder}/${LOCK_FILE}`);
      rmdirSync(folder);
      lock.release();
    },
  };
}

function makeOwnFolder(sessions: string): string {
  // Names are short for the mount page; a taken one is drawn again.
  for (;;) {
    const folder = `${sessions}/${randomBytes(6).toString('base64url')}`;
    try {
      withPlace('making', folder, () => mkdirSync(folder, { mode: 0o700 }));
      return folder;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Removes the folders of sessions whose process is dead, unless somebody is busy with snapshots right now; the number removed. */
export function removeLeftovers(paths: SnapshotPaths): number {
  if (readdirSync(paths.sessions).length === 0) return 0;
  const gate = withPlace('locking', paths.gate, () => openLock(paths.gate, 'exclusive'));
  if (gate === undefined) return 0;
  const dead: FileLock[] = [];
  let removed = 0;
  try {
    const folders: string[] = [];
    for (const name of readdirSync(paths.sessions)) {
      const folder = `${paths.sessions}/${name}`;
      const lock = lockOf(folder);
      if (lock === undefined) continue;
      dead.push(lock);
      folders.push(folder);
    }
    for (const folder of folders) removeTree(folder);
    removed = folders.length;
  } finally {
    for (const lock of dead) lock.release();
    gate.release();
  }
  return removed;
}

/** The lock of a dead process's session; undefined if it lives. */
function lockOf(folder: string): FileLock | undefined {
  try {
    return openLock(`${folder}/${LOCK_FILE}`, 'exclusive');
  } catch (error) {
    // A stray file, not a session's folder: removed like one.
    if (systemCode(error) === 'ENOTDIR') return { release: () => undefined };
    // Its process has just ended in good order.
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Names of the snapshots that living sessions use. Call with the gate held exclusively: no session begins a use meanwhile, but one may end. */
export function usedSnapshots(paths: SnapshotPaths): ReadonlySet<string> {
  const used = new Set<string>();
  for (const session of readdirSync(paths.sessions)) {
    const folder = `${paths.sessions}/${session}`;
    for (const file of unlessEnded(() => readdirSync(folder)) ?? []) {
      if (!file.startsWith(USES_PREFIX)) continue;
      const names = unlessEnded(() => readFileSync(`${folder}/${file}`, 'latin1'));
      for (const name of names?.split('\n') ?? []) used.add(name);
    }
  }
  return used;
}

/** What is read of a session, or undefined if it, or this use, has just ended. */
function unlessEnded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = systemCode(error);
    // A stray file in place of a session's folder uses nothing.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
