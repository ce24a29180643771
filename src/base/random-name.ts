import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Random bytes for names that must not be taken yet, from the kernel: to load Node's own for them takes a process 5 ms. At most 256, which the kernel gives in one go (random(4)). */
export function nameBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      if (readSync(fd, bytes) === count) return bytes;
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not there, as on Windows.
  }
  return randomBytes(count);
}
