import type { ByteStream } from '../base/bytes.ts';
import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { blocksOf } from './blocks.ts';
import { compressError } from './errors.ts';
import { gzip } from './gzip.ts';
import { loadZstd } from './libzstd.ts';

/** What layers are written with. */
export type TargetCompression = 'gzip' | 'zstd' | 'none';

export interface CompressOptions extends CallOptions {
  /** gzip 0 to 9 (6 if not given), zstd 1 to 22 (3 if not given). */
  readonly level?: number | undefined;
}

const LEVELS = {
  gzip: { least: 0, most: 9, usual: 6 },
  zstd: { least: 1, most: 22, usual: 3 },
} as const;

/** Bytes given to libzstd at once; fixed, so that the result does not depend on how the input is cut. */
const ZSTD_INPUT_BYTES = 512 * 1024;

/** The bytes compressed while they are read. The same bytes and level give the same result, on any number of cores and however the input is cut. The input is closed when the consumer stops. @throws COMPRESS_BAD_LEVEL, COMPRESS_NO_ZSTD */
export function compress(bytes: ByteStream, kind: TargetCompression, o: CompressOptions = {}): ByteStream {
  switch (kind) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzip(bytes, levelOf(kind, o), o);
    case 'zstd':
      return zstd(bytes, levelOf(kind, o), o);
    default:
      return never(kind);
  }
}

function levelOf(format: 'gzip' | 'zstd', o: CompressOptions): number {
  const { least, most, usual } = LEVELS[format];
  const level = o.level ?? usual;
  if (Number.isInteger(level) && level >= least && level <= most) return level;
  throw compressError('COMPRESS_BAD_LEVEL', { format, level, least, most });
}

async function* zstd(bytes: ByteStream, level: number, o: CallOptions): ByteStream {
  const { Compressor } = await loadZstd();
  const encoder = new Compressor(level);
  let ready: Buffer[] = [];
  for await (const block of blocksOf(bytes, ZSTD_INPUT_BYTES)) {
    o.signal?.throwIfAborted();
    encoder.data(block, (chunk) => ready.push(chunk));
    yield* ready;
    ready = [];
  }
  encoder.end((chunk) => ready.push(chunk));
  yield* ready;
}
