import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CallOptions } from '../base/options.ts';
import { randomBytes } from '../base/random.ts';
import type { Descriptor } from '../oci/types.ts';
import { ownerOf, withFolder, writeAll } from './atomic-file.ts';
import { readNames } from './blob-files.ts';
import { isDigest } from './blob-path.ts';
import type { Lease } from './contract.ts';
import { isUnwritable, writeFailure } from './errors.ts';
import { acquireLock, tryLock } from './locks.ts';
import { isManifest } from './manifest-links.ts';
import { isLeftOver, ownerId } from './owner.ts';
import { removeFile } from './remove-file.ts';
import type { OnWritePoint } from './write-points.ts';

/**
 * Leases against collection, between processes. The protocol:
 *
 * - A lease is a file `leases/<owner>.<random>`; its holder appends each blob before using it, then looks for `lock/collecting`.
 * - A collection takes `lock/collect` alone, writes `lock/collecting`, and only then reads the leases, names and roots.
 *
 * So of a holder and a collection at least one sees the other: the collection reads the line, or the holder sees the marker and waits for the
 * collection to end before it looks whether the blob exists. The usual case costs an append and a look, no lock and no native code.
 */
export interface Leases {
  open(): Lease;
  /** Protects the blob by every open lease, before it is looked for. Waits while a collection runs. */
  protect(blob: Descriptor, o?: CallOptions): Promise<void>;
  /** Whether `protect` would do anything. */
  readonly any: boolean;
}

interface OpenLease {
  readonly fd: number;
  readonly seen: Set<string>;
}

/** The leases in `<folder>/leases`; `ensure` makes the layout before the first. */
export function createLeases(folder: string, ensure: () => void, at: OnWritePoint): Leases {
  const leases = new Set<OpenLease>();

  const note = (blob: Descriptor): boolean => {
    let noted = false;
    for (const { fd, seen } of leases) {
      // Under another media type the same bytes may refer to more.
      const key = `${blob.digest} ${isManifest(blob)}`;
      if (seen.has(key)) continue;
      // The newline before ends a line that a full disk may have cut.
      writeAll(fd, Buffer.from(`\n${blob.digest} ${blob.size} ${blob.mediaType}\n`));
      seen.add(key);
      noted = true;
    }
    return noted;
  };

  return {
    get any() {
      return leases.size > 0;
    },
    open() {
      const path = join(folder, 'leases', `${ownerId()}.${randomBytes(8).toString('hex')}`);
      let fd: number;
      try {
        ensure();
        const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
        fd = withFolder(path, () => openSync(path, flags, 0o600));
      } catch (error) {
        // Nobody can collect in a folder that cannot be written: reading from it needs no lease.
        if (isUnwritable(error)) return { release: async () => {} };
        throw writeFailure(error, folder, 'taking a lease');
      }
      const lease: OpenLease = { fd, seen: new Set() };
      leases.add(lease);
      at('lease-created');
      const release = (): void => {
        if (!leases.delete(lease)) return;
        openLeases.delete(release);
        closeSync(fd);
        removeFile(path);
        at('lease-released');
      };
      releaseAtExit(release);
      return { release: async () => release() };
    },
    async protect(blob, o = {}) {
      let noted: boolean;
      try {
        noted = note(blob);
      } catch (error) {
        throw writeFailure(error, folder, 'writing a lease');
      }
      if (!noted) return;
      at('lease-noted');
      if (existsSync(collectMarker(folder))) await waitForCollection(folder, o);
    },
  };
}

const openLeases = new Set<() => void>();
let exitWatched = false;

/** A process that ends in good order leaves nothing to clean. */
function releaseAtExit(release: () => void): void {
  openLeases.add(release);
  if (exitWatched) return;
  exitWatched = true;
  process.on('exit', () => {
    for (const release of openLeases) release();
  });
}

/** Stands while a collection runs; a stale one is removed by whoever holds `lock/collect`. */
export function collectMarker(folder: string): string {
  return join(folder, 'lock', 'collecting');
}

/** Returns when no collection runs; cleans the marker of one that was killed. */
export async function waitForCollection(folder: string, o: CallOptions): Promise<void> {
  const lock = await acquireLock(join(folder, 'lock', 'collect'), 'shared', o);
  try {
    removeFile(collectMarker(folder));
  } finally {
    lock.release();
  }
}

/** True if a collection that was killed left its marker: nobody holds the lock that it would hold. Loads native code only if there is a marker. */
export async function hasStaleMarker(folder: string): Promise<boolean> {
  if (!existsSync(collectMarker(folder))) return false;
  try {
    const lock = await tryLock(join(folder, 'lock', 'collect'), 'shared');
    lock?.release();
    return lock !== undefined && existsSync(collectMarker(folder));
  } catch (error) {
    // In a folder that cannot be written nobody collects, and nobody can clean.
    if (isUnwritable(error)) return false;
    throw error;
  }
}

/** The blobs that live leases protect. */
export function readLeases(folder: string): Descriptor[] {
  const blobs: Descriptor[] = [];
  for (const name of readNames(join(folder, 'leases'))) {
    const path = join(folder, 'leases', name);
    if (isLeftOver(path, ownerOf(name))) continue;
    for (const line of readLines(path)) {
      const match = /^(\S+) (\d+) (.*)$/.exec(line);
      if (match !== null && isDigest(match[1])) {
        blobs.push({ digest: match[1], size: Number(match[2]), mediaType: match[3]! });
      }
    }
  }
  return blobs;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
