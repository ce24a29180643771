import { decodeName } from '../base/names.ts';
import type { DraftHeader } from './block.ts';
import { tarError } from './errors.ts';
import { readDecimal, readTime } from './fields.ts';
import type { SparsePiece, TarTime } from './header.ts';
import {
  MAX_DEVICE,
  MAX_ID,
  MAX_NAME_BYTES,
  MAX_SPARSE_PIECES,
  MAX_XATTR_BYTES,
  MAX_XATTRS,
} from './limits.ts';

/** What extension headers say about an entry; undefined where they say nothing. */
export interface Extensions {
  path: string | undefined;
  linkPath: string | undefined;
  size: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  mtime: TarTime | undefined;
  uname: string | undefined;
  gname: string | undefined;
  devMajor: number | undefined;
  devMinor: number | undefined;
  xattrs: Map<string, Uint8Array> | undefined;
  sparse: SparseRecords | undefined;
}

/** The GNU.sparse records of formats 0.0, 0.1 and 1.0. */
export interface SparseRecords {
  major: number;
  minor: number;
  name: string | undefined;
  realSize: number | undefined;
  /** Of 0.0 and 0.1; 1.0 keeps its map in the content. */
  pieces: SparsePiece[];
  pieceOffset: number | undefined;
}

/** Extensions that say nothing, or a copy of `from`. */
export function createExtensions(from?: Extensions): Extensions {
  if (from !== undefined) return { ...from, xattrs: from.xattrs && new Map(from.xattrs), sparse: undefined };
  return {
    path: undefined,
    linkPath: undefined,
    size: undefined,
    uid: undefined,
    gid: undefined,
    mtime: undefined,
    uname: undefined,
    gname: undefined,
    devMajor: undefined,
    devMinor: undefined,
    xattrs: undefined,
    sparse: undefined,
  };
}

/**
 * Adds the records of one pax extended header (POSIX.1-2017 pax, "pax Extended Header"): later records win, an empty value
 * takes the key back (of an xattr it is the empty value). Unknown keys, access and change times say nothing here.
 * `offset` is for messages. @throws TAR_BAD_HEADER, TAR_LIMIT
 */
export function addPaxRecords(to: Extensions, bytes: Buffer, offset: number): void {
  let at = 0;
  while (at < bytes.length) {
    let length = 0;
    let i = at;
    while (i < bytes.length && i - at < 8 && bytes[i]! >= 0x30 && bytes[i]! <= 0x39) {
      length = length * 10 + (bytes[i++]! - 0x30);
    }
    const end = at + length;
    const equals = bytes.indexOf(0x3d, i + 1);
    if (
      i === at ||
      bytes[i] !== 0x20 ||
      end > bytes.length ||
      bytes[end - 1] !== 0x0a ||
      equals <= i + 1 ||
      equals >= end
    ) {
      throw tarError('TAR_BAD_HEADER', {
        offset,
        problem: `pax record at byte ${at} of its header is malformed`,
      });
    }
    addRecord(to, bytes.toString('latin1', i + 1, equals), bytes.subarray(equals + 1, end - 1), offset);
    at = end;
  }
}

/** The header with the extensions applied; its `size` stays the stored size. */
export function applyExtensions(header: DraftHeader, e: Extensions): void {
  if (e.path !== undefined) header.name = e.path;
  if (e.linkPath !== undefined && (header.kind === 'symlink' || header.kind === 'hardlink'))
    header.linkName = e.linkPath;
  if (e.size !== undefined && header.kind === 'file') header.size = e.size;
  if (e.uid !== undefined) header.uid = e.uid;
  if (e.gid !== undefined) header.gid = e.gid;
  if (e.mtime !== undefined) header.mtime = e.mtime;
  if (e.uname !== undefined) header.uname = e.uname;
  if (e.gname !== undefined) header.gname = e.gname;
  if (header.device !== undefined && (e.devMajor !== undefined || e.devMinor !== undefined)) {
    header.device = { major: e.devMajor ?? header.device.major, minor: e.devMinor ?? header.device.minor };
  }
  if (e.xattrs !== undefined && e.xattrs.size > 0) header.xattrs = e.xattrs;
}

const SCHILY_XATTR = 'SCHILY.xattr.';
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.';

function addRecord(to: Extensions, key: string, value: Buffer, offset: number): void {
  switch (key) {
    case 'path':
      to.path = readName(key, value, offset);
      return;
    case 'linkpath':
      to.linkPath = readName(key, value, offset);
      return;
    case 'uname':
      to.uname = readName(key, value, offset);
      return;
    case 'gname':
      to.gname = readName(key, value, offset);
      return;
    case 'size':
      to.size = readCount(key, value, offset, Number.MAX_SAFE_INTEGER);
      return;
    case 'uid':
      to.uid = readCount(key, value, offset, MAX_ID);
      return;
    case 'gid':
      to.gid = readCount(key, value, offset, MAX_ID);
      return;
    case 'SCHILY.devmajor':
      to.devMajor = readCount(key, value, offset, MAX_DEVICE);
      return;
    case 'SCHILY.devminor':
      to.devMinor = readCount(key, value, offset, MAX_DEVICE);
      return;
    case 'mtime':
      to.mtime = value.length === 0 ? undefined : readTime(value);
      if (to.mtime === undefined && value.length > 0) throw badValue(key, value, offset);
      return;
  }
  if (key.startsWith('GNU.sparse.')) addSparseRecord(to, key.slice('GNU.sparse.'.length), value, offset);
  else if (key.startsWith(SCHILY_XATTR))
    addXattr(to, unquoteXattrName(key.slice(SCHILY_XATTR.length)), value, offset, true);
  else if (key.startsWith(LIBARCHIVE_XATTR)) {
    const name = Buffer.from(
      key.slice(LIBARCHIVE_XATTR.length).replace(/%([0-9a-fA-F]{2})/g, unquoteByte),
      'latin1',
    );
    addXattr(to, name.toString('latin1'), Buffer.from(value.toString('latin1'), 'base64'), offset, false);
  }
}

/** Escapes of GNU tar: the record itself ends its key at the first '='. */
function unquoteXattrName(name: string): string {
  return name.includes('%') ? name.replace(/%3D|%25/g, (quoted) => (quoted === '%3D' ? '=' : '%')) : name;
}

function unquoteByte(_all: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}

function addXattr(to: Extensions, rawName: string, value: Buffer, offset: number, override: boolean): void {
  const name = decodeName(Buffer.from(rawName, 'latin1'));
  if (name === '' || name.includes('\0')) {
    throw tarError('TAR_BAD_HEADER', { offset, problem: 'an extended attribute has no usable name' });
  }
  to.xattrs ??= new Map();
  // The same attribute comes twice from libarchive; SCHILY's is bytes and wins in any order.
  if (!override && to.xattrs.has(name)) return;
  // Copied, so that a few bytes do not keep the chunk alive that they came in.
  to.xattrs.set(name, new Uint8Array(value));
  if (to.xattrs.size > MAX_XATTRS) {
    throw tarError('TAR_LIMIT', {
      offset,
      what: 'extended attributes:',
      got: to.xattrs.size,
      limit: MAX_XATTRS,
    });
  }
  let total = 0;
  // Cheap where it is common (few attributes); a header's own limit bounds the rest.
  if (to.xattrs.size <= 64 || to.xattrs.size % 64 === 0) {
    for (const [key, bytes] of to.xattrs) total += key.length + bytes.length;
  }
  if (total > MAX_XATTR_BYTES) {
    throw tarError('TAR_LIMIT', {
      offset,
      what: 'bytes of extended attributes:',
      got: total,
      limit: MAX_XATTR_BYTES,
    });
  }
}

function addSparseRecord(to: Extensions, key: string, value: Buffer, offset: number): void {
  to.sparse ??= {
    major: 0,
    minor: 0,
    name: undefined,
    realSize: undefined,
    pieces: [],
    pieceOffset: undefined,
  };
  const sparse = to.sparse;
  const count = (): number => {
    const number = readDecimal(value);
    if (Number.isNaN(number)) throw badValue(`GNU.sparse.${key}`, value, offset);
    return number;
  };
  switch (key) {
    case 'major':
      sparse.major = count();
      return;
    case 'minor':
      sparse.minor = count();
      return;
    case 'name':
      sparse.name = readName(`GNU.sparse.${key}`, value, offset);
      return;
    case 'size':
    case 'realsize':
      sparse.realSize = count();
      return;
    case 'offset':
      sparse.pieceOffset = count();
      return;
    case 'numbytes':
      if (sparse.pieceOffset === undefined) throw badValue(`GNU.sparse.${key}`, value, offset);
      pushPiece(sparse.pieces, sparse.pieceOffset, count(), offset);
      sparse.pieceOffset = undefined;
      return;
    case 'map': {
      sparse.pieces = [];
      for (let at = 0; at < value.length; ) {
        const comma = value.indexOf(0x2c, at);
        const next = comma === -1 ? -1 : value.indexOf(0x2c, comma + 1);
        const end = next === -1 ? value.length : next;
        const pieceOffset = comma === -1 ? Number.NaN : readDecimal(value.subarray(at, comma));
        const size = comma === -1 ? Number.NaN : readDecimal(value.subarray(comma + 1, end));
        if (Number.isNaN(pieceOffset) || Number.isNaN(size))
          throw badValue('GNU.sparse.map', value.subarray(at, end), offset);
        pushPiece(sparse.pieces, pieceOffset, size, offset);
        at = end + 1;
      }
    }
  }
}

/** Adds a piece of a sparse map. @throws TAR_LIMIT */
export function pushPiece(pieces: SparsePiece[], pieceOffset: number, size: number, offset: number): void {
  if (pieces.length >= MAX_SPARSE_PIECES) {
    throw tarError('TAR_LIMIT', {
      offset,
      what: 'pieces of a sparse file:',
      got: pieces.length + 1,
      limit: MAX_SPARSE_PIECES,
    });
  }
  pieces.push({ offset: pieceOffset, size });
}

function readName(key: string, value: Buffer, offset: number): string | undefined {
  if (value.length === 0) return undefined;
  if (value.length > MAX_NAME_BYTES) {
    throw tarError('TAR_LIMIT', {
      offset,
      what: `bytes of pax ${key}:`,
      got: value.length,
      limit: MAX_NAME_BYTES,
    });
  }
  if (value.includes(0)) throw tarError('TAR_BAD_HEADER', { offset, problem: `pax ${key} holds a NUL byte` });
  return decodeName(value);
}

function readCount(key: string, value: Buffer, offset: number, most: number): number | undefined {
  if (value.length === 0) return undefined;
  const number = readDecimal(value);
  if (!(number <= most)) throw badValue(key, value, offset);
  return number;
}

function badValue(key: string, value: Buffer, offset: number) {
  const text = JSON.stringify(value.toString('latin1', 0, 64));
  return tarError('TAR_BAD_HEADER', { offset, problem: `pax ${key} is ${text}, which is no value for it` });
}
