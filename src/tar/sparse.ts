import { tarError } from './errors.ts';
import { pushPiece } from './extensions.ts';
import { readDecimal, readNumber } from './fields.ts';
import type { SparsePiece } from './header.ts';
import { BLOCK_BYTES } from './limits.ts';

/** Adds the pieces of an old GNU sparse header (at 386, four) or of one of its extension blocks (at 0, twenty-one); true if another extension block follows. @throws TAR_BAD_HEADER, TAR_LIMIT */
export function readOldSparse(
  bytes: Buffer,
  at: number,
  count: 4 | 21,
  pieces: SparsePiece[],
  offset: number,
): boolean {
  for (let i = 0; i < count; i++) {
    const field = at + i * 24;
    // A field that was never written ends the list.
    if (bytes[field + 12] === 0) break;
    const pieceOffset = readNumber(bytes, field, 12);
    const size = readNumber(bytes, field + 12, 12);
    if (!(pieceOffset >= 0 && size >= 0))
      throw tarError('TAR_BAD_HEADER', { offset, problem: 'sparse map holds no number' });
    pushPiece(pieces, pieceOffset, size, offset);
  }
  return bytes[at + count * 24] !== 0;
}

/** Reads the sparse 1.0 map that stands before the content, block by block. */
export interface SparseMapReader {
  /** Takes one block; true when the map is complete. @throws TAR_BAD_HEADER, TAR_LIMIT */
  take(bytes: Buffer, at: number): boolean;
  readonly pieces: SparsePiece[];
}

/** Digits of a number in a sparse 1.0 map. */
const MAX_DIGITS = 16;

/** A reader of the map that a sparse 1.0 file starts with: decimal numbers, one a line. `offset` of the header is for its errors. */
export function createSparseMapReader(offset: number): SparseMapReader {
  const pieces: SparsePiece[] = [];
  const digits = Buffer.alloc(MAX_DIGITS);
  let filled = 0;
  let wanted: number | undefined;
  let pieceOffset: number | undefined;
  const bad = () => tarError('TAR_BAD_HEADER', { offset, problem: 'sparse map holds no number' });
  return {
    pieces,
    take(bytes, at) {
      for (let i = at; i < at + BLOCK_BYTES; i++) {
        const byte = bytes[i]!;
        if (byte !== 0x0a) {
          if (filled === MAX_DIGITS) throw bad();
          digits[filled++] = byte;
          continue;
        }
        const number = readDecimal(digits.subarray(0, filled));
        filled = 0;
        if (Number.isNaN(number)) throw bad();
        if (wanted === undefined) wanted = number;
        else if (pieceOffset === undefined) pieceOffset = number;
        else {
          pushPiece(pieces, pieceOffset, number, offset);
          pieceOffset = undefined;
        }
        // The rest of the block is padding.
        if (pieces.length === wanted) return true;
      }
      return false;
    },
  };
}

/** Bytes of the holes of a sparse map. @throws TAR_BAD_HEADER unless the pieces are in order, within `realSize`, and `stored` bytes together */
export function checkSparse(
  pieces: readonly SparsePiece[],
  realSize: number,
  stored: number,
  offset: number,
  entry: string,
): number {
  let end = 0;
  let total = 0;
  for (const piece of pieces) {
    if (piece.offset < end) {
      throw tarError('TAR_BAD_HEADER', {
        offset,
        entry,
        problem: `sparse pieces overlap at ${piece.offset}`,
      });
    }
    end = piece.offset + piece.size;
    total += piece.size;
    if (end > realSize) {
      const problem = `sparse piece ends at ${end}, the file at ${realSize}`;
      throw tarError('TAR_BAD_HEADER', { offset, entry, problem });
    }
  }
  if (total !== stored) {
    const problem = `sparse pieces are ${total} bytes, the entry stores ${stored}`;
    throw tarError('TAR_BAD_HEADER', { offset, entry, problem });
  }
  return realSize - total;
}
