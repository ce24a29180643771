import { readdirSync } from 'node:fs';
import { decodeName } from '../base/names.ts';
import {
  AT_REMOVEDIR,
  closeFd,
  isErrno,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  unlinkAt,
} from '../linux/at.ts';

/** Removes a name of a directory with all below it, holding each directory by its descriptor, so that no link is followed. Nothing happens if it is not there. */
export function removeBelow(dirfd: number, name: string): void {
  if (unlinked(dirfd, name)) return;
  const fd = openAt(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    for (const child of namesOf(fd)) removeBelow(fd, child);
  } finally {
    closeFd(fd);
  }
  unlinkAt(dirfd, name, AT_REMOVEDIR);
}

/** Removes all names of an open directory. */
export function emptyFolder(fd: number): void {
  for (const child of namesOf(fd)) removeBelow(fd, child);
}

/** False if it is a directory. */
function unlinked(dirfd: number, name: string): boolean {
  try {
    unlinkAt(dirfd, name);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'EISDIR', 'EPERM')) return false;
    throw error;
  }
}

function namesOf(fd: number): string[] {
  return readdirSync(`/proc/self/fd/${fd}`, 'buffer').map(decodeName);
}
