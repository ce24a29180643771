import { encodeName, hasRawBytes } from '../base/names.ts';
import { tarError } from './errors.ts';
import type { Fit } from './fit.ts';
import type { TarHeader, TarTime } from './header.ts';
import { MAX_NAME_BYTES, MAX_PAX_BYTES, MAX_XATTR_BYTES, MAX_XATTRS } from './limits.ts';

/** The pax records of an entry, sorted by key. Names that are not UTF-8 go in as bytes, with `hdrcharset=BINARY` (POSIX.1-2017). @throws TAR_CANNOT_ENCODE */
export function formatPax(header: TarHeader, name: string, fit: Fit): Buffer {
  const records: (readonly [key: Buffer, value: Uint8Array])[] = [];
  const add = (key: string, value: string | Uint8Array): void => {
    records.push([encodeName(key), typeof value === 'string' ? encodeName(value) : value]);
  };
  if (fit.path) add('path', name);
  if (fit.linkpath) add('linkpath', header.linkName);
  if (fit.uname) add('uname', header.uname);
  if (fit.gname) add('gname', header.gname);
  if (fit.uid) add('uid', String(header.uid));
  if (fit.gid) add('gid', String(header.gid));
  if (fit.size) add('size', String(header.size));
  if (fit.mtime) add('mtime', formatTime(header.mtime));
  if (fit.device) {
    add('SCHILY.devmajor', String(header.device?.major ?? 0));
    add('SCHILY.devminor', String(header.device?.minor ?? 0));
  }
  if ([name, header.linkName, header.uname, header.gname].some(hasRawBytes)) add('hdrcharset', 'BINARY');
  addXattrs(header, add);
  records.sort(([a], [b]) => Buffer.compare(a, b));
  const bytes = Buffer.concat(records.flatMap(([key, value]) => formatRecord(key, value)));
  if (bytes.length > MAX_PAX_BYTES) {
    throw cannot(header, `its extended header is ${bytes.length} bytes, want at most ${MAX_PAX_BYTES}`);
  }
  for (const text of [name, header.linkName, header.uname, header.gname]) {
    if (text.length > MAX_NAME_BYTES / 3 && encodeName(text).length > MAX_NAME_BYTES) {
      throw cannot(header, `its name is longer than ${MAX_NAME_BYTES} bytes`);
    }
  }
  return bytes;
}

function addXattrs(header: TarHeader, add: (key: string, value: Uint8Array) => void): void {
  if (header.xattrs === undefined) return;
  let total = 0;
  for (const [name, value] of header.xattrs) {
    if (name === '' || name.includes('\0')) throw cannot(header, 'an extended attribute has no usable name');
    total += name.length + value.length;
    add(`SCHILY.xattr.${quoteXattrName(name)}`, value);
  }
  if (header.xattrs.size > MAX_XATTRS || total > MAX_XATTR_BYTES) {
    throw cannot(header, `it has ${header.xattrs.size} extended attributes of ${total} bytes`);
  }
}

/** As GNU tar reads it: '=' would end the key. A '%' is escaped only where it would read as an escape, so that other readers see it. */
function quoteXattrName(name: string): string {
  return name.replace(/%(?=25|3D)|=/g, (char) => (char === '=' ? '%3D' : '%25'));
}

/** `[-]seconds[.fraction]` without trailing zeros. */
function formatTime({ seconds, nanos }: TarTime): string {
  if (nanos === 0) return String(seconds);
  const negative = seconds < 0;
  const whole = negative ? -seconds - 1 : seconds;
  const fraction = String(negative ? 1_000_000_000 - nanos : nanos).padStart(9, '0');
  return `${negative ? '-' : ''}${whole}.${fraction.replace(/0+$/, '')}`;
}

/** "length key=value\n", where the length counts its own digits. */
function formatRecord(key: Buffer, value: Uint8Array): Uint8Array[] {
  const rest = 1 + key.length + 1 + value.length + 1;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return [Buffer.from(`${length} `), key, EQUALS, value, NEWLINE];
}

const EQUALS = Buffer.from('=');
const NEWLINE = Buffer.from('\n');

function cannot(header: TarHeader, problem: string) {
  return tarError('TAR_CANNOT_ENCODE', { entry: header.name, problem });
}
