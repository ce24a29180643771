import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fsPath } from './names.ts';

/** What stands in the way of a file's bytes, for a sentence with "it". */
export type Unbounded = { readonly why: string };

const READ_BYTES = 64 * 1024;

/**
 * The bytes of a file of settings, at most so many, whatever the path leads to: a link to a device that never ends is no way to fill the memory. `found`: nobody
 * has named the file, it was looked for; then it must be a regular one. A named one may be a pipe, which is waited for.
 * @throws system errors
 */
export function readBounded(
  path: string,
  maxBytes: number,
  o: { readonly found?: boolean } = {},
): Buffer | Unbounded {
  // A pipe that nobody writes to would be waited for before anybody could see that it is one.
  const fd = openSync(fsPath(path), constants.O_RDONLY | (o.found === true ? constants.O_NONBLOCK : 0));
  try {
    return readBoundedFd(fd, maxBytes, o);
  } finally {
    closeSync(fd);
  }
}

/** The same of an open file, from where it is at. */
export function readBoundedFd(
  fd: number,
  maxBytes: number,
  { found = false }: { readonly found?: boolean } = {},
): Buffer | Unbounded {
  const facts = fstatSync(fd);
  if (facts.isDirectory()) return { why: 'it is a folder' };
  if (found && !facts.isFile()) return { why: 'it is no regular file' };
  if (facts.isFile() && facts.size > maxBytes)
    return { why: `${facts.size} bytes are more than ${maxBytes}` };
  const parts: Buffer[] = [];
  let length = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(Math.min(READ_BYTES, maxBytes + 1 - length));
    const got = readSync(fd, part, 0, part.length, null);
    if (got === 0) return Buffer.concat(parts);
    parts.push(part.subarray(0, got));
    length += got;
    // It had no size to be asked for, or has grown.
    if (length > maxBytes) return { why: `it has more than ${maxBytes} bytes` };
  }
}
