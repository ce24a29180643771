import { encodeName } from '../base/names.ts';
import { sumBlock } from './fields.ts';
import { checkHeader, type Fit, fitHeader } from './fit.ts';
import type { TarHeader, TarKind } from './header.ts';
import { BLOCK_BYTES } from './limits.ts';
import { formatPax } from './pax.ts';

/** Bytes of the two zero blocks that end an archive. */
export const END_BYTES = 2 * BLOCK_BYTES;

/**
 * The header blocks of an entry: one ustar block where everything fits it, else with a pax extended header before it.
 * The same header gives the same bytes. Content, its `padding` and `endOfArchive` follow; a header's `sparse` is not looked at.
 * @throws TAR_CANNOT_ENCODE
 */
export function encodeHeader(header: TarHeader): Buffer {
  const name = nameOf(header);
  const fit = check(header, name);
  const records = fit.pax ? formatPax(header, name, fit) : undefined;
  const buffer = Buffer.allocUnsafe(sizeOf(records));
  writeBlocks(buffer, 0, header, name, fit, records);
  return buffer;
}

/** Bytes written to `buffer` at `offset`, the same as `encodeHeader` gives; 0, with nothing written, when there is not enough room. @throws TAR_CANNOT_ENCODE */
export function encodeHeaderInto(buffer: Buffer, offset: number, header: TarHeader): number {
  const name = nameOf(header);
  const fit = check(header, name);
  const records = fit.pax ? formatPax(header, name, fit) : undefined;
  const size = sizeOf(records);
  if (size > buffer.length - offset) return 0;
  writeBlocks(buffer, offset, header, name, fit, records);
  return size;
}

/** Bytes of zeros that follow a content of `size` bytes. */
export function padding(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** The two zero blocks that end an archive. */
export function endOfArchive(): Buffer {
  return Buffer.alloc(END_BYTES);
}

function check(header: TarHeader, name: string): Fit {
  checkHeader(header);
  return fitHeader(header, name);
}

function nameOf(header: TarHeader): string {
  return header.kind === 'directory' && !header.name.endsWith('/') ? `${header.name}/` : header.name;
}

function sizeOf(records: Buffer | undefined): number {
  return records === undefined ? BLOCK_BYTES : 2 * BLOCK_BYTES + records.length + padding(records.length);
}

function writeBlocks(
  buffer: Buffer,
  offset: number,
  header: TarHeader,
  name: string,
  fit: Fit,
  records: Buffer | undefined,
): void {
  let at = offset;
  if (records !== undefined) {
    writePaxBlock(buffer, at, name, records.length);
    at += BLOCK_BYTES;
    records.copy(buffer, at);
    buffer.fill(0, at + records.length, at + records.length + padding(records.length));
    at += records.length + padding(records.length);
  }
  buffer.set(BLANK, at);
  if (fit.path) writeCut(buffer, at, name, 100);
  else if (fit.split < 0) writeAscii(buffer, at, name, 0, name.length);
  else {
    writeAscii(buffer, at + 345, name, 0, fit.split);
    writeAscii(buffer, at, name, fit.split + 1, name.length);
  }
  writeOctal(buffer, at + 100, 7, header.mode);
  writeOctal(buffer, at + 108, 7, fit.uid ? 0 : header.uid);
  writeOctal(buffer, at + 116, 7, fit.gid ? 0 : header.gid);
  writeOctal(buffer, at + 124, 11, fit.size ? 0 : header.size);
  const { seconds } = header.mtime;
  writeOctal(buffer, at + 136, 11, fit.mtime && (seconds < 0 || seconds > 0o77777777777) ? 0 : seconds);
  buffer[at + 156] = TYPE_FLAGS[header.kind];
  if (fit.linkpath) writeCut(buffer, at + 157, header.linkName, 100);
  else writeAscii(buffer, at + 157, header.linkName, 0, header.linkName.length);
  if (fit.uname) writeCut(buffer, at + 265, header.uname, 31);
  else writeAscii(buffer, at + 265, header.uname, 0, header.uname.length);
  if (fit.gname) writeCut(buffer, at + 297, header.gname, 31);
  else writeAscii(buffer, at + 297, header.gname, 0, header.gname.length);
  if (header.device !== undefined && !fit.device) {
    writeOctal(buffer, at + 329, 7, header.device.major);
    writeOctal(buffer, at + 337, 7, header.device.minor);
  }
  sign(buffer, at);
}

const TYPE_FLAGS: Readonly<Record<TarKind, number>> = {
  file: 0x30,
  hardlink: 0x31,
  symlink: 0x32,
  character: 0x33,
  block: 0x34,
  directory: 0x35,
  fifo: 0x36,
};

/** The header of a pax extended header: nothing in it but the name depends on the entry. */
function writePaxBlock(buffer: Buffer, at: number, name: string, size: number): void {
  buffer.set(BLANK, at);
  const bare = name.endsWith('/') ? name.slice(0, -1) : name;
  writeCut(buffer, at, `PaxHeaders/${bare.slice(bare.lastIndexOf('/') + 1)}`, 100);
  writeOctal(buffer, at + 100, 7, 0o644);
  writeOctal(buffer, at + 108, 7, 0);
  writeOctal(buffer, at + 116, 7, 0);
  writeOctal(buffer, at + 124, 11, size);
  writeOctal(buffer, at + 136, 11, 0);
  buffer[at + 156] = 0x78;
  sign(buffer, at);
}

/** What every header block begins as: no owner names, device 0:0, magic and version of ustar. */
const BLANK = Buffer.alloc(BLOCK_BYTES);
BLANK.write('ustar\x0000', 257, 'latin1');
BLANK.write('0000000\x000000000', 329, 'latin1');

function sign(buffer: Buffer, at: number): void {
  writeOctal(buffer, at + 148, 6, sumBlock(buffer, at));
  buffer[at + 155] = 0x20;
}

function writeOctal(buffer: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  let i = at + digits - 1;
  for (; rest > 0x7fffffff; i--) {
    buffer[i] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  for (let small = rest | 0; i >= at; i--) {
    buffer[i] = 0x30 + (small & 7);
    small >>= 3;
  }
}

function writeAscii(buffer: Buffer, at: number, text: string, from: number, to: number): void {
  for (let i = from; i < to; i++) buffer[at + i - from] = text.charCodeAt(i);
}

/** What of a name a field holds when the pax header has the whole: for readers without pax. */
function writeCut(buffer: Buffer, at: number, text: string, width: number): void {
  encodeName(text).copy(buffer, at, 0, width);
}
