import { readSync } from 'node:fs';
import { findNode, treeParts, walkNodes } from '../layer/file-tree.ts';
import type { FileTree } from '../layer/types.ts';
import { closeFd, isErrno, O_NOFOLLOW, O_RDONLY, openBeneath, writeFd } from '../linux/at.ts';
import { rootfsError } from './errors.ts';

/** Read and written at once, so memory does not grow with the file. */
const COPY_BYTES = 1024 * 1024;

/** Copies the bytes of the file that the lower snapshots show at `path` to an open descriptor. `folders` are open directories, topmost first. @throws ROOTFS_FILE_LOST */
export function copyLowerContent(folders: readonly number[], path: string, to: number): void {
  const from = openLower(folders, path);
  try {
    const buffer = Buffer.allocUnsafe(COPY_BYTES);
    for (let got = -1; got !== 0; ) {
      got = readSync(from, buffer, 0, buffer.length, null);
      writeFd(to, buffer.subarray(0, got), path);
    }
  } finally {
    closeFd(from);
  }
}

/** The path is visible in the tree, so the topmost folder that has it holds the file itself. */
function openLower(folders: readonly number[], path: string): number {
  for (const folder of folders) {
    try {
      return openBeneath(folder, path, O_RDONLY | O_NOFOLLOW);
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
  }
  throw rootfsError('ROOTFS_FILE_LOST', { path });
}

/** Finds all names of a file in a tree; the tree is walked once, at the first question. */
export function createNameFinder(tree: FileTree): (path: string) => readonly string[] {
  const { root } = treeParts(tree);
  let names: Map<number, string[]> | undefined;
  return (path) => {
    const node = findNode(root, path);
    if (typeof node !== 'number') return [path];
    if (names === undefined) {
      names = new Map();
      for (const [below, other] of walkNodes(root)) {
        if (typeof other !== 'number') continue;
        const known = names.get(other);
        if (known === undefined) names.set(other, [below]);
        else known.push(below);
      }
    }
    return names.get(node) ?? [path];
  };
}
