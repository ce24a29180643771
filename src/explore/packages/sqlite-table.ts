/**
 * Rows of one table of an SQLite database that lies in memory (the file format of SQLite 3, sqlite.org/fileformat2.html): enough for rpm's, and nothing that writes.
 * A database is hostile until it is read: each page is visited once at most, and whatever does not fit ends the reading.
 * @module
 */

/** A column: text and blobs as bytes, real numbers left out. */
export type SqliteValue = Buffer | number | undefined;

const MAGIC = 'SQLite format 3\0';
const FILE_HEADER_BYTES = 100;
const INTERIOR = 0x05;
const LEAF = 0x0d;
const SCHEMA_PAGE = 1;
/** Columns of a record that are looked at. */
const MAX_COLUMNS = 64;

/** The rows of the table, in the order of their ids; undefined if this is no such database, has no such table, or is damaged. */
export function readSqliteTable(
  database: Buffer,
  table: string,
): readonly (readonly SqliteValue[])[] | undefined {
  const size = database.length > FILE_HEADER_BYTES ? database.readUInt16BE(16) : 0;
  const pageBytes = size === 1 ? 65_536 : size;
  if (database.toString('latin1', 0, MAGIC.length) !== MAGIC || pageBytes < 512) return undefined;
  const file: PagedFile = { database, pageBytes, usable: pageBytes - database[20]!, seen: new Set() };
  try {
    for (const [type, name, , root] of rowsOf(file, SCHEMA_PAGE)) {
      if (String(type) !== 'table' || String(name) !== table || typeof root !== 'number') continue;
      return [...rowsOf(file, root)];
    }
    return undefined;
  } catch (error) {
    // What a page points at is not there.
    if (error instanceof RangeError || error instanceof Damaged) return undefined;
    throw error;
  }
}

class Damaged extends Error {}

interface PagedFile {
  readonly database: Buffer;
  readonly pageBytes: number;
  /** Bytes of a page that hold something. */
  readonly usable: number;
  readonly seen: Set<number>;
}

function openPage({ database, pageBytes, seen }: PagedFile, number: number): Buffer {
  if (number < 1 || seen.has(number)) throw new Damaged();
  seen.add(number);
  const page = database.subarray((number - 1) * pageBytes, number * pageBytes);
  if (page.length < pageBytes) throw new Damaged();
  return page;
}

function* rowsOf(file: PagedFile, root: number): Generator<readonly SqliteValue[]> {
  // As a stack, the next on top: the depth is the file's to choose.
  const pages = [root];
  while (pages.length > 0) {
    const number = pages.pop()!;
    const page = openPage(file, number);
    const header = number === SCHEMA_PAGE ? FILE_HEADER_BYTES : 0;
    const type = page[header];
    const cells = page.readUInt16BE(header + 3);
    if (type === LEAF) {
      for (let at = 0; at < cells; at++) yield rowAt(file, page, page.readUInt16BE(header + 8 + at * 2));
    } else if (type === INTERIOR) {
      pages.push(page.readUInt32BE(header + 8));
      for (let at = cells - 1; at >= 0; at--)
        pages.push(page.readUInt32BE(page.readUInt16BE(header + 12 + at * 2)));
    } else throw new Damaged();
  }
}

/** A cell of a leaf of a table: what does not fit the page goes on in others. */
function rowAt(file: PagedFile, page: Buffer, at: number): readonly SqliteValue[] {
  const length = varint(page, at);
  const rowId = varint(page, length.end);
  const local = localBytes(length.value, file.usable);
  if (length.value > file.database.length || rowId.end + local > page.length) throw new Damaged();
  const parts = [page.subarray(rowId.end, rowId.end + local)];
  let left = length.value - local;
  for (let next = left > 0 ? page.readUInt32BE(rowId.end + local) : 0; left > 0; ) {
    const more = openPage(file, next);
    const take = Math.min(left, file.usable - 4);
    parts.push(more.subarray(4, 4 + take));
    left -= take;
    next = more.readUInt32BE(0);
  }
  return columnsOf(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
}

/** Bytes of a payload that its leaf holds itself. */
function localBytes(payload: number, usable: number): number {
  const most = usable - 35;
  if (payload <= most) return payload;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((payload - least) % (usable - 4));
  return fitting <= most ? fitting : least;
}

/** Bytes of whole numbers by their serial type. */
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];

function columnsOf(record: Buffer): readonly SqliteValue[] {
  const columns: SqliteValue[] = [];
  const header = varint(record, 0);
  let at = header.value;
  for (let type = header.end; type < header.value && columns.length < MAX_COLUMNS; ) {
    const { value: serial, end } = varint(record, type);
    type = end;
    if (serial >= 12) {
      const size = Math.floor((serial - 12) / 2);
      if (at + size > record.length) throw new Damaged();
      columns.push(record.subarray(at, at + size));
      at += size;
    } else if (serial >= 1 && serial <= 6) {
      const bytes = INTEGER_BYTES[serial]!;
      columns.push(bytes === 8 ? Number(record.readBigInt64BE(at)) : record.readIntBE(at, bytes));
      at += bytes;
    } else {
      columns.push(serial === 8 ? 0 : serial === 9 ? 1 : undefined);
      if (serial === 7) at += 8;
    }
  }
  return columns;
}

/** A number of 7 bits a byte, most significant first; eight bits in the ninth. */
function varint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new Damaged();
    if (i === 8) return { value: value * 256 + byte, end: at + 9 };
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw new Damaged();
}
