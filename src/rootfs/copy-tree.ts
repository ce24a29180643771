import { type BigIntStats, constants, copyFileSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { decodeName, fsPath } from '../base/names.ts';
import { AT_FDCWD, chmodAt, chownAt, linkAt, mknodAt, readlinkAt, symlinkAt, timesAt } from '../linux/at.ts';
import { deviceNumber, deviceParts, S_IFBLK, S_IFCHR, S_IFIFO } from '../linux/nodes.ts';
import { getXattr, listXattrs, setXattr } from '../linux/xattr.ts';
import { removeTree } from './remove-tree.ts';
import { codeOf } from './system-errors.ts';

const NANOS = 1_000_000_000n;

/**
 * Copies all below `from` into the existing directory `to`, which gets the attributes of `from`: owners, modes, times to the nanosecond, extended attributes,
 * hard links, devices. Contents share their blocks where the file system can. Sockets are left out. Only for trees that nobody
 * else changes meanwhile, unless they are `moving`: then what goes away is left out. Bytes of the files copied.
 */
export function copyTree(
  from: string,
  to: string,
  o: { readonly moving?: boolean | undefined } = {},
): number {
  /** False if what `work` looks at has gone, and may. */
  const present = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      if (o.moving === true && codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  };
  const copied = new Map<string, string>();
  const folders: (readonly [from: string, to: string, stats: BigIntStats])[] = [[from, to, statOf(from)]];
  let bytes = 0;
  // Grows while it is walked: a list instead of a recursion, so depth costs no call stack.
  for (const [source, target] of folders) {
    let names: string[] = [];
    present(() => {
      names = readdirSync(fsPath(source), 'buffer').map(decodeName);
    });
    for (const name of names) {
      const below = `${source}/${name}`;
      const copy = `${target}/${name}`;
      let stats: BigIntStats | undefined;
      if (!present(() => (stats = statOf(below))) || stats === undefined) continue;
      if (stats.isDirectory()) {
        mkdirSync(fsPath(copy), { mode: 0o700 });
        folders.push([below, copy, stats]);
        continue;
      }
      const inode = `${stats.dev}:${stats.ino}`;
      const first = stats.nlink > 1n ? copied.get(inode) : undefined;
      if (first !== undefined) {
        linkAt(AT_FDCWD, first, AT_FDCWD, copy);
        continue;
      }
      const found = stats;
      let copies = false;
      const whole = present(() => {
        copies = copyNode(below, copy, found);
        if (copies) copyAttributes(below, copy, found);
      });
      if (!whole) removeTree(copy);
      if (!whole || !copies) continue;
      bytes += stats.isFile() ? Number(stats.size) : 0;
      if (stats.nlink > 1n) copied.set(inode, copy);
    }
  }
  for (const [source, target, stats] of folders.reverse())
    present(() => copyAttributes(source, target, stats));
  return bytes;
}

/** Copies one file, or a directory with all below it, to a name that is free. False for a socket, of which there are no copies. */
export function copyPath(from: string, to: string): boolean {
  const stats = statOf(from);
  if (stats.isDirectory()) {
    mkdirSync(fsPath(to), { mode: 0o700 });
    copyTree(from, to);
    return true;
  }
  if (!copyNode(from, to, stats)) return false;
  copyAttributes(from, to, stats);
  return true;
}

function statOf(path: string): BigIntStats {
  return lstatSync(fsPath(path), { bigint: true });
}

/** False for sockets. */
function copyNode(from: string, to: string, stats: BigIntStats): boolean {
  if (stats.isFile()) {
    copyFileSync(fsPath(from), fsPath(to), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } else if (stats.isSymbolicLink()) symlinkAt(decodeName(readlinkAt(AT_FDCWD, from)), AT_FDCWD, to);
  else if (stats.isFIFO()) mknodAt(AT_FDCWD, to, S_IFIFO, 0);
  else if (stats.isSocket()) return false;
  else {
    const { major, minor } = deviceParts(Number(stats.rdev));
    mknodAt(AT_FDCWD, to, stats.isBlockDevice() ? S_IFBLK : S_IFCHR, deviceNumber(major, minor));
  }
  return true;
}

function copyAttributes(from: string, to: string, stats: BigIntStats): void {
  chownAt(AT_FDCWD, to, Number(stats.uid), Number(stats.gid));
  for (const name of listXattrs(from)) {
    const value = getXattr(from, name);
    if (value !== undefined) setXattr(to, name, value);
  }
  if (!stats.isSymbolicLink()) chmodAt(AT_FDCWD, to, Number(stats.mode));
  // BigInt division rounds towards zero; nanoseconds count forwards also before the epoch.
  const nanos = ((stats.mtimeNs % NANOS) + NANOS) % NANOS;
  timesAt(AT_FDCWD, to, Number((stats.mtimeNs - nanos) / NANOS), Number(nanos));
}
