import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorMaker, systemCode } from '../base/errors.ts';

type FileErrors = {
  FILE_UNREADABLE: { path: string; code: string };
  FILE_UNWRITABLE: { path: string; code: string };
};

/** Errors of files that a command was told to read or write. */
export const fileError = errorMaker<FileErrors>({
  FILE_UNREADABLE: ({ path, code }) => `cannot read ${path}: ${reason(code)}`,
  FILE_UNWRITABLE: ({ path, code }) => ({
    message: `cannot write ${path}: ${code === 'ENOENT' ? 'its folder does not exist' : reason(code)}`,
    hint: code === 'ENOENT' ? `make it first: mkdir -p ${dirname(path)}` : undefined,
  }),
});

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EEXIST: 'there is something of that name',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};
const reason = (code: string): string => REASONS[code] ?? code;

/** Writes a file that the caller named, there under its name only when it is whole; what is no regular file is written to as it is. @throws FILE_UNWRITABLE */
export function writeOutputFile(path: string, text: string): void {
  const temp = `${path}.${process.pid}.tmp`;
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile()) {
      writeFileSync(path, text);
      return;
    }
    try {
      writeFileSync(temp, text, { flag: 'wx' });
      renameSync(temp, path);
    } catch (error) {
      rmSync(temp, { force: true });
      throw error;
    }
  } catch (error) {
    throw fileError('FILE_UNWRITABLE', { path, code: systemCode(error) ?? String(error) }, { cause: error });
  }
}

/** Writes a stream to a file that the caller named, there under its name only when it is whole; what is no regular file is written to as it is. @throws FILE_UNWRITABLE */
export async function writeOutputStream(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const to = found === undefined || found.isFile() ? `${path}.${process.pid}.tmp` : path;
  let fd: number;
  try {
    fd = openSync(to, to === path ? 'w' : 'wx');
  } catch (error) {
    throw fileError('FILE_UNWRITABLE', { path, code: systemCode(error) ?? String(error) }, { cause: error });
  }
  let whole = false;
  try {
    for await (const chunk of bytes) {
      try {
        for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
      } catch (error) {
        const code = systemCode(error) ?? String(error);
        throw fileError('FILE_UNWRITABLE', { path, code }, { cause: error });
      }
    }
    whole = true;
  } finally {
    closeSync(fd);
    if (!whole && to !== path) rmSync(to, { force: true });
  }
  if (to !== path) renameSync(to, path);
}

/** Finds out before the work whether a file can be written after it. @throws FILE_UNWRITABLE */
export function checkOutputFile(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw fileError('FILE_UNWRITABLE', { path, code: systemCode(error) ?? String(error) }, { cause: error });
  }
}
