import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Digest } from '../oci/types.ts';
import { hasBlob, listBlobs, readSmallBlob } from './blob-files.ts';
import { blobPath } from './blob-path.ts';
import type { CollectOptions, Freed, Root } from './contract.ts';
import { writeFailure } from './errors.ts';
import type { IndexFile } from './index-file.ts';
import { targetsOf } from './layout-index.ts';
import { collectMarker, readLeases } from './leases.ts';
import { cleanLeftovers } from './leftovers.ts';
import { acquireLock } from './locks.ts';
import { type Marked, type MarkSource, markLive } from './mark.ts';
import { listPartials, type PartialFile } from './partial-files.ts';
import { removeFile } from './remove-file.ts';
import { listRootFiles, readRoot, rootPath } from './roots.ts';
import type { OnWritePoint } from './write-points.ts';

/** Blobs removed between two turns of the event loop. */
const REMOVALS_PER_TURN = 64;

export interface CollectFolder {
  readonly folder: string;
  readonly index: IndexFile;
  readonly at: OnWritePoint;
}

/** Removes what nothing reaches; see `leases.ts` for how this and the holders of leases see each other. */
export async function collectFolder(store: CollectFolder, o: CollectOptions): Promise<Freed> {
  const { folder, at } = store;
  const partials = o.partials === true ? listPartials(folder).filter(({ free }) => free) : [];
  if (o.dryRun === true) return freedOf((await findDead(store, o)).dead, partials);
  try {
    const lock = await acquireLock(join(folder, 'lock', 'collect'), 'exclusive', o);
    const marker = collectMarker(folder);
    try {
      // Empty, so that a full disk can be collected too.
      writeFileSync(marker, '', { mode: 0o600 });
      await at('collect-begun');
      const { dead, deadRoots, brokenRoots } = await findDead(store, o);
      await at('collect-marked');
      const removed = await sweep(folder, dead, at, o);
      for (const { kind, id, usedAt } of deadRoots) removeUnused(rootPath(folder, kind, id), usedAt);
      for (const path of brokenRoots) removeFile(path);
      for (const { path } of partials) removeFile(join(folder, path));
      cleanLeftovers(folder);
      return freedOf(removed, partials);
    } finally {
      try {
        removeFile(marker);
      } finally {
        lock.release();
      }
      at('collect-ended');
    }
  } catch (error) {
    throw writeFailure(error, folder, 'collecting what is not used');
  }
}

/** What a folder holds, for marking. */
export function folderSource(folder: string): MarkSource {
  return {
    read: (digest) => readSmallBlob(folder, digest, MAX_MANIFEST_BYTES),
    has: (blob) => hasBlob(folder, blob),
  };
}

/** All roots, and the files of roots that cannot be read. */
export function readRoots(folder: string): {
  readonly roots: readonly Root[];
  readonly broken: readonly string[];
} {
  const roots: Root[] = [];
  const broken: string[] = [];
  for (const { kind, id } of listRootFiles(folder)) {
    const path = rootPath(folder, kind, id);
    const root = readRoot(path, kind, id);
    if (root === undefined) broken.push(path);
    else roots.push(root);
  }
  return { roots, broken };
}

type Blob = { readonly digest: Digest; readonly size: number };

interface Dead {
  readonly dead: readonly Blob[];
  readonly deadRoots: Marked['deadRoots'];
  readonly brokenRoots: readonly string[];
}

/** The order matters: blobs first, so that none stored later is a candidate; leases before names and roots, so that what moves from a lease to a name is seen in one of them. */
async function findDead({ folder, index }: CollectFolder, o: CollectOptions): Promise<Dead> {
  const candidates = [...listBlobs(folder)];
  const leased = readLeases(folder);
  const named = targetsOf(index.read());
  const { roots, broken } = readRoots(folder);
  const { live, deadRoots } = await markLive([...leased, ...named], roots, folderSource(folder), o);
  return { dead: candidates.filter(({ digest }) => !live.has(digest)), deadRoots, brokenRoots: broken };
}

async function sweep(
  folder: string,
  dead: readonly Blob[],
  at: OnWritePoint,
  o: CollectOptions,
): Promise<readonly Blob[]> {
  const removed: Blob[] = [];
  for (const blob of dead) {
    removeFile(join(folder, blobPath(blob.digest)));
    at('collect-swept');
    removed.push(blob);
    if (removed.length % REMOVALS_PER_TURN === 0) {
      o.signal?.throwIfAborted();
      await new Promise((resume) => setImmediate(resume));
    }
  }
  return removed;
}

/** Removes a root unless it was used again since it was judged. */
function removeUnused(path: string, usedAt: number): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && Math.floor(stat.mtimeMs) <= usedAt) removeFile(path);
}

function freedOf(blobs: readonly Blob[], partials: readonly PartialFile[]): Freed {
  return { blobs, bytes: [...blobs, ...partials].reduce((sum, { size }) => sum + size, 0) };
}
