import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';

/** What kept a file from being read: `why` is one phrase, without a word of the content. */
export type FileProblem = (why: string) => Error;

/** The phrase for a file that is closed to this user. */
export const FORBIDDEN = 'this user may not read it';

/**
 * The text of a small file that may be absent: undefined then, and empty for `/dev/null`.
 * Never waits for a pipe or a device, never reads past `limit` bytes.
 * @throws what `problem` makes: not readable, no plain file, too large, not UTF-8
 */
export function readBoundedFile(path: string, limit: number, problem: FileProblem): string | undefined {
  if (path === '/dev/null') return '';
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw problem(code === 'EACCES' || code === 'EPERM' ? FORBIDDEN : `not readable (${code})`);
  }
  try {
    if (!fstatSync(fd).isFile()) throw problem('it is no plain file');
    return decode(readUpTo(fd, limit, problem), problem);
  } finally {
    closeSync(fd);
  }
}

/** The size that is announced may change under our eyes: what counts is what is read. */
function readUpTo(fd: number, limit: number, problem: FileProblem): Uint8Array {
  const bytes = Buffer.allocUnsafe(Math.min(fstatSync(fd).size, limit) + 1);
  let length = 0;
  while (length < bytes.length) {
    const got = readSync(fd, bytes, length, bytes.length - length, null);
    if (got === 0) return bytes.subarray(0, length);
    length += got;
  }
  throw problem(`it is larger than ${limit} bytes`);
}

function decode(bytes: Uint8Array, problem: FileProblem): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('it is not UTF-8');
  }
}
