import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ByteStream } from '../base/bytes.ts';
import { isDobosError, systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { baseName, cleanPath, joinPath } from '../layer/entry-paths.ts';
import type { EntryTime, Inode } from '../layer/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { exploreError } from './errors.ts';
import type { OpenExploration } from './explore-image.ts';
import { listPaths } from './list-paths.ts';
import { readFiles } from './read-files.ts';

export interface Extracted {
  /** Where it is now. */
  readonly target: string;
  readonly paths: number;
  readonly bytes: number;
  /** Devices and pipes, which are left out. */
  readonly skipped: readonly string[];
}

/** Skipped paths that are listed. */
const MAX_SKIPPED = 100;

/**
 * Writes a file or directory of an image to disk, with modes (but no setuid and setgid), times, links and hard links; owners are the caller's, devices and
 * pipes are left out. A `dest` that is a directory gets it under its name, any other must not be there: it appears whole, or not at all. Nothing is ever
 * written outside: all is made in a folder of its own, where symbolic links come last.
 * @throws EXPLORE_THERE, EXPLORE_WRITE, and as `readFiles`
 */
export async function extractPath(
  exploration: OpenExploration,
  store: LocalStore,
  from: { readonly layer: number; readonly path: string; readonly inode: Inode; readonly name: string },
  dest: string,
  o: CallOptions = {},
): Promise<Extracted> {
  const target = targetOf(dest, from.name);
  let temp: string | undefined;
  try {
    temp = mkdtempSync(join(dirname(target), '.dobos-extract-'));
    const top = join(temp, 'x');
    const done = await writeTree(exploration, store, from, top, o);
    // Between the look above and now somebody may have made it; rename would replace an empty directory or a file.
    if (isThere(target)) throw exploreError('EXPLORE_THERE', { path: target });
    renameSync(fsPath(top), fsPath(target));
    // A directory that may not be written to cannot be moved, so it is closed here.
    if (from.inode.kind === 'directory') finish(target, from.inode);
    return { target, ...done };
  } catch (error) {
    if (isDobosError(error) || systemCode(error) === undefined) throw error;
    const why = WORDS[systemCode(error)!] ?? String((error as Error).message);
    throw exploreError('EXPLORE_WRITE', { path: target, why }, { cause: error });
  } finally {
    if (temp !== undefined) removeMade(temp);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'a name is longer than this file system takes',
  ENOTDIR: 'a part of the path is no folder',
};

/** Removes what was made here. Node's own removal needs a call for each level, and how deep it goes is the image's choice. */
function removeMade(top: string): void {
  const folders = [top];
  for (const folder of folders) {
    chmodSync(fsPath(folder), 0o700);
    for (const bytes of readdirSync(fsPath(folder), { encoding: 'buffer' })) {
      const path = `${folder}/${decodeName(bytes)}`;
      if (lstatSync(fsPath(path)).isDirectory()) folders.push(path);
      else unlinkSync(fsPath(path));
    }
  }
  for (const folder of folders.reverse()) rmdirSync(fsPath(folder));
}

const isThere = (path: string): boolean => lstatSync(fsPath(path), { throwIfNoEntry: false }) !== undefined;

/** @throws EXPLORE_THERE */
function targetOf(dest: string, name: string): string {
  const isFolder = statSync(dest, { throwIfNoEntry: false })?.isDirectory() === true;
  if (dest.endsWith('/') && !isFolder)
    throw exploreError('EXPLORE_WRITE', { path: dest, why: 'there is no such folder' });
  const target = isFolder ? join(resolve(dest), name === '' ? 'rootfs' : name) : resolve(dest);
  if (basename(target) === '' || isThere(target)) throw exploreError('EXPLORE_THERE', { path: target });
  return target;
}

interface Wanted {
  readonly to: string;
  readonly inode: Inode;
  /** The entry that has the content. */
  readonly layer: number;
  readonly order: number;
}

async function writeTree(
  exploration: OpenExploration,
  store: LocalStore,
  from: { readonly layer: number; readonly path: string; readonly inode: Inode },
  top: string,
  o: CallOptions,
): Promise<Omit<Extracted, 'target'>> {
  const folders: Wanted[] = [];
  const files = new Map<string, Wanted>();
  const twins: { readonly to: string; readonly first: string }[] = [];
  const links: Wanted[] = [];
  const skipped: string[] = [];
  let paths = 0;
  const add = (path: string, to: string, inode: Inode): void => {
    const { kind, layer, order } = inode;
    const wanted = { to, inode, layer, order };
    paths++;
    if (kind === 'directory') {
      mkdirSync(fsPath(to), { mode: 0o700 });
      folders.push(wanted);
    } else if (kind === 'symlink') links.push(wanted);
    else if (kind === 'file') {
      const first = files.get(`${layer}:${order}`);
      if (first === undefined) files.set(`${layer}:${order}`, wanted);
      else twins.push({ to, first: first.to });
    } else if (skipped.push(path) > MAX_SKIPPED) skipped.pop();
  };
  add(from.path, top, from.inode);
  if (from.inode.kind === 'directory') {
    const prefix = from.path === '' ? 0 : from.path.length + 1;
    for (const { path, inode } of listPaths(exploration, from.layer, from.path, { recursive: true })) {
      o.signal?.throwIfAborted();
      add(path, joinPath(top, path.slice(prefix)), inode);
    }
  }
  let bytes = 0;
  await readFiles(
    exploration,
    store,
    files.values(),
    async ({ to, inode }, content) => {
      await writeFile(to, content);
      bytes += inode.size;
      finish(to, inode);
    },
    o,
  );
  for (const { to, first } of twins) linkSync(fsPath(first), fsPath(to));
  for (const { to, inode } of links) {
    symlinkSync(fsPath(inode.linkTo ?? ''), fsPath(to));
    lutimesSync(fsPath(to), ...times(inode.mtime));
  }
  // Children first: a directory that its owner may not write to is closed when nothing is to come into it.
  for (const { to, inode } of folders.reverse()) if (to !== top) finish(to, inode);
  return { paths, bytes, skipped };
}

async function writeFile(to: string, content: ByteStream): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(fsPath(to), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of content) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  } finally {
    closeSync(fd);
  }
}

function finish(to: string, { mode, mtime }: Inode): void {
  utimesSync(fsPath(to), ...times(mtime));
  chmodSync(fsPath(to), mode & 0o1777);
}

function times({ seconds, nanos }: EntryTime): [number, number] {
  const time = seconds + nanos / 1e9;
  return [time, time];
}

/** The name that a path is extracted under into a directory: the one that was asked for, links or not. */
export const extractName = (written: string, path: string): string =>
  baseName(cleanPath(written)) || baseName(path);
