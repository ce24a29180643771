import type { ByteStream } from '../base/bytes.ts';
import { detectCompression } from '../compress/detect.ts';
import { createTarDecoder } from '../tar/decoder.ts';

/** As many first bytes as `isArchive` wants: the header of a tar. */
export const HEAD_BYTES = 512;

/** The first bytes of a stream, or all of a shorter one, and the whole stream. */
export async function peek(
  bytes: ByteStream,
  count: number,
): Promise<{ readonly head: Buffer; readonly whole: ByteStream }> {
  const input = bytes[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let size = 0;
  while (size < count) {
    const part = await input.next();
    if (part.done === true) break;
    parts.push(part.value);
    size += part.value.length;
  }
  const whole = async function* (): ByteStream {
    try {
      yield* parts.splice(0);
      for (let part = await input.next(); part.done !== true; part = await input.next()) yield part.value;
    } finally {
      await input.return?.();
    }
  };
  return { head: Buffer.concat(parts).subarray(0, count), whole: whole() };
}

/** True if these first bytes are those of a tar, or of something compressed (as docker tells a context from a Dockerfile). */
export function isArchive(head: Buffer): boolean {
  if (detectCompression(head) !== 'none') return true;
  if (head.length < HEAD_BYTES) return false;
  try {
    createTarDecoder({ onEntry: () => {} }).write(head);
    return true;
  } catch {
    return false;
  }
}
