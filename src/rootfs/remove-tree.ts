import { basename, dirname } from 'node:path';
import { AT_FDCWD, closeFd, isErrno, O_DIRECTORY, O_RDONLY, openAt } from '../linux/at.ts';
import { removeBelow } from './remove-below.ts';

/**
 * Removes a directory with all below it, holding every directory by its descriptor: nothing outside goes, even while somebody swaps
 * directories for symbolic links. Nothing happens if it is not there; a name that refuses (immutable file, a mount below) leaves the rest.
 * @throws LINUX_CALL
 */
export function removeTree(path: string): void {
  let parent: number;
  try {
    parent = openAt(AT_FDCWD, dirname(path), O_RDONLY | O_DIRECTORY);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  try {
    removeBelow(parent, basename(path));
  } finally {
    closeFd(parent);
  }
}
