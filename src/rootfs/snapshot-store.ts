import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { FileLock } from '../linux/flock.ts';
import type { Digest } from '../oci/types.ts';
import { waitForLock } from './locks.ts';
import { removeTree } from './remove-tree.ts';
import { type Session, usedSnapshots } from './sessions.ts';
import { type FormatPaths, lockName, type SnapshotPaths, snapshotName } from './snapshot-names.ts';
import { withPlace } from './system-errors.ts';
import type { SnapshotUse } from './types.ts';

/** What is noted of a published snapshot. */
interface SnapshotNote {
  readonly chainId: Digest;
  readonly bytes: number;
  /** The boot in which it was written. Data is not forced to disk, so after another boot a snapshot is made anew from its blob. */
  readonly boot: string;
}

/** Published snapshots: complete directories by chain id, never changed afterwards. */
export interface SnapshotStore {
  has(chainId: Digest): boolean;
  folderOf(chainId: Digest): string;
  /** Locks against other makers of these chains; waits for them. One lock at a time is taken, in an order that all keep. */
  lock(chainIds: readonly Digest[], o?: CallOptions): Promise<FileLock>;
  /** Makes a complete directory the snapshot of the chain by a rename; if there is one already this one goes. `from` lies in a session. The chain is locked. */
  publish(chainId: Digest, from: string, bytes: number): void;
  list(): SnapshotUse[];
  collect(keep: ReadonlySet<Digest>, session: Session): Promise<{ bytes: number; removed: number }>;
}

export function createSnapshotStore(paths: SnapshotPaths, own: FormatPaths): SnapshotStore {
  withPlace('making', paths.base, () => {
    for (const folder of Object.values(own)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  });
  const known = new Set<Digest>();
  const folderOf = (chainId: Digest): string => `${own.layers}/${snapshotName(chainId)}`;
  const noteOf = (name: string): string => `${own.notes}/${name}`;

  const readNote = (name: string): SnapshotNote | undefined => {
    try {
      return JSON.parse(readFileSync(noteOf(name), 'utf8')) as SnapshotNote;
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };

  const isWhole = (chainId: Digest): boolean => {
    const name = snapshotName(chainId);
    if (!existsSync(folderOf(chainId))) return false;
    const note = readNote(name);
    return note !== undefined && note.chainId === chainId && note.boot === currentBoot();
  };

  return {
    folderOf,
    has(chainId) {
      if (known.has(chainId) && existsSync(folderOf(chainId))) return true;
      if (!isWhole(chainId)) return false;
      known.add(chainId);
      return true;
    },
    async lock(chainIds, o = {}) {
      const names = new Set(chainIds.map((chainId) => lockName(snapshotName(chainId))));
      const locks: FileLock[] = [];
      const release = (): void => {
        for (const lock of locks) lock.release();
      };
      try {
        for (const name of [...names].sort()) {
          locks.push(await waitForLock(`${own.locks}/${name}`, 'exclusive', 'a snapshot', o));
        }
      } catch (error) {
        release();
        throw error;
      }
      return { release };
    },
    publish(chainId, from, bytes) {
      const name = snapshotName(chainId);
      const folder = folderOf(chainId);
      withPlace('publishing a snapshot in', own.layers, () => {
        if (isWhole(chainId)) {
          removeTree(from);
          return;
        }
        // The note comes first: a directory counts only with its note, and a note without a directory is nothing.
        const note: SnapshotNote = { chainId, bytes, boot: currentBoot() };
        const aside = `${from}.note`;
        writeFileSync(aside, JSON.stringify(note));
        if (existsSync(folder)) renameSync(folder, `${from}.old`);
        renameSync(aside, noteOf(name));
        renameSync(from, folder);
      });
      removeTree(`${from}.old`);
      known.add(chainId);
    },
    list() {
      const found: SnapshotUse[] = [];
      for (const name of readdirSync(own.layers)) {
        const note = readNote(name);
        if (note !== undefined) found.push({ chainId: note.chainId, bytes: note.bytes });
      }
      return found.sort((a, b) => (a.chainId < b.chainId ? -1 : a.chainId > b.chainId ? 1 : 0));
    },
    async collect(keep, session) {
      const kept = new Set([...keep].map(snapshotName));
      const trash = session.makeFolder();
      let bytes = 0;
      let removed = 0;
      const gate = await waitForLock(paths.gate, 'exclusive', 'the snapshots');
      try {
        const used = usedSnapshots(paths);
        for (const name of readdirSync(own.layers)) {
          if (kept.has(name) || used.has(name)) continue;
          bytes += readNote(name)?.bytes ?? 0;
          removed++;
          // Out of sight at once; the removing itself may take long and needs no lock.
          renameSync(`${own.layers}/${name}`, `${trash}/${removed}`);
          rmSync(noteOf(name), { force: true });
        }
        for (const name of readdirSync(own.notes)) {
          if (!isThere(`${own.layers}/${name}`)) rmSync(noteOf(name), { force: true });
        }
      } finally {
        gate.release();
      }
      known.clear();
      removeTree(trash);
      return { bytes, removed };
    },
  };
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

let boot: string | undefined;
function currentBoot(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  return boot;
}
