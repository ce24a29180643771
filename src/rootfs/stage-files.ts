import { constants, copyFileSync, lstatSync, mkdirSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { AT_FDCWD, chmodAt, mknodAt, symlinkAt, timesAt } from '../linux/at.ts';
import { S_IFIFO } from '../linux/nodes.ts';
import { rootfsError } from './errors.ts';
import type { StagedFile } from './types.ts';

/**
 * Copies files of the host to `to`, which must not exist, as they were when they were looked at: this process's owner, their modes and times. Contents share
 * their blocks where the file system can do that.
 * @throws ROOTFS_STAGED_CHANGED
 */
export function stageFiles(files: readonly StagedFile[], to: string): void {
  for (const file of files) {
    const target = file.name === '' ? to : `${to}/${file.name}`;
    switch (file.kind) {
      case 'directory':
        mkdirSync(fsPath(target), { mode: 0o700 });
        break;
      case 'symlink':
        symlinkAt(file.linkTo ?? '', AT_FDCWD, target);
        break;
      case 'fifo':
        mknodAt(AT_FDCWD, target, S_IFIFO, 0);
        break;
      case 'file':
        copyContent(file, target);
    }
  }
  // From the last: what is made in a folder changes its time.
  for (const { name, kind, mode, mtime } of files.toReversed()) {
    const target = name === '' ? to : `${to}/${name}`;
    if (kind !== 'symlink') chmodAt(AT_FDCWD, target, mode);
    timesAt(AT_FDCWD, target, mtime ?? 0);
  }
}

function copyContent({ from = '', stamp }: StagedFile, target: string): void {
  const changed = (): Error => rootfsError('ROOTFS_STAGED_CHANGED', { path: from });
  try {
    copyFileSync(fsPath(from), fsPath(target), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw changed();
    throw error;
  }
  const stat = lstatSync(fsPath(from), { bigint: true, throwIfNoEntry: false });
  const same =
    stat !== undefined &&
    stamp !== undefined &&
    Number(stat.ino) === stamp.ino &&
    Number(stat.size) === stamp.size &&
    Number(stat.mtimeNs) === stamp.mtimeNs &&
    Number(stat.ctimeNs) === stamp.ctimeNs;
  if (!same) throw changed();
}
