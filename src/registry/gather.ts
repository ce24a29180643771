import type { ByteStream } from '../base/bytes.ts';

/** The same bytes in chunks of at least `size`, the last one apart. When the stream breaks, what came before is handed on first. */
export async function* gather(bytes: ByteStream, size: number): ByteStream {
  let parts: Uint8Array[] = [];
  let held = 0;
  const join = (): Uint8Array => {
    const [only] = parts;
    const joined = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, held);
    parts = [];
    held = 0;
    return joined;
  };
  try {
    for await (const part of bytes) {
      if (part.length === 0) continue;
      parts.push(part);
      held += part.length;
      if (held >= size) yield join();
    }
  } catch (error) {
    if (held > 0) yield join();
    throw error;
  }
  if (held > 0) yield join();
}
