import { lstatSync, readdirSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';

/** Bytes of the files below a folder, each file once; what goes away meanwhile is not counted. About 5 µs a file. */
export function folderBytes(folder: string): number {
  const seen = new Set<string>();
  const folders = [folder];
  let bytes = 0;
  // Grows while it is walked: depth costs no call stack.
  for (const path of folders) {
    for (const entry of listed(path)) {
      const below = `${path}/${decodeName(entry.name)}`;
      if (entry.isDirectory()) folders.push(below);
      if (!entry.isFile()) continue;
      const stat = lstatSync(fsPath(below), { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const inode = `${stat.dev}:${stat.ino}`;
      if (stat.nlink > 1 && seen.has(inode)) continue;
      if (stat.nlink > 1) seen.add(inode);
      bytes += stat.size;
    }
  }
  return bytes;
}

function listed(path: string) {
  try {
    return readdirSync(fsPath(path), { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
