import { readdirSync } from 'node:fs';
import { decodeName } from '../base/names.ts';
import {
  AT_REMOVEDIR,
  closeFd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  tryUnlinkAt,
  unlinkAt,
} from '../linux/at.ts';

/**
 * Removes a name of a directory with all below it, holding each directory by its descriptor, so that no link is followed. Nothing happens if it is not there.
 * `isDirectory` is what its parent says of it, which may have changed since.
 */
export function removeBelow(dirfd: number, name: string, isDirectory = false): void {
  if (isDirectory ? removedFolder(dirfd, name) : removedFile(dirfd, name)) return;
  const fd = openAt(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    emptyFolder(fd);
  } finally {
    closeFd(fd);
  }
  unlinkAt(dirfd, name, AT_REMOVEDIR);
}

/** Removes all names of an open directory. */
export function emptyFolder(fd: number): void {
  for (const entry of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer', withFileTypes: true }))
    removeBelow(fd, decodeName(entry.name), entry.isDirectory());
}

/** False if it is a directory. */
function removedFile(dirfd: number, name: string): boolean {
  const problem = tryUnlinkAt(dirfd, name);
  if (problem === undefined || problem === 'ENOENT') return true;
  if (problem === 'EISDIR' || problem === 'EPERM') return false;
  // Once more, for the error.
  unlinkAt(dirfd, name);
  return true;
}

/** Many are empty, and need not be opened. False if there is something in it. */
function removedFolder(dirfd: number, name: string): boolean {
  const problem = tryUnlinkAt(dirfd, name, AT_REMOVEDIR);
  if (problem === 'ENOTDIR') return removedFile(dirfd, name);
  return problem === undefined || problem === 'ENOENT';
}
