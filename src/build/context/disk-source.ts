import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { decodeName, fsPath } from '../../base/names.ts';
import { buildError } from '../errors.ts';
import type { FileSource, SourceNode } from './file-source.ts';

/** What keeps files out of a context. */
export interface IgnoreRules {
  /** True if the path is kept out, by itself or through a parent. */
  excludes(path: string): boolean;
  /** False if nothing below this excluded directory can be let in again: then it is not even listed. */
  mayReinclude(folder: string): boolean;
}

/**
 * What tells whether a file's content is what it was. Nanoseconds since the epoch as numbers: exact to 256 ns,
 * where a kernel's clock for files ticks in milliseconds; big integers would cost more than the look at the file.
 */
export interface Stamp {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeNs: number;
  readonly ctimeNs: number;
}

export interface DiskNode extends SourceNode, Stamp {}

export interface DiskSource extends FileSource {
  get(path: string): DiskNode | undefined;
  children(path: string): Iterable<readonly [name: string, node: DiskNode]>;
  /** Files and folders that the rules kept out so far; a folder that was not entered counts once. */
  readonly ignored: number;
}

export interface DiskOptions {
  readonly rules?: IgnoreRules | undefined;
  /** The content's digest of a file with this stamp, if it is known. */
  readonly knownDigest?: ((stamp: Stamp) => string | undefined) | undefined;
  /** More files and folders than this are not looked at: TOO_MANY_FILES is thrown. */
  readonly limit?: number | undefined;
}

/** Thrown, as it is, when the limit is passed. */
export const TOO_MANY_FILES = new RangeError('more files than the limit');

const KINDS: Readonly<Record<number, SourceNode['kind']>> = {
  32768: 'file',
  16384: 'directory',
  40960: 'symlink',
  4096: 'fifo',
  49152: 'socket',
  8192: 'character',
  24576: 'block',
};

/**
 * The files of a folder as COPY sees them: owner 0:0, what the rules exclude is not there and is not looked at. Extended attributes are not read
 * here (Node has no call for it): `addCapabilities` adds the one kind that counts.
 * Everything is read when asked for. @throws BUILD_CONTEXT_UNREADABLE
 */
export function createDiskSource(folder: string, o: DiskOptions = {}): DiskSource {
  const { rules, knownDigest, limit = Number.POSITIVE_INFINITY } = o;
  let ignored = 0;
  let seen = 0;
  /** Reused: a question to `knownDigest`, not kept by it. */
  const stamp = { dev: 0, ino: 0, size: 0, mtimeNs: 0, ctimeNs: 0 };
  const diskPath = (path: string): string | Buffer => fsPath(path === '' ? folder : `${folder}/${path}`);

  /** Undefined: kept out; true: a directory that is there only if something below is. */
  const admits = (path: string, isDirectory: () => boolean): boolean | undefined => {
    if (rules === undefined || path === '' || !rules.excludes(path)) return false;
    return isDirectory() && rules.mayReinclude(path) ? true : undefined;
  };
  // Written out field by field: a spread costs as much as the look at the file.
  const nodeOf = (path: string, stat: BigIntStats, provisional: boolean): DiskNode => {
    const mode = Number(stat.mode);
    const kind = KINDS[mode & 0xf000] ?? 'file';
    // The folder itself is where the files happen to be: its mode and time are nobody's intention.
    const isRoot = path === '';
    const isFile = kind === 'file';
    const mtimeNs = Number(stat.mtimeNs);
    stamp.dev = Number(stat.dev);
    stamp.ino = Number(stat.ino);
    stamp.size = isFile ? Number(stat.size) : 0;
    stamp.mtimeNs = mtimeNs;
    stamp.ctimeNs = Number(stat.ctimeNs);
    return {
      kind,
      mode: isRoot ? 0o755 : kind === 'symlink' ? 0o777 : mode & 0o7777,
      uid: 0,
      gid: 0,
      mtime: isRoot ? undefined : wholeSeconds(stat.mtimeNs, mtimeNs),
      linkTo:
        kind === 'symlink' ? decodeName(readlinkSync(diskPath(path), { encoding: 'buffer' })) : undefined,
      identity: kind !== 'directory' && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined,
      provisional: provisional || undefined,
      digest: isFile ? knownDigest?.(stamp) : undefined,
      dev: stamp.dev,
      ino: stamp.ino,
      size: stamp.size,
      mtimeNs,
      ctimeNs: stamp.ctimeNs,
    };
  };
  const lstat = (path: string): BigIntStats | undefined => {
    if (++seen > limit) throw TOO_MANY_FILES;
    return lstatSync(diskPath(path), { bigint: true, throwIfNoEntry: false });
  };

  return {
    get: (path) =>
      readable(path, () => {
        const stat = lstat(path);
        if (stat === undefined) return undefined;
        const provisional = admits(path, () => stat.isDirectory());
        return provisional === undefined ? undefined : nodeOf(path, stat, provisional);
      }),
    *children(path) {
      for (const [name, isDirectory] of readable(path, () => listFolder(diskPath(path))) ?? []) {
        const child = path === '' ? name : `${path}/${name}`;
        const provisional = admits(child, () => isDirectory);
        if (provisional === undefined) {
          ignored++;
          continue;
        }
        const node = readable(child, () => {
          const stat = lstat(child);
          return stat === undefined ? undefined : nodeOf(child, stat, provisional);
        });
        if (node !== undefined) yield [name, node];
      }
    },
    get ignored() {
      return ignored;
    },
  };
}

/** Rounded down, exactly: the number alone may have been rounded up to the next second. */
function wholeSeconds(exact: bigint, ns: number): number {
  return ns >= 0 && ns % 1e9 >= 512 ? Math.floor(ns / 1e9) : Number((exact - floorRest(exact)) / SECOND_NS);
}

const SECOND_NS = 1_000_000_000n;

function floorRest(ns: bigint): bigint {
  return ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
}

/** Names in UTF-16 order, so that no layer depends on the order of a directory. */
function listFolder(folder: string | Buffer): readonly (readonly [name: string, isDirectory: boolean])[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const listed = entries.some(({ name }) => name.includes('\ufffd'))
    ? readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).map(
        (entry) => [decodeName(entry.name), entry.isDirectory()] as const,
      )
    : entries.map((entry) => [entry.name, entry.isDirectory()] as const);
  return listed.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The value; undefined when the file is not there or what leads to it is no directory. */
function readable<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error === TOO_MANY_FILES) throw error;
    const code = systemCode(error) ?? '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === '' || code.startsWith('BUILD_')) throw error;
    throw buildError('BUILD_CONTEXT_UNREADABLE', { path: path === '' ? '.' : path, code }, { cause: error });
  }
}
