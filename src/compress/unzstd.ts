import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { compressError } from './errors.ts';
import { loadZstd } from './libzstd.ts';
import { createZstdFrames } from './zstd-frames.ts';

/** The content of zstd data (RFC 8878) of any number of frames, in chunks of up to 128 KiB; skippable frames are passed over. @throws COMPRESS_TRUNCATED, COMPRESS_TRAILING, COMPRESS_CORRUPT, COMPRESS_WINDOW, COMPRESS_NO_ZSTD */
export async function* unzstd(bytes: ByteStream, o: CallOptions = {}): ByteStream {
  const { Decompressor } = await loadZstd();
  const decoder = new Decompressor();
  const frames = createZstdFrames();
  let ready: Uint8Array[] = [];
  const decode = (piece: Uint8Array): Uint8Array[] => {
    ready = [];
    try {
      decoder.data(asBuffer(piece), (chunk) => ready.push(chunk));
    } catch (error) {
      throw compressError(
        'COMPRESS_CORRUPT',
        { format: 'zstd', problem: (error as Error).message },
        { cause: error },
      );
    }
    return ready;
  };
  for await (const chunk of bytes) {
    for (const piece of frames.cut(chunk)) {
      o.signal?.throwIfAborted();
      yield* decode(piece);
    }
  }
  frames.end();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
