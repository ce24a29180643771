import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownerOf } from './atomic-file.ts';
import { readNames } from './blob-files.ts';
import { isLeftOver } from './owner.ts';
import { findUselessPartials } from './partial-files.ts';

/** Folders whose files are named after the process that made them. */
const OWNED = ['tmp', 'leases'];

/** Paths (relative to the store) that processes left which no longer run: unfinished writes and leases, and beginnings of blobs that nobody will go on with. Reads three small folders. */
export function findLeftovers(folder: string): string[] {
  const found: string[] = [];
  for (const part of OWNED) {
    for (const name of readNames(join(folder, part))) {
      if (isLeftOver(join(folder, part, name), ownerOf(name))) found.push(`${part}/${name}`);
    }
  }
  found.push(...findUselessPartials(folder));
  return found;
}

/**
 * Removes what dead processes left; returns the paths. Cheap enough for the start of every command that writes (30 µs when there is nothing). What cannot be removed keeps nothing else from going.
 * @throws the error of the first that could not be removed and is still there
 */
export function cleanLeftovers(folder: string): string[] {
  const found = findLeftovers(folder);
  const failed: unknown[] = [];
  for (const path of found) {
    try {
      rmSync(join(folder, path), { force: true, recursive: true });
    } catch (error) {
      // Others clean at the same time, and a folder that empties under rmSync makes it fail.
      if (existsSync(join(folder, path))) failed.push(error);
    }
  }
  if (failed.length > 0) throw failed[0];
  return found;
}
