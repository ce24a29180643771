/**
 * The compress room: bytes in, bytes out, for gzip, zstd, xz, bzip2 and none. Always streaming with backpressure and bounded memory.
 * gzip and zstd work inside the process; xz and bzip2 go through the system's programs, the only ones that this room starts.
 * @module
 */
import type { ByteStream } from '../base/bytes.ts';
import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { type CompressionKind, DETECT_BYTES, detectCompression } from './detect.ts';
import { gunzip } from './gunzip.ts';
import { throughProgram } from './program.ts';
import { unzstd } from './unzstd.ts';

/**
 * The bytes decompressed, in order, while the input is read; the kind is found by content when it is not given. All members or frames
 * are read; input that is cut off or goes on after its end (also with zeros) is refused, maybe after some content came out.
 * The input is closed when the consumer stops. @throws COMPRESS_TRUNCATED, COMPRESS_TRAILING, COMPRESS_CORRUPT, COMPRESS_WINDOW,
 * COMPRESS_NO_ZSTD, COMPRESS_PROGRAM_MISSING, COMPRESS_PROGRAM_FAILED
 */
export async function* decompress(
  bytes: ByteStream,
  kind?: CompressionKind,
  o: CallOptions = {},
): ByteStream {
  if (kind !== undefined) {
    yield* open(bytes, kind, o);
    return;
  }
  const input = bytes[Symbol.asyncIterator]();
  try {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (size < DETECT_BYTES) {
      const part = await input.next();
      if (part.done === true) break;
      parts.push(part.value);
      size += part.value.length;
    }
    const found = detectCompression(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    yield* open(chain(parts, input), found, o);
  } finally {
    await input.return?.();
  }
}

async function* chain(parts: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): ByteStream {
  yield* parts;
  for (let part = await rest.next(); part.done !== true; part = await rest.next()) yield part.value;
}

function open(bytes: ByteStream, kind: CompressionKind, o: CallOptions): ByteStream {
  switch (kind) {
    case 'none':
      return bytes;
    case 'gzip':
      return gunzip(bytes, o);
    case 'zstd':
      return unzstd(bytes, o);
    case 'xz':
    case 'bzip2':
      return throughProgram(bytes, kind, o);
    default:
      return never(kind);
  }
}
