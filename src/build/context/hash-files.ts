import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { FILE_CHUNK_BYTES } from '../../base/bytes.ts';
import { systemCode } from '../../base/errors.ts';
import { fsPath } from '../../base/names.ts';
import { buildError } from '../errors.ts';
import type { Stamp } from './disk-source.ts';

export interface FileToHash extends Stamp {
  /** Below the context's folder. */
  readonly from: string;
}

export interface HashedFile {
  /** sha256 of the content, hex. */
  readonly digest: string;
  /** The file was the same before and after it was read. */
  readonly steady: boolean;
}

/** A symlink or a pipe put in the file's place meanwhile is not followed and does not block. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The digests of the files, in their order. Synchronous: about 10 µs a file and 1 ms a megabyte.
 * @throws BUILD_CONTEXT_CHANGED, BUILD_CONTEXT_UNREADABLE
 */
export function hashFiles(folder: string, files: readonly FileToHash[]): HashedFile[] {
  const buffer = Buffer.allocUnsafeSlow(FILE_CHUNK_BYTES);
  return files.map((file) => {
    try {
      return hashFile(`${folder}/${file.from}`, file, buffer);
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO')
        throw buildError('BUILD_CONTEXT_CHANGED', { path: file.from });
      if (code === '' || code.startsWith('BUILD_')) throw error;
      throw buildError('BUILD_CONTEXT_UNREADABLE', { path: file.from, code }, { cause: error });
    }
  });
}

function hashFile(path: string, file: FileToHash, buffer: Buffer): HashedFile {
  const fd = openSync(fsPath(path), OPEN_FLAGS);
  try {
    const digest = hashContent(fd, file, buffer);
    const after = fstatSync(fd, { bigint: true });
    const steady =
      Number(after.ino) === file.ino &&
      Number(after.dev) === file.dev &&
      Number(after.mtimeNs) === file.mtimeNs &&
      Number(after.ctimeNs) === file.ctimeNs &&
      Number(after.size) === file.size;
    return { digest, steady };
  } finally {
    closeSync(fd);
  }
}

function hashContent(fd: number, file: FileToHash, buffer: Buffer): string {
  const whole = file.size <= buffer.length;
  const hasher = whole ? undefined : createHash('sha256');
  let done = 0;
  while (done < file.size) {
    const at = whole ? done : 0;
    const got = readSync(fd, buffer, at, Math.min(buffer.length - at, file.size - done), null);
    if (got === 0) throw buildError('BUILD_CONTEXT_CHANGED', { path: file.from });
    hasher?.update(buffer.subarray(0, got));
    done += got;
  }
  return hasher === undefined ? hash('sha256', buffer.subarray(0, done), 'hex') : hasher.digest('hex');
}
