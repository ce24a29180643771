import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { systemCode } from '../../base/errors.ts';
import { decodeName, fsPath } from '../../base/names.ts';
import { type FileStat, statAt } from '../../linux/statx.ts';
import { buildError } from '../errors.ts';
import type { FileSource, SourceNode } from './file-source.ts';

/** What keeps files out of a context. */
export interface IgnoreRules {
  /** True if the path is kept out, by itself or through a parent. */
  excludes(path: string): boolean;
  /** False if nothing below this excluded directory can be let in again: then it is not even listed. */
  mayReinclude(folder: string): boolean;
  /** Of the names in a folder: all are kept out, none is, or as the function says of each. */
  excludedNames(folder: string): boolean | ((name: string) => boolean);
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
  const admits = (path: string, node: { isDirectory(): boolean }): boolean | undefined => {
    if (rules === undefined || path === '' || !rules.excludes(path)) return false;
    return node.isDirectory() && rules.mayReinclude(path) ? true : undefined;
  };
  // Written out field by field: a spread costs as much as the look at the file.
  const nodeOf = (path: string, stat: FileStat, provisional: boolean): DiskNode => {
    const { mode } = stat;
    const kind = KINDS[mode & 0xf000] ?? 'file';
    // The folder itself is where the files happen to be: its mode and time are nobody's intention.
    const isRoot = path === '';
    const isFile = kind === 'file';
    const { mtimeNs } = stat;
    stamp.dev = stat.dev;
    stamp.ino = stat.ino;
    stamp.size = isFile ? stat.size : 0;
    stamp.mtimeNs = mtimeNs;
    stamp.ctimeNs = stat.ctimeNs;
    return {
      kind,
      mode: isRoot ? 0o755 : kind === 'symlink' ? 0o777 : mode & 0o7777,
      uid: 0,
      gid: 0,
      mtime: isRoot ? undefined : stat.seconds,
      linkTo:
        kind === 'symlink' ? decodeName(readlinkSync(diskPath(path), { encoding: 'buffer' })) : undefined,
      identity: kind !== 'directory' && stat.links > 1 ? `${stat.dev}:${stat.ino}` : undefined,
      provisional: provisional || undefined,
      digest: isFile ? knownDigest?.(stamp) : undefined,
      dev: stamp.dev,
      ino: stamp.ino,
      size: stamp.size,
      mtimeNs,
      ctimeNs: stamp.ctimeNs,
    };
  };
  const count = (): void => {
    if (++seen > limit) throw TOO_MANY_FILES;
  };
  const lstat = (path: string): FileStat | undefined => {
    count();
    const stat = lstatSync(diskPath(path), { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : numbersOf(stat);
  };

  /** Undefined too where it cannot be had this way: `lstat` then gives the answer or the reason. */
  const quickStat = (fd: number, name: string): FileStat | undefined => {
    try {
      const stat = statAt(fd, name);
      if (stat !== undefined) count();
      return stat;
    } catch (error) {
      if (error === TOO_MANY_FILES) throw error;
      return undefined;
    }
  };

  /** Names to look at, with those that are there only if something below is; in UTF-16 order, so that no layer depends on the order of a directory. */
  const namesIn = (path: string): { readonly names: string[]; readonly provisional: Set<string> } => {
    const provisional = new Set<string>();
    const excluded = rules?.excludedNames(path) ?? false;
    const mayEnter = excluded !== false && (path === '' || rules!.mayReinclude(path));
    // Nothing in it is wanted, so nobody looks what there is.
    if (excluded === true && !mayEnter) {
      ignored++;
      return { names: [], provisional };
    }
    if (excluded === false) return { names: listNames(diskPath(path)).sort(), provisional };
    const isExcluded = excluded === true ? () => true : excluded;
    const isLetIn = (name: string, isFolder: () => boolean): boolean => {
      if (!isExcluded(name)) return true;
      const enter = mayEnter && isFolder() && rules!.mayReinclude(path === '' ? name : `${path}/${name}`);
      if (enter) provisional.add(name);
      else ignored++;
      return enter;
    };
    const names = mayEnter
      ? listFolder(diskPath(path))
          .filter((entry) => isLetIn(entry.name, () => entry.isDirectory()))
          .map(({ name }) => name)
      : listNames(diskPath(path)).filter((name) => isLetIn(name, () => false));
    return { names: names.sort(), provisional };
  };

  return {
    get: (path) =>
      readable(path, () => {
        const stat = lstat(path);
        if (stat === undefined) return undefined;
        const provisional = admits(path, { isDirectory: () => (stat.mode & 0xf000) === DIRECTORY });
        return provisional === undefined ? undefined : nodeOf(path, stat, provisional);
      }),
    *children(path) {
      const { names, provisional } = readable(path, () => namesIn(path)) ?? NOTHING;
      const fd = names.length < MANY_NAMES ? undefined : openFolder(diskPath(path));
      try {
        for (const name of names) {
          const child = path === '' ? name : `${path}/${name}`;
          const node = readable(child, () => {
            const stat = (fd === undefined ? undefined : quickStat(fd, name)) ?? lstat(child);
            return stat === undefined ? undefined : nodeOf(child, stat, provisional.has(name));
          });
          if (node !== undefined) yield [name, node];
        }
      } finally {
        if (fd !== undefined) closeSync(fd);
      }
    },
    get ignored() {
      return ignored;
    },
  };
}

const NOTHING = { names: [], provisional: new Set<string>() };

/** From so many names on a folder is opened and its files are asked for in it: loading what that needs costs as much as 300 looks. */
const MANY_NAMES = 64;

function openFolder(folder: string | Buffer): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    // Whoever looks at the files says what is wrong.
    return undefined;
  }
}

const DIRECTORY = 0x4000;

function numbersOf(stat: BigIntStats): FileStat {
  const mtimeNs = Number(stat.mtimeNs);
  return {
    mode: Number(stat.mode),
    links: Number(stat.nlink),
    dev: Number(stat.dev),
    ino: Number(stat.ino),
    size: Number(stat.size),
    seconds: wholeSeconds(stat.mtimeNs, mtimeNs),
    mtimeNs,
    ctimeNs: Number(stat.ctimeNs),
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

/** The names of a folder. */
function listNames(folder: string | Buffer): string[] {
  const names = readdirSync(folder);
  if (!names.some((name) => name.includes('\ufffd'))) return names;
  return readdirSync(folder, { encoding: 'buffer' }).map(decodeName);
}

/** What a folder lists, in the order of the disk. */
function listFolder(folder: string | Buffer): readonly { readonly name: string; isDirectory(): boolean }[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (!entries.some(({ name }) => name.includes('\ufffd'))) return entries;
  return readdirSync(folder, { withFileTypes: true, encoding: 'buffer' }).map((entry) => ({
    name: decodeName(entry.name),
    isDirectory: () => entry.isDirectory(),
  }));
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
