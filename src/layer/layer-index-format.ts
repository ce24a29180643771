/**
 * The binary form of a layer index: columns in tar order, a permutation sorted by path, one checksum.
 * Loading makes views over the buffer; strings are decoded when asked for.
 * @module
 */
import { crc32 } from 'node:zlib';
import { layerError } from './errors.ts';
import type { IndexColumns } from './index-builder.ts';
import { sortOrders } from './sort-orders.ts';

const MAGIC = Buffer.from('DOBOSLIX', 'latin1');
/** Goes up with every change of the format: an older note is made anew. */
const VERSION = 1;
/** magic 8, version u32, crc32 of all that follows u32, total length f64, tarSize f64, fileBytes f64, count u32, sections u32. */
const FIXED = 48;

/** What a loaded note holds beside the columns. */
export interface LoadedIndex {
  readonly diffId: string;
  readonly tarSize: number;
  readonly columns: IndexColumns;
  /** Orders sorted by (path bytes, plain before whiteout before opaque, order). */
  readonly sorted: Uint32Array;
}

/** The bytes of an index. Deterministic. */
export function formatLayerIndex(diffId: string, tarSize: number, columns: IndexColumns): Buffer {
  const sections: readonly Uint8Array[] = [
    Buffer.from(diffId, 'latin1'),
    ...columnList(columns).map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)),
    viewOf(sortOrders(columns)),
  ];
  const table = FIXED + sections.length * 8;
  let length = table;
  for (const section of sections) length = align(length) + section.length;
  const out = Buffer.alloc(length);
  MAGIC.copy(out, 0);
  out.writeUInt32LE(VERSION, 8);
  out.writeDoubleLE(length, 16);
  out.writeDoubleLE(tarSize, 24);
  out.writeDoubleLE(columns.fileBytes, 32);
  out.writeUInt32LE(columns.count, 40);
  out.writeUInt32LE(sections.length, 44);
  let at = table;
  sections.forEach((section, i) => {
    at = align(at);
    out.writeDoubleLE(section.length, FIXED + i * 8);
    out.set(section, at);
    at += section.length;
  });
  out.writeUInt32LE(crc32(out.subarray(16)), 12);
  return out;
}

/** The index that these bytes are. @throws LAYER_INDEX_BROKEN for anything but what `formatLayerIndex` of this version made */
export function parseLayerIndex(bytes: Uint8Array): LoadedIndex {
  const b = aligned(bytes);
  if (b.length < FIXED || !b.subarray(0, 8).equals(MAGIC)) throw broken('no index');
  if (b.readUInt32LE(8) !== VERSION) throw broken(`version ${b.readUInt32LE(8)}, want ${VERSION}`);
  if (b.readDoubleLE(16) !== b.length) throw broken(`${b.length} bytes, want ${b.readDoubleLE(16)}`);
  if (crc32(b.subarray(16)) !== b.readUInt32LE(12)) throw broken('its checksum is wrong');
  const count = b.readUInt32LE(40);
  const sections: Buffer[] = [];
  let at = FIXED + b.readUInt32LE(44) * 8;
  for (let i = 0; i < b.readUInt32LE(44); i++) {
    const size = b.readDoubleLE(FIXED + i * 8);
    at = align(at);
    sections.push(b.subarray(at, at + size));
    at += size;
  }
  const part = (i: number): Buffer => sections[i]!;
  const u32 = (i: number): Uint32Array =>
    new Uint32Array(b.buffer, part(i).byteOffset, part(i).length / Uint32Array.BYTES_PER_ELEMENT);
  const f64 = (i: number): Float64Array => new Float64Array(b.buffer, part(i).byteOffset, count);
  return {
    diffId: part(0).toString('latin1'),
    tarSize: b.readDoubleLE(24),
    columns: {
      count,
      fileBytes: b.readDoubleLE(32),
      kinds: part(1),
      modes: new Uint16Array(b.buffer, part(2).byteOffset, count),
      uids: u32(3),
      gids: u32(4),
      seconds: f64(5),
      nanos: u32(6),
      sizes: f64(7),
      offsets: f64(8),
      nameEnds: u32(9),
      linkEnds: u32(10),
      digestRows: u32(11),
      names: part(12),
      links: part(13),
      digests: part(14),
      extraOrders: u32(15),
      extraEnds: u32(16),
      extras: part(17),
      accountOrders: u32(18),
      accountEnds: u32(19),
      accounts: part(20),
    },
    sorted: u32(21),
  };
}

/** The order in which sections are stored, after the diffId. */
function columnList(c: IndexColumns) {
  return [
    c.kinds,
    c.modes,
    c.uids,
    c.gids,
    c.seconds,
    c.nanos,
    c.sizes,
    c.offsets,
    c.nameEnds,
    c.linkEnds,
    c.digestRows,
    c.names,
    c.links,
    c.digests,
    c.extraOrders,
    c.extraEnds,
    c.extras,
    c.accountOrders,
    c.accountEnds,
    c.accounts,
  ];
}

function viewOf(part: Uint32Array): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}

function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** The bytes at an address where 8-byte views may start; small buffers come from a shared pool at any address. */
function aligned(bytes: Uint8Array): Buffer {
  if (bytes.byteOffset % 8 === 0) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function broken(problem: string): Error {
  return layerError('LAYER_INDEX_BROKEN', { problem });
}
