import { tarError } from './errors.ts';
import type { TarHeader } from './header.ts';
import { MAX_DEVICE, MAX_ID } from './limits.ts';

/** What seven and eleven octal digits hold. */
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

/** Which fields do not fit a ustar block and go to pax records. */
export interface Fit {
  /** Any of the others, or xattrs. */
  readonly pax: boolean;
  readonly path: boolean;
  readonly linkpath: boolean;
  readonly uname: boolean;
  readonly gname: boolean;
  readonly uid: boolean;
  readonly gid: boolean;
  readonly size: boolean;
  readonly mtime: boolean;
  readonly device: boolean;
  /** Index of the slash between prefix and name fields, -1 when the name field holds all. */
  readonly split: number;
}

/** How a header fits; `name` is the name as written. */
export function fitHeader(header: TarHeader, name: string): Fit {
  const ascii = isAscii(name);
  const split = ascii && name.length > 100 ? splitName(name) : -1;
  const path = !ascii || (name.length > 100 && split < 0);
  const linkpath = header.linkName.length > 100 || !isAscii(header.linkName);
  const uname = header.uname.length > 31 || !isAscii(header.uname);
  const gname = header.gname.length > 31 || !isAscii(header.gname);
  const uid = header.uid > MAX_OCTAL_7;
  const gid = header.gid > MAX_OCTAL_7;
  const size = header.size > MAX_OCTAL_11;
  const { seconds, nanos } = header.mtime;
  const mtime = seconds < 0 || seconds > MAX_OCTAL_11 || nanos !== 0;
  const device =
    header.device !== undefined && (header.device.major > MAX_OCTAL_7 || header.device.minor > MAX_OCTAL_7);
  const xattrs = header.xattrs !== undefined && header.xattrs.size > 0;
  const pax = path || linkpath || uname || gname || uid || gid || size || mtime || device || xattrs;
  return { pax, path, linkpath, uname, gname, uid, gid, size, mtime, device, split };
}

/** Fails for what no tar entry can say. @throws TAR_CANNOT_ENCODE */
export function checkHeader(header: TarHeader): void {
  const problem = findProblem(header);
  if (problem !== undefined) throw tarError('TAR_CANNOT_ENCODE', { entry: header.name, problem });
}

function findProblem(header: TarHeader): string | undefined {
  const { name, kind, linkName, device, mtime } = header;
  if (name === '') return 'its name is empty';
  if (name.includes('\0') || linkName.includes('\0')) return 'its name or link target holds a NUL byte';
  if (header.uname.includes('\0') || header.gname.includes('\0')) return 'its owner names hold a NUL byte';
  if (kind !== 'directory' && name.endsWith('/')) return `its name ends in a slash and it is a ${kind}`;
  const isLink = kind === 'symlink' || kind === 'hardlink';
  if (isLink !== (linkName !== '')) return isLink ? 'it has no link target' : `a ${kind} has no link target`;
  if (!isCount(header.size, Number.MAX_SAFE_INTEGER)) return `its size is ${header.size}`;
  if (kind !== 'file' && header.size !== 0) return `a ${kind} has no content, and its size is ${header.size}`;
  if (!isCount(header.mode, 0o7777)) return `its mode is ${header.mode}`;
  if (!isCount(header.uid, MAX_ID)) return `its uid is ${header.uid}`;
  if (!isCount(header.gid, MAX_ID)) return `its gid is ${header.gid}`;
  if (!Number.isSafeInteger(mtime.seconds)) return `its time is ${mtime.seconds} s`;
  if (!isCount(mtime.nanos, 999_999_999)) return `its time has ${mtime.nanos} ns`;
  if (kind === 'character' || kind === 'block') {
    if (device === undefined) return `a ${kind} device has a device number`;
    if (!isCount(device.major, MAX_DEVICE) || !isCount(device.minor, MAX_DEVICE)) {
      return `its device number is ${device.major}:${device.minor}`;
    }
  }
  return undefined;
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** Index of the last slash that leaves at most 155 bytes before it and 1 to 100 after it, or -1. */
function splitName(name: string): number {
  const last = name.endsWith('/') ? name.length - 2 : name.length - 1;
  const split = name.lastIndexOf('/', Math.min(155, last));
  return split > 0 && name.length - split - 1 <= 100 ? split : -1;
}
