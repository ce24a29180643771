/**
 * The tar room: a synchronous decoder and encoder of ustar, pax, GNU and v7 archives over buffers.
 * It knows nothing of layers or whiteouts, does no I/O and joins no paths: names come out as they are written.
 * @module
 */

export type TarKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

/** Whole seconds since the epoch (may be negative) and 0 to 999,999,999 nanoseconds. */
export interface TarTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** A range of a sparse file that the archive stores; what lies between is zeros. */
export interface SparsePiece {
  readonly offset: number;
  readonly size: number;
}

/** One entry's header, all extension headers applied. Strings are lossless (base/names.ts). */
export interface TarHeader {
  /** As written in the archive, but a directory's trailing slashes are gone (the encoder puts one back). */
  readonly name: string;
  readonly kind: TarKind;
  /** Permission bits with setuid, setgid, sticky (0 to 0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content of a regular file with its holes read through, else 0. */
  readonly size: number;
  readonly mtime: TarTime;
  /** Target of a symlink or hard link as written, else ''. */
  readonly linkName: string;
  readonly uname: string;
  readonly gname: string;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined;
  /** The stored pieces, in order; only the decoder sets it, the encoder never writes sparse files. */
  readonly sparse?: readonly SparsePiece[] | undefined;
}

/** Where an entry stands in the uncompressed tar, in bytes. */
export interface TarPlace {
  /** Its first header block, extension headers included. */
  readonly start: number;
  /** Its stored content (of a sparse entry: the pieces one after the other). */
  readonly offset: number;
  /** The first byte after its padding. */
  readonly end: number;
}

/** Where the content of a file with holes is: `at` is the byte in the tar, undefined for a hole. */
export interface ContentPiece {
  readonly at: number | undefined;
  readonly size: number;
}

/** The content of an entry as stored ranges and holes, in order of the file; for readers that jump about in a tar. */
export function contentPieces(
  header: TarHeader,
  place: { readonly offset: number },
): readonly ContentPiece[] {
  if (header.sparse === undefined) return header.size === 0 ? [] : [{ at: place.offset, size: header.size }];
  const pieces: ContentPiece[] = [];
  let done = 0;
  let at = place.offset;
  for (const { offset, size } of header.sparse) {
    if (size === 0) continue;
    if (offset > done) pieces.push({ at: undefined, size: offset - done });
    pieces.push({ at, size });
    at += size;
    done = offset + size;
  }
  if (header.size > done) pieces.push({ at: undefined, size: header.size - done });
  return pieces;
}
