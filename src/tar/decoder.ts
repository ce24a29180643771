import { checkSum, type DraftHeader, isZeroBlock, readBlock, readSize } from './block.ts';
import { createContent } from './content.ts';
import { shown, tarError } from './errors.ts';
import { readNumber } from './fields.ts';
import type { SparsePiece, TarHeader, TarPlace } from './header.ts';
import { BLOCK_BYTES, MAX_HOLE_BYTES } from './limits.ts';
import { createPending, isExtension } from './pending.ts';
import { checkSparse, createSparseMapReader, readOldSparse, type SparseMapReader } from './sparse.ts';

/** What a decoder calls, synchronously from `write` and `end`. An exception of a handler passes through and ends the decoding. */
export interface TarHandler {
  onEntry(header: TarHeader, place: TarPlace): void;
  /** Content of the entry in order, holes as zeros; a view of the chunk written (or of shared zeros): keep a copy, never change it. */
  onData?(chunk: Buffer): void;
  /** After the last content of each entry, of whatever kind. */
  onEntryEnd?(): void;
  /** False: this entry's content is not decoded and may be jumped over (see `skippable`). Without `onData` no content is wanted. */
  wantsContent?(header: TarHeader): boolean;
}

export interface TarDecodeOptions {
  /**
   * Data other than zeros after the two end-of-archive blocks. 'reject' (the default) because readers with --ignore-zeros would see
   * files there that others do not; GNU tar, Go and Python ignore it.
   */
  readonly trailing?: 'reject' | 'ignore' | undefined;
  /** pax global headers: 'apply' (the default) as POSIX, GNU tar and Python do; 'ignore' as Go does, and with it umoci and containerd. */
  readonly globals?: 'apply' | 'ignore' | undefined;
  /** Bytes of holes to read through in one archive; MAX_HOLE_BYTES if not given. */
  readonly maxHoleBytes?: number | undefined;
}

export interface TarDecoder {
  /** Decodes the next bytes; they are not kept. @throws TAR_BAD_HEADER, TAR_LIMIT, TAR_UNSUPPORTED, TAR_TRAILING; after that, again on every call */
  write(chunk: Uint8Array): void;
  /** Ends the archive: right after an entry, or after zero blocks. @throws TAR_TRUNCATED */
  end(): void;
  /** Bytes in the tar so far, skipped ones included. */
  readonly offset: number;
  /** How many of the next bytes are content nobody wants, with its padding, or follow the archive and are ignored: a reader that can seek passes up to so many to `skip` instead of reading them. */
  readonly skippable: number;
  /** Goes over `bytes` of the archive unseen; not past the archive's end, which the caller knows. */
  skip(bytes: number): void;
}

const HEADER = 0;
const EXTENSION = 1;
const SPARSE_BLOCK = 2;
const SPARSE_MAP = 3;
const CONTENT = 4;
const PADDING = 5;
const ONE_ZERO_BLOCK = 6;
const AFTER_END = 7;

/**
 * A push decoder of tar archives: write chunks of any size, events come out; the events do not depend on how the input is cut.
 * A single zero block must be the last thing in the archive (Go's rule; GNU tar stops there with a warning).
 * Memory is bounded by the limits in limits.ts whatever the input.
 */
export function createTarDecoder(handler: TarHandler, o: TarDecodeOptions = {}): TarDecoder {
  const holeLimit = o.maxHoleBytes ?? MAX_HOLE_BYTES;
  const block = Buffer.alloc(BLOCK_BYTES);
  const content = createContent((chunk) => handler.onData?.(chunk));
  let filled = 0;
  let state = HEADER;
  let failure: { readonly error: unknown } | undefined;
  /** Offset in the tar of the chunk in hand, and of the current entry's first header block. */
  let base = 0;
  let start = 0;
  let holes = 0;

  const pending = createPending(o.globals ?? 'apply');
  let header: DraftHeader | undefined;
  let pieces: SparsePiece[] = [];
  let mapReader: SparseMapReader | undefined;
  /** Bytes of stored content left, and of padding after it. */
  let remaining = 0;
  let padding = 0;
  let wanted = false;

  /** A whole header block at `at` of `bytes`, which stands at `offset` in the tar. */
  const onHeader = (bytes: Buffer, at: number, offset: number): void => {
    if (bytes[at] === 0 && isZeroBlock(bytes, at)) {
      if (pending.any)
        throw tarError('TAR_BAD_HEADER', {
          offset,
          problem: 'the archive ends where an extension header wants its entry',
        });
      state = ONE_ZERO_BLOCK;
      return;
    }
    checkSum(bytes, at, offset);
    if (!pending.any) start = offset;
    const flag = bytes[at + 156]!;
    if (isExtension(flag)) {
      const size = readSize(bytes, at, offset);
      pending.begin(flag, size, offset);
      padding = paddingOf(size);
      if (size === 0) endExtension();
      else state = EXTENSION;
      return;
    }
    // A GNU volume label is no file and has no content.
    if (flag === 0x56) return;
    const entry = readBlock(bytes, at, offset);
    const sparse = pending.apply(entry);
    header = entry;
    remaining = entry.size;
    padding = paddingOf(entry.size);
    if (entry.kind !== 'file') {
      if (entry.kind === 'directory') entry.name = withoutSlashes(entry.name);
      beginContent(offset, offset + BLOCK_BYTES);
    } else if (flag === 0x53) {
      pieces = [];
      const more = readOldSparse(bytes, at + 386, 4, pieces, offset);
      const realSize = readNumber(bytes, at + 483, 12);
      if (!(realSize >= 0))
        throw tarError('TAR_BAD_HEADER', { offset, entry: entry.name, problem: 'sparse size is no number' });
      entry.size = realSize;
      if (more) state = SPARSE_BLOCK;
      else beginSparse(offset, offset + BLOCK_BYTES);
    } else if (sparse !== undefined) {
      if (sparse.realSize === undefined) {
        throw tarError('TAR_BAD_HEADER', {
          offset,
          entry: entry.name,
          problem: 'sparse file without its size',
        });
      }
      entry.size = sparse.realSize;
      if (sparse.name !== undefined) entry.name = sparse.name;
      if (sparse.major > 1 || sparse.minor > (sparse.major === 1 ? 0 : 1)) {
        const what = `sparse format ${sparse.major}.${sparse.minor}`;
        throw tarError('TAR_UNSUPPORTED', { offset, what, entry: entry.name });
      }
      pieces = sparse.pieces;
      if (sparse.major === 1) {
        mapReader = createSparseMapReader(offset);
        state = SPARSE_MAP;
      } else beginSparse(offset, offset + BLOCK_BYTES);
    } else beginContent(offset, offset + BLOCK_BYTES);
  };

  const endExtension = (): void => {
    pending.finish();
    state = padding > 0 ? PADDING : HEADER;
  };

  const beginSparse = (offset: number, contentOffset: number): void => {
    const entry = header!;
    const hole = checkSparse(pieces, entry.size, remaining, offset, entry.name);
    holes += hole;
    if (holes > holeLimit) {
      throw tarError('TAR_LIMIT', {
        offset,
        entry: entry.name,
        what: 'bytes of holes:',
        got: holes,
        limit: holeLimit,
      });
    }
    entry.sparse = pieces;
    beginContent(offset, contentOffset);
  };

  const beginContent = (offset: number, contentOffset: number): void => {
    const entry = header!;
    const end = contentOffset + remaining + padding;
    if (end > Number.MAX_SAFE_INTEGER) {
      throw tarError('TAR_BAD_HEADER', {
        offset,
        entry: entry.name,
        problem: `size is ${remaining}, which no archive can hold`,
      });
    }
    handler.onEntry(entry, { start, offset: contentOffset, end });
    wanted = entry.size > 0 && handler.onData !== undefined && (handler.wantsContent?.(entry) ?? true);
    content.begin(entry.sparse, entry.size);
    if (remaining > 0) state = CONTENT;
    else endContent();
  };

  const endContent = (): void => {
    if (wanted) content.end();
    state = padding > 0 ? PADDING : HEADER;
    handler.onEntryEnd?.();
  };

  /** A whole block that is no header: of an old GNU sparse map, of a 1.0 map, or after the first zero block. */
  const onBlock = (bytes: Buffer, at: number, offset: number): void => {
    if (state === HEADER) onHeader(bytes, at, offset);
    else if (state === SPARSE_BLOCK) {
      if (!readOldSparse(bytes, at, 21, pieces, offset)) beginSparse(offset, offset + BLOCK_BYTES);
    } else if (state === SPARSE_MAP) {
      if (remaining < BLOCK_BYTES)
        throw tarError('TAR_BAD_HEADER', {
          offset,
          entry: header!.name,
          problem: 'sparse map does not fit the entry',
        });
      remaining -= BLOCK_BYTES;
      if (!mapReader!.take(bytes, at)) return;
      pieces = mapReader!.pieces;
      mapReader = undefined;
      beginSparse(offset, offset + BLOCK_BYTES);
    } else if (isZeroBlock(bytes, at)) state = AFTER_END;
    else throw tarError('TAR_BAD_HEADER', { offset, problem: 'a lone zero block stands before this header' });
  };

  const decode = (bytes: Buffer): void => {
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      if (state === CONTENT) {
        const take = Math.min(remaining, left);
        if (wanted) content.write(bytes.subarray(at, at + take));
        at += take;
        remaining -= take;
        if (remaining === 0) endContent();
      } else if (state === PADDING) {
        const take = Math.min(padding, left);
        at += take;
        padding -= take;
        if (padding === 0) state = HEADER;
      } else if (state === EXTENSION) {
        at += pending.take(bytes, at);
        if (pending.complete) endExtension();
      } else if (state === AFTER_END) {
        if (o.trailing !== 'ignore') rejectTrailing(bytes, at, base);
        return;
      } else if (filled === 0 && left >= BLOCK_BYTES) {
        at += BLOCK_BYTES;
        onBlock(bytes, at - BLOCK_BYTES, base + at - BLOCK_BYTES);
      } else {
        const take = bytes.copy(block, filled, at, Math.min(bytes.length, at + BLOCK_BYTES - filled));
        at += take;
        filled += take;
        if (filled < BLOCK_BYTES) return;
        filled = 0;
        onBlock(block, 0, base + at - BLOCK_BYTES);
      }
    }
  };

  const fail = (error: unknown): unknown => {
    failure = { error };
    return error;
  };

  const endSkipped = (): void => {
    try {
      endContent();
    } catch (error) {
      throw fail(error);
    }
  };

  const skippable = (): number =>
    state === CONTENT && !wanted
      ? remaining + padding
      : state === PADDING
        ? padding
        : state === AFTER_END && o.trailing === 'ignore'
          ? Number.MAX_SAFE_INTEGER
          : 0;

  return {
    write(chunk) {
      if (failure !== undefined) throw failure.error;
      try {
        decode(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
        base += chunk.length;
      } catch (error) {
        throw fail(error);
      }
    },
    end() {
      if (failure !== undefined) throw failure.error;
      if (state === AFTER_END) return;
      if (state === ONE_ZERO_BLOCK && block.subarray(0, filled).every((byte) => byte === 0)) return;
      if (state === HEADER && filled === 0 && !pending.any) return;
      throw fail(tarError('TAR_TRUNCATED', { offset: base, inside: whereInside() }));
    },
    get offset() {
      return base;
    },
    get skippable() {
      return skippable();
    },
    skip(bytes) {
      if (!(bytes >= 0 && bytes <= skippable()))
        throw new RangeError(`cannot skip ${bytes} bytes of ${skippable()}`);
      if (failure !== undefined) throw failure.error;
      base += bytes;
      if (state === AFTER_END) return;
      if (state === PADDING) padding -= bytes;
      else if (bytes < remaining) remaining -= bytes;
      else {
        padding -= bytes - remaining;
        remaining = 0;
        if (state === CONTENT) endSkipped();
      }
      if (state === PADDING && padding === 0) state = HEADER;
    },
  };

  function whereInside(): string {
    if (state === CONTENT) return `the content of ${shown(header!.name)}, ${remaining} bytes before its end`;
    if (state === PADDING)
      return header === undefined || pending.any
        ? 'an extension header'
        : `the padding after ${shown(header.name)}`;
    if (state === SPARSE_BLOCK || state === SPARSE_MAP) return `the sparse map of ${shown(header!.name)}`;
    if (state === EXTENSION || pending.any) return 'an extension header or before the entry it is for';
    return 'a header';
  }
}

function rejectTrailing(bytes: Buffer, at: number, base: number): void {
  for (let i = at; i < bytes.length; i++) {
    if (bytes[i] !== 0) throw tarError('TAR_TRAILING', { offset: base + i });
  }
}

function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

function withoutSlashes(name: string): string {
  let end = name.length;
  while (end > 1 && name[end - 1] === '/') end--;
  return end === name.length ? name : name.slice(0, end);
}
