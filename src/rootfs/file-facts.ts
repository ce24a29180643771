import { closeSync, constants, lstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';
import type { FileKind, Xattrs } from '../layer/types.ts';
import { deviceParts } from '../linux/nodes.ts';
import { getXattr, listXattrs } from '../linux/xattr.ts';
import { isOverlayMark } from './overlay-marks.ts';

/** What a file on disk is, as far as a layer cares. */
export interface FileFacts {
  readonly kind: Exclude<FileKind, 'hardlink'> | 'socket';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds, rounded down, and the rest in nanoseconds. */
  readonly seconds: number;
  readonly nanos: number;
  readonly device: { readonly major: number; readonly minor: number } | undefined;
  /** Equal for names of one file; undefined if the file has only one name. */
  readonly inode: string | undefined;
}

const NANOS = 1_000_000_000n;

/** Undefined if there is nothing at the path. */
export function readFacts(path: string): FileFacts | undefined {
  const stats = statOrNothing(path);
  if (stats === undefined) return undefined;
  const nanos = ((stats.mtimeNs % NANOS) + NANOS) % NANOS;
  const type = Number(stats.mode) & 0o170000;
  const isDevice = type === 0o020000 || type === 0o060000;
  return {
    kind: KINDS.get(type) ?? 'socket',
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    seconds: Number((stats.mtimeNs - nanos) / NANOS),
    nanos: Number(nanos),
    device: isDevice ? deviceParts(Number(stats.rdev)) : undefined,
    inode: stats.nlink > 1n ? `${stats.dev}:${stats.ino}` : undefined,
  };
}

const KINDS: ReadonlyMap<number, FileFacts['kind']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'character'],
  [0o060000, 'block'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
]);

function statOrNothing(path: string) {
  try {
    return lstatSync(fsPath(path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** All attributes that are not overlayfs's own or this machine's (oci.md a.5 L12), sorted by name; undefined if there are none. */
export function readXattrs(path: string, names: readonly string[] = listXattrs(path)): Xattrs | undefined {
  const kept = names.filter((name) => !isOverlayMark(name) && !LOCAL_XATTRS.has(name)).sort();
  const found = new Map<string, Uint8Array>();
  for (const name of kept) {
    const value = getXattr(path, name);
    // pax cannot say "empty" (L12).
    if (value !== undefined && value.length > 0) found.set(name, value);
  }
  return found.size === 0 ? undefined : found;
}

const LOCAL_XATTRS: ReadonlySet<string> = new Set(['security.selinux', 'system.nfs4_acl']);

export function sameXattrs(a: Xattrs | undefined, b: Xattrs | undefined): boolean {
  if ((a?.size ?? 0) !== (b?.size ?? 0)) return false;
  for (const [name, value] of a ?? []) {
    const other = b?.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

/** True if the two have the same kind, mode and owner. */
export function sameOwnership(a: FileFacts, b: FileFacts): boolean {
  return a.kind === b.kind && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

/** True if the two files, whose ownership is the same, have the same times and content. Contents are read only when the times cannot tell (oci.md d.6). */
export function sameFile(a: FileFacts, pathA: string, b: FileFacts, pathB: string): boolean {
  if (a.size !== b.size || a.seconds !== b.seconds || a.nanos !== b.nanos) return false;
  if (a.device?.major !== b.device?.major || a.device?.minor !== b.device?.minor) return false;
  if (a.kind === 'symlink') return readLink(pathA) === readLink(pathB);
  return a.kind !== 'file' || a.size === 0 || a.nanos !== 0 || sameContent(pathA, pathB);
}

export function readLink(path: string): string {
  return decodeName(readlinkSync(fsPath(path), 'buffer'));
}

const COMPARE_BYTES = 256 * 1024;
const left = Buffer.allocUnsafeSlow(COMPARE_BYTES);
const right = Buffer.allocUnsafeSlow(COMPARE_BYTES);

/** What has taken the place of a file meanwhile is not waited for, and leads nowhere. */
const PLAIN = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function sameContent(pathA: string, pathB: string): boolean {
  const a = openSync(fsPath(pathA), PLAIN);
  try {
    const b = openSync(fsPath(pathB), PLAIN);
    try {
      for (;;) {
        const gotA = readSync(a, left, 0, COMPARE_BYTES, null);
        const gotB = readSync(b, right, 0, COMPARE_BYTES, null);
        if (gotA !== gotB || left.compare(right, 0, gotB, 0, gotA) !== 0) return false;
        if (gotA === 0) return true;
      }
    } finally {
      closeSync(b);
    }
  } finally {
    closeSync(a);
  }
}
