import type { SparsePiece } from './header.ts';

/** Zeros handed out for holes; shared, so nobody may write to them. */
const ZERO_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(ZERO_BYTES);

/** Turns the stored bytes of one entry after the other into their content. */
export interface ContentWriter {
  begin(pieces: readonly SparsePiece[] | undefined, size: number): void;
  /** Stored bytes, never more than the pieces hold. */
  write(chunk: Buffer): void;
  /** Emits the hole at the end of the file. */
  end(): void;
}

/** A content writer that emits chunks of stored bytes as they are, and zeros for holes. */
export function createContent(emit: (chunk: Buffer) => void): ContentWriter {
  let pieces: readonly SparsePiece[] | undefined;
  let size = 0;
  let index = 0;
  let done = 0;

  const zeros = (until: number): void => {
    while (done < until) {
      const take = Math.min(ZERO_BYTES, until - done);
      done += take;
      emit(take === ZERO_BYTES ? ZEROS : ZEROS.subarray(0, take));
    }
  };

  return {
    begin(newPieces, newSize) {
      pieces = newPieces;
      size = newSize;
      index = 0;
      done = 0;
    },
    write(chunk) {
      if (pieces === undefined) {
        emit(chunk);
        return;
      }
      for (let at = 0; at < chunk.length; ) {
        const piece = pieces[index]!;
        zeros(piece.offset);
        const take = Math.min(piece.offset + piece.size - done, chunk.length - at);
        if (take > 0) emit(chunk.subarray(at, at + take));
        at += take;
        done += take;
        if (done === piece.offset + piece.size) index++;
      }
    },
    end() {
      if (pieces !== undefined) zeros(size);
    },
  };
}
