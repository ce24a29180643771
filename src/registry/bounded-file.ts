import { readBounded, type Unbounded } from '../base/bounded-file.ts';
import { systemCode } from '../base/errors.ts';

/** What kept a file from being read: `why` is one phrase, without a word of the content. */
export type FileProblem = (why: string) => Error;

/** The phrase for a file that is closed to this user. */
export const FORBIDDEN = 'this user may not read it';

/**
 * The text of a small file that may be absent: undefined then, and empty for `/dev/null`.
 * Never waits for a pipe or a device, never reads past `limit` bytes.
 * @throws what `problem` makes: not readable, no regular file, too large, not UTF-8
 */
export function readBoundedFile(path: string, limit: number, problem: FileProblem): string | undefined {
  if (path === '/dev/null') return '';
  let bytes: Buffer | Unbounded;
  try {
    bytes = readBounded(path, limit, { found: true });
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw problem(code === 'EACCES' || code === 'EPERM' ? FORBIDDEN : `not readable (${code})`);
  }
  if ('why' in bytes) throw problem(bytes.why);
  return decode(bytes, problem);
}

function decode(bytes: Uint8Array, problem: FileProblem): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem('it is not UTF-8');
  }
}
