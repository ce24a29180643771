import { type BigIntStats, constants, copyFileSync, fstatSync, mkdirSync, readdirSync } from 'node:fs';
import { decodeName, fsPath } from '../base/names.ts';
import {
  AT_FDCWD,
  chmodAt,
  chownAt,
  closeFd,
  linkAt,
  mknodAt,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openAt,
  openBeneath,
  readlinkAt,
  symlinkAt,
  timesAt,
} from '../linux/at.ts';
import { deviceNumber, deviceParts, S_IFBLK, S_IFCHR, S_IFIFO } from '../linux/nodes.ts';
import { getXattrPinned, listXattrsPinned, setXattr } from '../linux/xattr.ts';
import { codeOf } from './system-errors.ts';

const NANOS = 1_000_000_000n;

/** What a copy gets besides its content. */
interface Attributes {
  readonly stats: BigIntStats;
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** A folder that is to be copied, relative to the top. */
interface Folder extends Attributes {
  readonly path: string;
}

/** Of a name that was there a moment ago: it has gone, or something else has its place. */
const GONE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/**
 * Copies all below `from` into the existing directory `to`, which gets the attributes of `from`: owners, modes, times to the nanosecond, extended attributes,
 * hard links, devices. Contents share their blocks where the file system can. Sockets are left out. Each file is held by a descriptor from the first look at it on, so that
 * whoever changes the tree meanwhile can lead this to no other, inside or outside. If it may be changed (`moving`), what goes away is left out. Bytes of the files copied.
 */
export function copyTree(
  from: string,
  to: string,
  o: { readonly moving?: boolean | undefined } = {},
): number {
  const root = openAt(AT_FDCWD, from, O_PATH | O_DIRECTORY);
  try {
    return copyBelow(root, to, o.moving === true);
  } finally {
    closeFd(root);
  }
}

function copyBelow(root: number, to: string, moving: boolean): number {
  /** What `open` opened; undefined if it has gone, and may. */
  const opened = (open: () => number): number | undefined => {
    try {
      return open();
    } catch (error) {
      if (moving && GONE.has(codeOf(error))) return undefined;
      throw error;
    }
  };
  const copied = new Map<string, string>();
  const folders: Folder[] = [{ path: '', ...attributesOf(root) }];
  let bytes = 0;

  const copyInto = (folder: Folder, name: string, node: number): void => {
    const attributes = attributesOf(node);
    const { stats } = attributes;
    const path = folder.path === '' ? name : `${folder.path}/${name}`;
    const copy = `${to}/${path}`;
    if (stats.isDirectory()) {
      mkdirSync(fsPath(copy), { mode: 0o700 });
      folders.push({ path, ...attributes });
      return;
    }
    const inode = `${stats.dev}:${stats.ino}`;
    const first = stats.nlink > 1n ? copied.get(inode) : undefined;
    if (first !== undefined) {
      linkAt(AT_FDCWD, first, AT_FDCWD, copy);
      return;
    }
    if (!copyNode(node, copy, attributes)) return;
    bytes += stats.isFile() ? Number(stats.size) : 0;
    if (stats.nlink > 1n) copied.set(inode, copy);
  };

  // Grows while it is walked: a list instead of a recursion, so depth costs no call stack.
  for (const folder of folders) {
    const fd = opened(() => openBeneath(root, folder.path, O_DIRECTORY | O_NOFOLLOW));
    if (fd === undefined) continue;
    try {
      // While names change places one may be listed twice.
      const names = new Set(readdirSync(pinnedPath(fd), 'buffer').map(decodeName));
      for (const name of names) {
        const node = opened(() => openAt(fd, name, O_PATH | O_NOFOLLOW));
        if (node === undefined) continue;
        try {
          copyInto(folder, name, node);
        } finally {
          closeFd(node);
        }
      }
    } finally {
      closeFd(fd);
    }
  }
  for (const folder of folders.reverse()) giveAttributes(folder, `${to}/${folder.path}`);
  return bytes;
}

/** Copies one file, or a directory with all below it, to a name that is free. False for a socket, of which there are no copies. */
export function copyPath(from: string, to: string): boolean {
  const node = openAt(AT_FDCWD, from, O_PATH | O_NOFOLLOW);
  try {
    const attributes = attributesOf(node);
    if (!attributes.stats.isDirectory()) return copyNode(node, to, attributes);
    mkdirSync(fsPath(to), { mode: 0o700 });
    copyBelow(node, to, false);
    return true;
  } finally {
    closeFd(node);
  }
}

/** The file of a descriptor, whatever has its name now. */
const pinnedPath = (fd: number): string => `/proc/self/fd/${fd}`;

function attributesOf(node: number): Attributes {
  const xattrs: [string, Uint8Array][] = [];
  for (const name of listXattrsPinned(node)) {
    const value = getXattrPinned(node, name);
    if (value !== undefined) xattrs.push([name, value]);
  }
  return { stats: fstatSync(node, { bigint: true }), xattrs };
}

/** False for sockets. */
function copyNode(node: number, to: string, attributes: Attributes): boolean {
  const { stats } = attributes;
  if (stats.isFile()) {
    copyFileSync(pinnedPath(node), fsPath(to), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } else if (stats.isSymbolicLink()) symlinkAt(decodeName(readlinkAt(node, '')), AT_FDCWD, to);
  else if (stats.isFIFO()) mknodAt(AT_FDCWD, to, S_IFIFO, 0);
  else if (stats.isSocket()) return false;
  else {
    const { major, minor } = deviceParts(Number(stats.rdev));
    mknodAt(AT_FDCWD, to, stats.isBlockDevice() ? S_IFBLK : S_IFCHR, deviceNumber(major, minor));
  }
  giveAttributes(attributes, to);
  return true;
}

function giveAttributes({ stats, xattrs }: Attributes, to: string): void {
  chownAt(AT_FDCWD, to, Number(stats.uid), Number(stats.gid));
  for (const [name, value] of xattrs) setXattr(to, name, value);
  if (!stats.isSymbolicLink()) chmodAt(AT_FDCWD, to, Number(stats.mode));
  // BigInt division rounds towards zero; nanoseconds count forwards also before the epoch.
  const nanos = ((stats.mtimeNs % NANOS) + NANOS) % NANOS;
  timesAt(AT_FDCWD, to, Number((stats.mtimeNs - nanos) / NANOS), Number(nanos));
}
