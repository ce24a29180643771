import type { ListedPackage } from './parse-databases.ts';
import { readSqliteTable } from './sqlite-table.ts';

/** Tags of rpm's headers (rpmtag.h of rpm 4.18). */
const NAME = 1000;
const VERSION = 1001;
const RELEASE = 1002;
const EPOCH = 1003;
const ARCH = 1022;
const DIRINDEXES = 1116;
const BASENAMES = 1117;
const DIRNAMES = 1118;

const INT32 = 4;
/** A tag's row: tag, type, where, how many. */
const ROW_BYTES = 16;
/** Packages of one database, and files of one package; more are left out. */
const MAX_PACKAGES = 100_000;
const MAX_FILES = 1_000_000;

/** Packages of rpm's database in SQLite (Fedora since 33, RHEL since 9) with their files; keys that packages are signed with are no packages. Undefined if it cannot be read. */
export function parseRpmSqlite(database: Buffer): ListedPackage[] | undefined {
  const rows = readSqliteTable(database, 'Packages');
  if (rows === undefined) return undefined;
  const found: ListedPackage[] = [];
  for (const [, header] of rows.slice(0, MAX_PACKAGES)) {
    if (!Buffer.isBuffer(header)) continue;
    const one = packageOf(header);
    if (one !== undefined && one.name !== 'gpg-pubkey') found.push(one);
  }
  return found;
}

function packageOf(header: Buffer): ListedPackage | undefined {
  const tags = readTags(header);
  const text = (tag: number): string | undefined => tags?.texts(tag, 1)[0];
  const name = text(NAME);
  if (tags === undefined || name === undefined || name === '') return undefined;
  const [epoch] = tags.numbers(EPOCH, 1);
  const version = `${epoch === undefined ? '' : `${epoch}:`}${text(VERSION) ?? ''}-${text(RELEASE) ?? ''}`;
  const folders = tags.texts(DIRNAMES, MAX_FILES);
  const folderOf = tags.numbers(DIRINDEXES, MAX_FILES);
  const files = tags.texts(BASENAMES, MAX_FILES).flatMap((base, i) => {
    const folder = folders[folderOf[i] ?? -1];
    return folder === undefined ? [] : [`${folder}${base}`.replace(/^\/+/, '')];
  });
  return { name, version, architecture: text(ARCH), files };
}

interface Tags {
  /** Strings of a tag, at most so many. */
  texts(tag: number, most: number): string[];
  numbers(tag: number, most: number): number[];
}

/** A header as the database has it: counts of rows and bytes, the rows, the bytes; all numbers big-endian. */
function readTags(header: Buffer): Tags | undefined {
  if (header.length < 8) return undefined;
  const rows = header.readUInt32BE(0);
  const bytes = header.readUInt32BE(4);
  const start = 8 + rows * ROW_BYTES;
  if (start + bytes > header.length) return undefined;
  const data = header.subarray(start, start + bytes);
  const find = (wanted: number) => {
    for (let row = 0; row < rows; row++) {
      const at = 8 + row * ROW_BYTES;
      if (header.readUInt32BE(at) !== wanted) continue;
      const [type, offset, count] = [4, 8, 12].map((field) => header.readUInt32BE(at + field));
      return { type: type!, offset: offset!, count: count! };
    }
    return undefined;
  };
  return {
    texts(tag, most) {
      const { offset = 0, count = 0 } = find(tag) ?? {};
      const found: string[] = [];
      for (let at = offset; found.length < Math.min(count, most) && at < data.length; ) {
        const end = data.indexOf(0, at);
        if (end < 0) break;
        found.push(data.toString('utf8', at, end));
        at = end + 1;
      }
      return found;
    },
    numbers(tag, most) {
      const { type, offset = 0, count = 0 } = find(tag) ?? {};
      const found: number[] = [];
      if (type !== INT32) return found;
      for (let at = offset; found.length < Math.min(count, most) && at + 4 <= data.length; at += 4)
        found.push(data.readUInt32BE(at));
      return found;
    },
  };
}
