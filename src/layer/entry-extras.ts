import { decodeName, encodeName } from '../base/names.ts';
import { layerError } from './errors.ts';
import type { ContentPiece, Xattrs } from './types.ts';

/** Device numbers of Linux: 12 and 20 bits. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

/** What few entries have: a device, attributes, holes. */
export interface EntryExtra {
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: Xattrs | undefined;
  readonly pieces?: readonly ContentPiece[] | undefined;
}

const HAS_DEVICE = 1;
const HAS_PIECES = 2;
const PIECE_BYTES = 16;
/** flags u32, device major u32, minor u32, pieces u32. */
const HEAD_BYTES = 16;

/** The row of the index for these: head, pieces (at f64 or -1, size f64), then per attribute name length u32, value length u32, name, value. @throws LAYER_FIELD */
export function encodeExtra(entry: EntryExtra & { readonly path: string }): Buffer {
  const { device, pieces } = entry;
  const head = Buffer.alloc(HEAD_BYTES + (pieces?.length ?? 0) * PIECE_BYTES);
  head.writeUInt32LE((device === undefined ? 0 : HAS_DEVICE) | (pieces === undefined ? 0 : HAS_PIECES), 0);
  head.writeUInt32LE(checkField(entry.path, 'device major', device?.major ?? 0, MAX_MAJOR), 4);
  head.writeUInt32LE(checkField(entry.path, 'device minor', device?.minor ?? 0, MAX_MINOR), 8);
  head.writeUInt32LE(pieces?.length ?? 0, 12);
  pieces?.forEach((piece, i) => {
    head.writeDoubleLE(piece.at ?? -1, HEAD_BYTES + i * PIECE_BYTES);
    head.writeDoubleLE(piece.size, HEAD_BYTES + i * PIECE_BYTES + 8);
  });
  const parts: Uint8Array[] = [head];
  for (const [name, value] of entry.xattrs ?? []) {
    const nameBytes = encodeName(name);
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(nameBytes.length, 0);
    lengths.writeUInt32LE(value.length, 4);
    parts.push(lengths, nameBytes, value);
  }
  return Buffer.concat(parts);
}

/** What a row holds; its bytes are copied. */
export function decodeExtra(row: Buffer): EntryExtra {
  const flags = row.readUInt32LE(0);
  const pieces: ContentPiece[] = [];
  let at = HEAD_BYTES;
  for (let left = row.readUInt32LE(12); left > 0; left--) {
    const start = row.readDoubleLE(at);
    pieces.push({ at: start < 0 ? undefined : start, size: row.readDoubleLE(at + 8) });
    at += PIECE_BYTES;
  }
  const xattrs = new Map<string, Uint8Array>();
  while (at < row.length) {
    const valueAt = at + 8 + row.readUInt32LE(at);
    const end = valueAt + row.readUInt32LE(at + 4);
    xattrs.set(decodeName(row.subarray(at + 8, valueAt)), Uint8Array.from(row.subarray(valueAt, end)));
    at = end;
  }
  return {
    ...(flags & HAS_DEVICE
      ? { device: { major: row.readUInt32LE(4), minor: row.readUInt32LE(8) } }
      : undefined),
    ...(flags & HAS_PIECES ? { pieces } : undefined),
    ...(xattrs.size > 0 ? { xattrs } : undefined),
  };
}

/** The value, when it is in range. @throws LAYER_FIELD */
export function checkField(path: string, field: string, value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw layerError('LAYER_FIELD', { path, field, value, max });
  }
  return value;
}
