import { fstatSync } from 'node:fs';
import { decodeName } from '../base/names.ts';
import { closeFd, isErrno, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt, readlinkAt } from '../linux/at.ts';
import { deviceParts } from '../linux/nodes.ts';
import { rootfsError } from './errors.ts';
import type { FileFacts } from './file-facts.ts';

/** A directory tree that may be in use by others, with what is shown over places of it. */
export interface Inside {
  /** Of its topmost directory. */
  readonly root: number;
  /** Descriptors of files and directories by the place that they are shown at: relative, without links. */
  readonly shown?: ReadonlyMap<string, number> | undefined;
  /** Of those places, and '' for the tree itself: what is not to be changed. */
  readonly readOnly?: ReadonlySet<string> | undefined;
}

/** Whether what a place belongs to, the tree or what is shown over that part of it, may be changed. */
export function mayChange({ shown, readOnly }: Inside, path: string): boolean {
  let at = path;
  while (at !== '' && shown?.has(at) !== true) at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
  return readOnly?.has(at) !== true;
}

/** Where a path leads; `close` lets go of it. */
export interface InsidePlace {
  /** The directory that holds it, by descriptor (O_PATH). */
  readonly folder: number;
  /** Its name there, no link when links were followed; `.` for the topmost directory. */
  readonly name: string;
  /** Relative to the topmost directory, without links; '' is that directory. */
  readonly path: string;
  /** What is there, by descriptor (O_PATH); undefined if nothing is. */
  readonly fd: number | undefined;
  readonly facts: FileFacts | undefined;
  close(): void;
}

/** The kernel's own limit. */
const MAX_LINKS = 40;
const NANOS = 1_000_000_000n;

/**
 * Where a path leads in a tree that others may be changing: every directory on the way is held by its descriptor, a link's text is read and followed by
 * hand, `..` goes back to the descriptor that it came from. So nothing outside of the tree is ever reached, whatever is swapped meanwhile.
 * @throws ROOTFS_NO_PATH when a directory on the way is missing or none, ROOTFS_LINK_LOOP
 */
export function findInside(inside: Inside, path: string, o: { readonly follow: boolean }): InsidePlace {
  const held: { readonly name: string; readonly fd: number }[] = [];
  const todo = path.split('/').filter(isName).reverse();
  const pathOf = (name?: string): string =>
    [...held.map((each) => each.name), ...(name === undefined ? [] : [name])].join('/');
  const here = (): number => held.at(-1)?.fd ?? inside.root;
  let last: { readonly name: string; readonly fd: number | undefined } | undefined;
  let links = 0;
  const close = (): void => {
    for (const { fd } of held.splice(0)) closeFd(fd);
    if (last?.fd !== undefined) closeFd(last.fd);
    last = undefined;
  };
  try {
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === '..') {
        const left = held.pop();
        if (left !== undefined) closeFd(left.fd);
        continue;
      }
      const fd = openInside(inside, here(), name, pathOf(name));
      const kind = fd === undefined ? undefined : kindOf(fd);
      if (fd !== undefined && kind === 'symlink' && (todo.length > 0 || o.follow)) {
        let target: string;
        try {
          target = decodeName(readlinkAt(fd, ''));
        } catch (error) {
          // /proc of another pid namespace has links that lead to nobody.
          if (!isErrno(error, 'ENOENT')) throw error;
          throw rootfsError('ROOTFS_NO_PATH', { path, at: pathOf(name) });
        } finally {
          closeFd(fd);
        }
        if (++links > MAX_LINKS) throw rootfsError('ROOTFS_LINK_LOOP', { path });
        if (target.startsWith('/')) for (const each of held.splice(0)) closeFd(each.fd);
        todo.push(...target.split('/').filter(isName).reverse());
      } else if (fd !== undefined && kind === 'directory' && todo.length > 0) held.push({ name, fd });
      else {
        last = { name, fd };
        if (todo.length > 0) throw rootfsError('ROOTFS_NO_PATH', { path, at: pathOf(name) });
      }
    }
    if (last !== undefined) {
      const { name, fd } = last;
      const facts = fd === undefined ? undefined : factsOf(fd);
      return { folder: here(), name, path: pathOf(name), fd, facts, close };
    }
    last = { name: '.', fd: openAt(here(), '.', O_PATH | O_DIRECTORY) };
    return { folder: here(), name: '.', path: pathOf(), fd: last.fd, facts: factsOf(last.fd!), close };
  } catch (error) {
    close();
    throw error;
  }
}

const isName = (name: string): boolean => name !== '' && name !== '.';

/** What a name of an open directory means (O_PATH, a link itself), or what is shown there; undefined if there is nothing. */
export function openInside(inside: Inside, folder: number, name: string, path: string): number | undefined {
  const shown = inside.shown?.get(path);
  // Opened anew, so that everything here is closed the same way.
  if (shown !== undefined) return openAgain(shown);
  try {
    return openAt(folder, name, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A descriptor for the same file, by the kernel's link to it. */
const openAgain = (fd: number): number => openAt(-100, `/proc/self/fd/${fd}`, O_PATH);

const KINDS: ReadonlyMap<number, FileFacts['kind']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'character'],
  [0o060000, 'block'],
  [0o010000, 'fifo'],
]);

const kindOf = (fd: number): FileFacts['kind'] => KINDS.get(fstatSync(fd).mode & 0o170000) ?? 'socket';

/** What an open file is. */
export function factsOf(fd: number): FileFacts {
  const stats = fstatSync(fd, { bigint: true });
  const nanos = ((stats.mtimeNs % NANOS) + NANOS) % NANOS;
  const kind = KINDS.get(Number(stats.mode) & 0o170000) ?? 'socket';
  return {
    kind,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    seconds: Number((stats.mtimeNs - nanos) / NANOS),
    nanos: Number(nanos),
    device: kind === 'character' || kind === 'block' ? deviceParts(Number(stats.rdev)) : undefined,
    inode: stats.nlink > 1n ? `${stats.dev}:${stats.ino}` : undefined,
  };
}
