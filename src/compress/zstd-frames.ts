import { compressError } from './errors.ts';

/** Largest window that is accepted: what libzstd takes without being told otherwise, and what `zstd --ultra -22` makes. */
export const MAX_WINDOW_BYTES = 128 * 1024 * 1024;

/** Blocks handed to the decoder at once: each makes at most 128 KiB, so 1 MiB comes out. */
const MAX_BLOCKS = 8;

/** Largest block of the format, compressed or not (RFC 8878, 3.1.1.2.4). */
const MAX_BLOCK_BYTES = 128 * 1024;

/** Cuts zstd data at its frames and blocks. */
export interface ZstdFrames {
  /** The bytes of the chunk that belong to zstd frames, in pieces that decode to 1 MiB at most; skippable frames are left out. @throws COMPRESS_TRAILING, COMPRESS_CORRUPT, COMPRESS_WINDOW */
  cut(chunk: Uint8Array): Generator<Uint8Array, void, void>;
  /** @throws COMPRESS_TRUNCATED unless the data ended after a frame */
  end(): void;
}

const MAGIC = 0;
const DESCRIPTOR = 1;
const FRAME_HEADER = 2;
const BLOCK_HEADER = 3;
const BLOCK = 4;
const CHECKSUM = 5;
const SKIP_SIZE = 6;
const SKIP = 7;

const FRAME_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** A walker over the frames of zstd data (RFC 8878, 3.1) that looks at headers only: the decoder itself does not see whether its input was cut off. */
export function createZstdFrames(): ZstdFrames {
  let state = MAGIC;
  let frames = 0;
  /** Bytes of the field in hand, of its `want`; or bytes of a body left. */
  const field = Buffer.alloc(16);
  let filled = 0;
  let want = 4;
  let left = 0;
  let descriptor = 0;
  let lastBlock = false;
  let blocks = 0;

  const expect = (next: number, bytes: number): void => {
    state = next;
    want = bytes;
    filled = 0;
  };
  const endFrame = (): void => expect(MAGIC, 4);

  const onMagic = (): boolean => {
    const magic = field.readUInt32LE(0);
    if (magic === 0xfd2fb528) {
      frames++;
      expect(DESCRIPTOR, 1);
      return true;
    }
    if ((magic & 0xfffffff0) >>> 0 !== 0x184d2a50) {
      if (frames > 0) throw compressError('COMPRESS_TRAILING', { format: 'zstd' });
      throw corrupt('it does not begin with a zstd frame');
    }
    frames++;
    expect(SKIP_SIZE, 4);
    return false;
  };

  const onField = (): void => {
    switch (state) {
      case DESCRIPTOR:
        descriptor = field[0]!;
        if ((descriptor & 8) !== 0) throw corrupt('a frame uses a reserved bit');
        expect(FRAME_HEADER, frameHeaderSize(descriptor));
        if (want === 0) expect(BLOCK_HEADER, 3);
        return;
      case FRAME_HEADER:
        checkFrameHeader(field, descriptor);
        expect(BLOCK_HEADER, 3);
        return;
      case BLOCK_HEADER: {
        const bits = field.readUIntLE(0, 3);
        const type = (bits >> 1) & 3;
        const size = bits >> 3;
        if (type === 3 || size > MAX_BLOCK_BYTES) throw corrupt('a block has an impossible header');
        lastBlock = (bits & 1) === 1;
        left = type === 1 ? 1 : size;
        blocks++;
        if (left > 0) state = BLOCK;
        else endBlock();
        return;
      }
      case CHECKSUM:
        endFrame();
        return;
      case SKIP_SIZE:
        left = field.readUInt32LE(0);
        if (left > 0) state = SKIP;
        else endFrame();
    }
  };

  const endBlock = (): void => {
    if (!lastBlock) expect(BLOCK_HEADER, 3);
    else if ((descriptor & 4) !== 0) expect(CHECKSUM, 4);
    else endFrame();
  };

  return {
    *cut(chunk) {
      let at = 0;
      /** Where bytes for the decoder begin, if there are any. */
      let from = 0;
      while (at < chunk.length) {
        if (state === BLOCK || state === SKIP) {
          const take = Math.min(left, chunk.length - at);
          at += take;
          left -= take;
          if (left > 0) continue;
          if (state === BLOCK) endBlock();
          else {
            endFrame();
            from = at;
          }
        } else {
          const wasMagic = state === MAGIC;
          const skipping = wasMagic || state === SKIP_SIZE;
          // Between frames nothing goes to the decoder before it is known what comes.
          if (skipping && filled === 0 && at > from) {
            yield chunk.subarray(from, at);
            blocks = 0;
          }
          const take = Math.min(want - filled, chunk.length - at);
          for (let i = 0; i < take; i++) field[filled++] = chunk[at++]!;
          if (skipping) from = at;
          if (filled < want) continue;
          if (!wasMagic) onField();
          else if (onMagic()) yield FRAME_MAGIC;
        }
        if (blocks >= MAX_BLOCKS) {
          if (at > from && state !== SKIP && state !== SKIP_SIZE) yield chunk.subarray(from, at);
          from = at;
          blocks = 0;
        }
      }
      if (at > from && state !== SKIP && state !== SKIP_SIZE) yield chunk.subarray(from, at);
    },
    end() {
      if (frames === 0 || state !== MAGIC || filled > 0)
        throw compressError('COMPRESS_TRUNCATED', { format: 'zstd' });
    },
  };
}

/** Bytes after the descriptor: window, dictionary id, content size. */
function frameHeaderSize(descriptor: number): number {
  return windowSize(descriptor) + dictionarySize(descriptor) + contentSizeSize(descriptor);
}

function windowSize(descriptor: number): number {
  return (descriptor & 0x20) === 0 ? 1 : 0;
}

function dictionarySize(descriptor: number): number {
  return [0, 1, 2, 4][descriptor & 3]!;
}

function contentSizeSize(descriptor: number): number {
  const flag = descriptor >> 6;
  return flag === 0 ? 1 - windowSize(descriptor) : 1 << flag;
}

function checkFrameHeader(field: Buffer, descriptor: number): void {
  const windowBytes = windowSize(descriptor);
  const dictionaryBytes = dictionarySize(descriptor);
  if (dictionaryBytes > 0 && field.readUIntLE(windowBytes, dictionaryBytes) !== 0) {
    throw corrupt('a frame wants a dictionary, and an image has none');
  }
  const window =
    windowBytes === 1 ? describedWindow(field[0]!) : contentSize(field, dictionaryBytes, descriptor);
  if (window > MAX_WINDOW_BYTES) throw compressError('COMPRESS_WINDOW', { window, limit: MAX_WINDOW_BYTES });
}

function describedWindow(byte: number): number {
  const base = 2 ** (10 + (byte >> 3));
  return base + (base / 8) * (byte & 7);
}

/** Of a two byte field 256 less than it means, which is no matter to the limit. */
function contentSize(field: Buffer, at: number, descriptor: number): number {
  const bytes = contentSizeSize(descriptor);
  if (bytes === 8) return Number(field.readBigUInt64LE(at));
  return field.readUIntLE(at, bytes);
}

function corrupt(problem: string) {
  return compressError('COMPRESS_CORRUPT', { format: 'zstd', problem });
}
