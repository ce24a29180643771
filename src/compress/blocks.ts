import type { ByteStream } from '../base/bytes.ts';

/** The same bytes in blocks of exactly `size`, the last one smaller (never empty); a block that lies in one chunk is not copied. */
export async function* blocksOf(bytes: ByteStream, size: number): AsyncGenerator<Buffer, void, void> {
  let parts: Buffer[] = [];
  let filled = 0;
  for await (const chunk of bytes) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let at = 0; at < buffer.length; ) {
      const take = Math.min(size - filled, buffer.length - at);
      parts.push(buffer.subarray(at, at + take));
      at += take;
      filled += take;
      if (filled < size) continue;
      yield joined(parts);
      parts = [];
      filled = 0;
    }
  }
  if (filled > 0) yield joined(parts);
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
