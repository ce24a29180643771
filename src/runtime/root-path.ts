import { chownSync, closeSync, lstatSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { decodeName, fsPath } from '../base/names.ts';
import { runtimeError } from './errors.ts';

/** The kernel's own limit is 40; images with longer chains do not run anyway. */
const MAX_LINKS = 40;

/** A place inside a root. */
export interface RootPath {
  /** Absolute path on the host in which no component is a symbolic link. */
  readonly host: string;
  /** Relative to the root, without leading slash; '' is the root. */
  readonly relative: string;
}

/**
 * Where a container's path leads: every symbolic link, the last one too, is followed inside the root and `..` stops at the root.
 * Missing components stay as they are. Only for a root in which no process runs yet, since it walks by name.
 * @throws RUNTIME_LINK_LOOP
 */
export function resolveInRoot(root: string, path: string): RootPath {
  const done: string[] = [];
  const todo = path.split('/').reverse();
  let links = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const target = linkTarget(join(root, ...done, name));
    if (target === undefined) {
      done.push(name);
      continue;
    }
    if (++links > MAX_LINKS) throw runtimeError('RUNTIME_LINK_LOOP', { path });
    if (target.startsWith('/')) done.length = 0;
    todo.push(...target.split('/').reverse());
  }
  const relative = done.join('/');
  return { host: join(root, relative), relative };
}

function linkTarget(path: string): string | undefined {
  try {
    return decodeName(readlinkSync(fsPath(path), { encoding: 'buffer' }));
  } catch {
    return undefined;
  }
}

/** What is at a resolved place. */
export function kindInRoot(place: RootPath): 'missing' | 'directory' | 'file' | 'other' {
  try {
    const stat = lstatSync(fsPath(place.host));
    if (stat.isDirectory()) return 'directory';
    return stat.isFile() ? 'file' : 'other';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'missing';
    if (systemCode(error) === 'ENOTDIR') return 'other';
    throw error;
  }
}

/** Relative paths of what is missing of a place, itself and its parents, parents first. */
export function missingIn(root: string, place: RootPath): string[] {
  const names = place.relative.split('/');
  return names
    .map((_, depth) => names.slice(0, depth + 1).join('/'))
    .filter((relative) => kindInRoot({ host: join(root, relative), relative }) === 'missing');
}

/** Makes a missing directory with its parents, 0755 and root's; the relative paths made, parents first. */
export function makeDirectories(root: string, place: RootPath): string[] {
  const made: string[] = [];
  const names = place.relative === '' ? [] : place.relative.split('/');
  for (let depth = 1; depth <= names.length; depth++) {
    const relative = names.slice(0, depth).join('/');
    const host = join(root, relative);
    if (kindInRoot({ host, relative }) !== 'missing') continue;
    mkdirSync(fsPath(host), { mode: 0o755 });
    chownSync(fsPath(host), 0, 0);
    made.push(relative);
  }
  return made;
}

/** Makes a missing empty file, 0644 and root's, with its parents; the relative paths made, parents first. */
export function makeEmptyFile(root: string, place: RootPath): string[] {
  const slash = place.relative.lastIndexOf('/');
  const parent = slash < 0 ? '' : place.relative.slice(0, slash);
  const made = makeDirectories(root, { host: join(root, parent), relative: parent });
  closeSync(openSync(fsPath(place.host), 'wx', 0o644));
  return [...made, place.relative];
}
