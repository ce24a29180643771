import { closeSync, constants, openSync, readdirSync, readSync, statfsSync } from 'node:fs';
import { decodeName } from '../base/names.ts';
import { closeFd, readlinkAt } from '../linux/at.ts';
import { getXattrFd } from '../linux/xattr.ts';
import { encodeHeader, endOfArchive, padding } from '../tar/encoder.ts';
import type { TarHeader } from '../tar/header.ts';
import type { FileFacts } from './file-facts.ts';
import { factsOf, type Inside, type InsidePlace, openInside } from './inside-path.ts';

const READ_BYTES = 256 * 1024;
/** statfs(2): /proc and /sys of a running container show the machine, not the container's files. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x9fa0, 0x62656572]);
const CAPABILITY = 'security.capability';

export interface PackOptions {
  /** What the top is called in the archive; `.`: what is in it stands at the top. */
  readonly top: string;
  /** Ids that are written as root's: this user's own, which is root in its containers. */
  readonly asRoot?: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * A tar of a place with all below it, in parts, while others may be changing it: directories and files are held by descriptor and links are not followed.
 * A file that grows is cut, one that shrinks is filled up with zeros, what goes away is left out, and so are sockets.
 */
export function* packInside(inside: Inside, place: InsidePlace, o: PackOptions): Generator<Buffer> {
  if (place.fd === undefined || place.facts === undefined) return;
  const packing = { inside, first: new Map<string, string>(), asRoot: o.asRoot };
  yield* packOne(packing, place.fd, o.top, place.path);
  yield endOfArchive();
}

interface Packing {
  readonly inside: Inside;
  /** Of files with several names the first one packed. */
  readonly first: Map<string, string>;
  readonly asRoot: PackOptions['asRoot'];
}

function* packOne(packing: Packing, fd: number, name: string, path: string): Generator<Buffer> {
  const { inside, first, asRoot } = packing;
  const found = factsOf(fd);
  const facts = {
    ...found,
    ...(found.uid === asRoot?.uid && { uid: 0 }),
    ...(found.gid === asRoot?.gid && { gid: 0 }),
  };
  if (facts.kind === 'socket') return;
  const known = facts.inode === undefined || facts.kind === 'directory' ? undefined : first.get(facts.inode);
  if (known !== undefined) {
    yield encodeHeader({ ...headerOf(name, facts), kind: 'hardlink', size: 0, linkName: known });
    return;
  }
  if (facts.inode !== undefined && facts.kind !== 'directory') first.set(facts.inode, name);
  if (facts.kind === 'symlink') {
    yield encodeHeader({ ...headerOf(name, facts), linkName: decodeName(readlinkAt(fd, '')) });
  } else if (facts.kind === 'file') yield* packFile(fd, facts, name);
  else {
    yield encodeHeader(headerOf(name, facts));
    if (facts.kind !== 'directory' || isKernels(fd)) return;
    for (const child of readdirSync(`/proc/self/fd/${fd}/`, 'buffer').map(decodeName).sort()) {
      const below = path === '' ? child : `${path}/${child}`;
      const opened = openInside(inside, fd, child, below);
      if (opened === undefined) continue;
      try {
        yield* packOne(packing, opened, `${name}/${child}`, below);
      } finally {
        closeFd(opened);
      }
    }
  }
}

function* packFile(fd: number, facts: FileFacts, name: string): Generator<Buffer> {
  // The very file that was looked at: a pipe or device put in its place is not opened.
  const file = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const value = getXattrFd(file, CAPABILITY, name);
    const xattrs = value === undefined ? undefined : new Map([[CAPABILITY, value]]);
    yield encodeHeader({ ...headerOf(name, facts), size: facts.size, xattrs });
    let left = facts.size;
    while (left > 0) {
      const part = Buffer.allocUnsafe(Math.min(READ_BYTES, left));
      const got = readSync(file, part, 0, part.length, null);
      if (got === 0) break;
      left -= got;
      yield part.subarray(0, got);
    }
    for (let zeros = left + padding(facts.size); zeros > 0; zeros -= READ_BYTES) {
      yield Buffer.alloc(Math.min(READ_BYTES, zeros));
    }
  } finally {
    closeSync(file);
  }
}

const headerOf = (name: string, facts: FileFacts): TarHeader => ({
  name,
  kind: facts.kind === 'socket' ? 'file' : facts.kind,
  mode: facts.mode,
  uid: facts.uid,
  gid: facts.gid,
  size: 0,
  mtime: { seconds: facts.seconds, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
  device: facts.device,
});

const isKernels = (fd: number): boolean => KERNEL_FILE_SYSTEMS.has(statfsSync(`/proc/self/fd/${fd}/`).type);
