import { createGunzip } from 'node:zlib';
import type { ByteStream } from '../base/bytes.ts';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { compressError } from './errors.ts';
import { feed } from './feed.ts';

/** Bytes of a chunk that comes out; smaller ones cost a turn of the event loop each. */
const OUTPUT_BYTES = 1024 * 1024;

/** Bytes that may wait decompressed while the consumer works, so that both work at once. */
const AHEAD_BYTES = 2 * OUTPUT_BYTES;

/** The content of gzip data (RFC 1952) of one or more members, in chunks of up to 1 MiB. Inflating runs in a thread of its own, also when called in a worker. @throws COMPRESS_TRUNCATED, COMPRESS_TRAILING, COMPRESS_CORRUPT */
export async function* gunzip(bytes: ByteStream, o: CallOptions = {}): ByteStream {
  const engine = createGunzip({ chunkSize: OUTPUT_BYTES, readableHighWaterMark: AHEAD_BYTES } as object);
  const start: number[] = [];
  const feeding = feed(noteStart(bytes, start), engine, o);
  try {
    for await (const chunk of engine) {
      o.signal?.throwIfAborted();
      yield chunk as Buffer;
    }
    const { size } = await feeding.done;
    // zlib stops without a word at a zero byte after a member.
    if (engine.bytesWritten !== size) throw compressError('COMPRESS_TRAILING', { format: 'gzip' });
  } catch (error) {
    throw feeding.failure() ?? translate(error, start);
  } finally {
    engine.destroy();
    await feeding.done;
  }
}

/** The same bytes; the first two also go to `start`. */
async function* noteStart(bytes: ByteStream, start: number[]): ByteStream {
  for await (const chunk of bytes) {
    if (start.length < 2) start.push(...chunk.subarray(0, 2 - start.length));
    yield chunk;
  }
}

function translate(error: unknown, start: readonly number[]): unknown {
  const code = systemCode(error);
  if (code === undefined || !code.startsWith('Z_')) return error;
  const problem = (error as Error).message;
  if (code === 'Z_BUF_ERROR')
    return compressError('COMPRESS_TRUNCATED', { format: 'gzip' }, { cause: error });
  // Data that begins as gzip meets a wrong header only after a whole member.
  if (problem === 'incorrect header check' && start[0] === 0x1f && start[1] === 0x8b) {
    return compressError('COMPRESS_TRAILING', { format: 'gzip' }, { cause: error });
  }
  return compressError('COMPRESS_CORRUPT', { format: 'gzip', problem }, { cause: error });
}
