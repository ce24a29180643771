import { tarError } from './errors.ts';
import { readNumber, readText, sumBlock } from './fields.ts';
import type { TarHeader, TarKind, TarTime } from './header.ts';
import { BLOCK_BYTES, MAX_DEVICE, MAX_ID } from './limits.ts';

/** A header while extension headers are applied to it. */
export type DraftHeader = { -readonly [K in keyof TarHeader]: TarHeader[K] };

/** True if the block at `at` holds only zeros. */
export function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + BLOCK_BYTES; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Fails unless the header block's checksum is right, summed over unsigned or (old Sun and v7) signed bytes. @throws TAR_BAD_HEADER */
export function checkSum(bytes: Uint8Array, at: number, offset: number): void {
  const want = readNumber(bytes, at + 148, 8);
  const sum = sumBlock(bytes, at);
  if (sum === want) return;
  let high = 0;
  for (let i = at; i < at + BLOCK_BYTES; i++) {
    if (bytes[i]! >= 0x80 && (i < at + 148 || i >= at + 156)) high++;
  }
  if (sum - 256 * high === want) return;
  throw tarError('TAR_BAD_HEADER', {
    offset,
    problem: `checksum is ${sum}, the header says ${Number.isNaN(want) ? 'no number' : want}`,
  });
}

/** Size field of the header block. @throws TAR_BAD_HEADER */
export function readSize(bytes: Buffer, at: number, offset: number): number {
  const size = readNumber(bytes, at + 124, 12);
  if (size >= 0) return size;
  throw badField(bytes, at, offset, 'size', size);
}

/** The header in a block whose checksum is right, before any extension. `size` is the stored size, of kinds without content 0. @throws TAR_BAD_HEADER, TAR_UNSUPPORTED */
export function readBlock(bytes: Buffer, at: number, offset: number): DraftHeader {
  const format = readFormat(bytes, at);
  let name = readText(bytes, at, 100);
  if (format === POSIX && bytes[at + 345] !== 0) {
    // Star keeps access and change times behind a shorter prefix and signs with "tar" at the end.
    const star = bytes[at + 508] === 0x74 && bytes.toString('latin1', at + 508, at + 512) === 'tar\0';
    name = `${readText(bytes, at + 345, star ? 131 : 155)}/${name}`;
  }
  const kind = readKind(bytes, at, offset, name);
  const mode = readNumber(bytes, at + 100, 8);
  const uid = readNumber(bytes, at + 108, 8);
  const gid = readNumber(bytes, at + 116, 8);
  const seconds = readNumber(bytes, at + 136, 12);
  if (!(mode >= 0)) throw badField(bytes, at, offset, 'mode', mode);
  if (!(uid >= 0 && uid <= MAX_ID)) throw badField(bytes, at, offset, 'uid', uid);
  if (!(gid >= 0 && gid <= MAX_ID)) throw badField(bytes, at, offset, 'gid', gid);
  if (Number.isNaN(seconds)) throw badField(bytes, at, offset, 'mtime', seconds);
  const mtime: TarTime = { seconds, nanos: 0 };
  return {
    name,
    kind,
    mode: mode % 0o10000,
    uid,
    gid,
    size: kind === 'file' ? readSize(bytes, at, offset) : 0,
    mtime,
    linkName: kind === 'symlink' || kind === 'hardlink' ? readText(bytes, at + 157, 100) : '',
    uname: format === V7 || bytes[at + 265] === 0 ? '' : readText(bytes, at + 265, 32),
    gname: format === V7 || bytes[at + 297] === 0 ? '' : readText(bytes, at + 297, 32),
    device: kind === 'character' || kind === 'block' ? readDevice(bytes, at, offset, format) : undefined,
    xattrs: undefined,
    sparse: undefined,
  };
}

const V7 = 0;
const POSIX = 1;
const GNU = 2;

function readFormat(bytes: Uint8Array, at: number): number {
  if (
    bytes[at + 257] !== 0x75 ||
    bytes[at + 258] !== 0x73 ||
    bytes[at + 259] !== 0x74 ||
    bytes[at + 260] !== 0x61 ||
    bytes[at + 261] !== 0x72
  ) {
    return V7;
  }
  return bytes[at + 262] === 0 ? POSIX : bytes[at + 262] === 0x20 ? GNU : V7;
}

function readKind(bytes: Buffer, at: number, offset: number, name: string): TarKind {
  const flag = bytes[at + 156]!;
  switch (flag) {
    case 0x00:
      // Before POSIX a directory was a file whose name ends in a slash.
      return name.endsWith('/') ? 'directory' : 'file';
    case 0x30: // '0'
    case 0x37: // '7': contiguous file
    case 0x53: // 'S': old GNU sparse file
      return 'file';
    case 0x31:
      return 'hardlink';
    case 0x32:
      return 'symlink';
    case 0x33:
      return 'character';
    case 0x34:
      return 'block';
    case 0x35:
      return 'directory';
    case 0x36:
      return 'fifo';
    default: {
      const what = `type ${flag > 0x20 && flag < 0x7f ? `'${String.fromCharCode(flag)}'` : flag}`;
      throw tarError('TAR_UNSUPPORTED', { offset, what, entry: name });
    }
  }
}

function readDevice(bytes: Buffer, at: number, offset: number, format: number) {
  if (format === V7) return { major: 0, minor: 0 };
  const major = readNumber(bytes, at + 329, 8);
  const minor = readNumber(bytes, at + 337, 8);
  if (!(major >= 0 && major <= MAX_DEVICE)) throw badField(bytes, at, offset, 'device major', major);
  if (!(minor >= 0 && minor <= MAX_DEVICE)) throw badField(bytes, at, offset, 'device minor', minor);
  return { major, minor };
}

function badField(bytes: Buffer, at: number, offset: number, field: string, value: number) {
  const problem = `${field} is ${Number.isNaN(value) ? 'not a number that fits 53 bits' : `${value}, which is out of range`}`;
  return tarError('TAR_BAD_HEADER', { offset, problem, entry: readText(bytes, at, 100) });
}
