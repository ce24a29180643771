import { randomBytes as ofNode } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Bytes that nobody can guess, for names: the kernel's own where it shows them as a file (random(4)), as Node's `crypto` takes 5 ms to load. */
export function randomBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      if (readSync(fd, bytes, 0, size, null) === size) return bytes;
    } finally {
      closeSync(fd);
    }
  } catch {
    // There is none here.
  }
  return ofNode(size);
}
