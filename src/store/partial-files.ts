import { constants, fstatSync, lstatSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { randomBytes } from '../base/random.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { ownedTemp, type TempFile, withFolder } from './atomic-file.ts';
import { readNames } from './blob-files.ts';
import { blobPath, isDigest } from './blob-path.ts';
import { isLeftOver, ownerId } from './owner.ts';
import { removeFile } from './remove-file.ts';
import type { OnWritePoint } from './write-points.ts';

/** Smaller blobs are begun again: they are written at once, so there is nothing of them to keep. */
export const PARTIAL_FROM_BYTES = 256 * 1024;
/** Age in milliseconds after which the beginning of a blob is no longer worth its space. */
export const PARTIAL_AGE_MS = 7 * 24 * 60 * 60 * 1000;

const FOLDER = 'partial';
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The beginning of a blob whose `put` was cut: `partial/<algorithm>-<hex>`, and with `.<owner>.<random>` behind it while a process writes it.
 * What a dead process left is taken over by renaming it, so of two who want it one gets it.
 */
export interface PartialFile {
  /** Relative to the store. */
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  /** Epoch milliseconds. */
  readonly changedAt: number;
  /** False while a process that lives may be writing it. */
  readonly free: boolean;
}

/** A new one, empty, of this process. */
export function createPartial(folder: string, digest: Digest): TempFile {
  const path = join(folder, ownPath(digest));
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | FLAGS;
  return ownedTemp(
    path,
    withFolder(path, () => openSync(path, flags, 0o600)),
  );
}

/** The longest beginning that is free, now of this process and open at its end; others of the same blob are removed. */
export function takePartial(
  folder: string,
  wanted: Descriptor,
  at: OnWritePoint,
): { readonly file: TempFile; readonly size: number } | undefined {
  const own = join(folder, ownPath(wanted.digest));
  const free = listPartials(folder, wanted.digest)
    .filter((partial) => partial.free)
    .sort((a, b) => b.size - a.size);
  let taken: { readonly file: TempFile; readonly size: number } | undefined;
  for (const { path, size } of free) {
    if (taken !== undefined || size === 0 || size > wanted.size) removeFile(join(folder, path));
    else if (renamed(join(folder, path), own)) {
      at('partial-taken');
      const file = ownedTemp(own, openSync(own, constants.O_RDWR | constants.O_APPEND | FLAGS));
      taken = { file, size: Math.min(fstatSync(file.fd).size, wanted.size) };
    }
  }
  return taken;
}

/** Gives the file free for whoever wants the blob next; of two the longer stays. Closes it. */
export function keepPartial(folder: string, file: TempFile, digest: Digest, at: OnWritePoint): void {
  const { size } = fstatSync(file.fd);
  file.close();
  const kept = join(folder, FOLDER, partialName(digest));
  const before = lstatSync(kept, { throwIfNoEntry: false });
  if (size === 0 || (before !== undefined && before.size > size)) removeFile(file.path);
  else renameSync(file.path, kept);
  at('partial-kept');
}

/** All of the store, or all of one blob. Other files in the folder are not listed. */
export function listPartials(folder: string, digest?: Digest): PartialFile[] {
  const found: PartialFile[] = [];
  for (const name of readNames(join(folder, FOLDER))) {
    const [, algorithm, hex, owner] =
      /^(sha\d+)-([0-9a-f]+)(?:\.([0-9a-f-]+)\.[0-9a-f]{16})?$/.exec(name) ?? [];
    const of = `${algorithm}:${hex}`;
    if (!isDigest(of) || (digest !== undefined && of !== digest)) continue;
    const path = join(FOLDER, name);
    const stat = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (stat?.isFile() !== true) continue;
    const free = owner === undefined || isLeftOver(join(folder, path), owner);
    found.push({ path, digest: of, size: stat.size, changedAt: stat.mtimeMs, free });
  }
  return found;
}

/** Paths of those that nobody will go on with: old ones, and those whose blob is stored meanwhile. */
export function findUselessPartials(folder: string): string[] {
  const isStored = (digest: Digest): boolean =>
    lstatSync(join(folder, blobPath(digest)), { throwIfNoEntry: false }) !== undefined;
  return listPartials(folder)
    .filter(
      ({ free, changedAt, digest }) => free && (Date.now() - changedAt > PARTIAL_AGE_MS || isStored(digest)),
    )
    .map(({ path }) => path);
}

const partialName = (digest: Digest): string => digest.replace(':', '-');

const ownPath = (digest: Digest): string =>
  join(FOLDER, `${partialName(digest)}.${ownerId()}.${randomBytes(8).toString('hex')}`);

/** False if somebody else was faster. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
