import { fstatSync } from 'node:fs';
import {
  chmodFd,
  chownAt,
  chownFd,
  closeFd,
  isErrno,
  linkAt,
  mkdirAt,
  mknodAt,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openAt,
  symlinkAt,
  timesAt,
  timesFd,
  writeFd,
} from '../linux/at.ts';
import { deviceNumber, S_IFBLK, S_IFCHR, S_IFIFO } from '../linux/nodes.ts';
import { setXattrFd } from '../linux/xattr.ts';
import { createTarDecoder } from '../tar/decoder.ts';
import type { TarHeader } from '../tar/header.ts';
import { rootfsError } from './errors.ts';
import { removeBelow } from './remove-below.ts';

export interface UnpackInsideOptions {
  /** Whose the files become: those of the archive, or one user's. */
  readonly owner: 'archive' | { readonly uid: number; readonly gid: number };
  /** False: device files are left out, and told to `onLeftOut`. */
  readonly devices: boolean;
  /** Set-user-id and set-group-id bits are kept. */
  readonly setIds: boolean;
  readonly onLeftOut?: ((name: string) => void) | undefined;
  /** What is shown over a path below the directory: a descriptor (O_PATH) that stays the caller's. */
  readonly shownAt?: ((path: string) => ShownFile | undefined) | undefined;
}

export interface ShownFile {
  readonly fd: number;
  readonly mayChange: boolean;
}

export interface InsideUnpacker {
  write(chunk: Uint8Array): void;
  /** The archive is complete: directories get their modes and times. */
  end(): void;
  /** Of the files so far. */
  bytes(): number;
  /** Lets go of what is open; for an archive that is given up too. */
  close(): void;
}

/** Depth of a tree that is unpacked: PATH_MAX holds no more names. */
const MAX_DEPTH = 2048;
const SET_IDS = 0o6000;

/**
 * Takes a tar in parts and puts its files below an open directory, as docker's `cp` does: a directory goes into a directory that is there, anything else replaces what
 * is there, and a directory never replaces a file nor a file a directory. No name leads out of the directory: `..` is refused, and no symbolic link is
 * followed on the way, neither one of the archive nor one that somebody puts there meanwhile.
 * @throws ROOTFS_OVERWRITE, ROOTFS_ENTRY, TAR_…, LINUX_CALL
 */
export function unpackInside(root: number, o: UnpackInsideOptions): InsideUnpacker {
  let file: { readonly fd: number; readonly header: TarHeader } | undefined;
  let total = 0;
  /** Directories get their modes and times when all that is in them is there. */
  const folders = new Map<string, TarHeader>();
  /** Paths of device files that are left out, and of hard links to them. */
  const leftOut = new Set<string>();
  const leaveOut = (path: string, { name }: TarHeader): void => {
    leftOut.add(path);
    o.onLeftOut?.(name);
  };

  const setFd = (fd: number, header: TarHeader): void => {
    const owner = o.owner === 'archive' ? header : o.owner;
    chownFd(fd, owner.uid, owner.gid, header.name);
    const capability = o.setIds ? header.xattrs?.get('security.capability') : undefined;
    if (capability !== undefined) setXattrFd(fd, 'security.capability', capability, header.name);
    chmodFd(fd, modeOf(header), header.name);
    timesFd(fd, header.mtime.seconds, header.mtime.nanos, header.name);
  };
  const modeOf = (header: TarHeader): number => (o.setIds ? header.mode : header.mode & ~SET_IDS);

  const put = (parent: number, name: string, path: string, header: TarHeader): void => {
    const isFolder = header.kind === 'directory';
    if (!o.devices && (header.kind === 'character' || header.kind === 'block')) {
      leaveOut(path, header);
      return;
    }
    const shown = o.shownAt?.(path);
    if (shown !== undefined && !isFolder) {
      if (!shown.mayChange) throw rootfsError('ROOTFS_READ_ONLY', { path });
      throw rootfsError('ROOTFS_OVERWRITE', { path, got: 'mount', want: header.kind });
    }
    const there = kindAt(parent, name);
    if (there === 'directory' && !isFolder) {
      throw rootfsError('ROOTFS_OVERWRITE', { path, got: 'directory', want: 'a file' });
    }
    if (there === 'other' && isFolder) {
      throw rootfsError('ROOTFS_OVERWRITE', { path, got: 'non-directory', want: 'a directory' });
    }
    if (isFolder) {
      if (there === undefined) mkdirAt(parent, name, 0o700);
      folders.set(path, header);
      return;
    }
    if (header.kind === 'hardlink') {
      const target = namesOf(header.linkName);
      const last = target.pop();
      if (last === undefined)
        throw rootfsError('ROOTFS_ENTRY', { name: header.name, problem: 'it links to nothing' });
      const linked = target.concat(last).join('/');
      if (linked === path) return;
      if (leftOut.has(linked)) {
        leaveOut(path, header);
        return;
      }
      if (there !== undefined) removeBelow(parent, name);
      withFolder(target, false, (folder) => linkAt(folder, last, parent, name));
      return;
    }
    if (there !== undefined) removeBelow(parent, name);
    if (header.kind === 'file') {
      const fd = openAt(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      file = { fd, header };
      return;
    }
    putNode(parent, name, header);
  };

  const putNode = (parent: number, name: string, header: TarHeader): void => {
    const owner = o.owner === 'archive' ? header : o.owner;
    if (header.kind === 'symlink') symlinkAt(header.linkName, parent, name);
    else {
      const type = header.kind === 'fifo' ? S_IFIFO : header.kind === 'block' ? S_IFBLK : S_IFCHR;
      const { major, minor } = header.device ?? { major: 0, minor: 0 };
      mknodAt(parent, name, type | (modeOf(header) & 0o777), deviceNumber(major, minor));
    }
    chownAt(parent, name, owner.uid, owner.gid);
    timesAt(parent, name, header.mtime.seconds, header.mtime.nanos);
  };

  /** Calls `use` with the directory, each step of the way opened by its name in the one before, none a link. */
  const withFolder = (names: readonly string[], make: boolean, use: (fd: number) => void): void => {
    let at = openAt(root, '.', O_PATH | O_DIRECTORY);
    try {
      for (const [depth, name] of names.entries()) {
        const shown = o.shownAt?.(names.slice(0, depth + 1).join('/'));
        if (shown?.mayChange === false) {
          throw rootfsError('ROOTFS_READ_ONLY', { path: names.slice(0, depth + 1).join('/') });
        }
        if (make && kindAt(at, name) === undefined) mkdirAt(at, name, 0o755);
        const next =
          shown === undefined
            ? openAt(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW)
            : openAt(shown.fd, '.', O_PATH | O_DIRECTORY);
        closeFd(at);
        at = next;
      }
      use(at);
    } catch (error) {
      if (!isErrno(error, 'ELOOP', 'ENOTDIR')) throw error;
      throw rootfsError('ROOTFS_ENTRY', {
        name: names.join('/'),
        problem: 'no directory, or a link, is on its way',
      });
    } finally {
      closeFd(at);
    }
  };

  const finish = (): void => {
    for (const [path, header] of [...folders].reverse()) {
      withFolder(path === '' ? [] : path.split('/'), false, (folder) => {
        const fd = openAt(folder, '.', O_RDONLY | O_DIRECTORY);
        try {
          setFd(fd, header);
        } finally {
          closeFd(fd);
        }
      });
    }
    folders.clear();
  };

  const decoder = createTarDecoder({
    onEntry(header) {
      const names = namesOf(header.name);
      if (names.length > MAX_DEPTH)
        throw rootfsError('ROOTFS_ENTRY', { name: header.name, problem: 'it lies too deep' });
      const last = names.pop();
      // The directory itself keeps what it has.
      if (last === undefined) return;
      withFolder(names, true, (folder) => put(folder, last, [...names, last].join('/'), header));
    },
    onData(chunk) {
      if (file === undefined) return;
      writeFd(file.fd, chunk, file.header.name);
      total += chunk.length;
    },
    onEntryEnd() {
      if (file === undefined) return;
      const { fd, header } = file;
      file = undefined;
      try {
        setFd(fd, header);
      } finally {
        closeFd(fd);
      }
    },
  });
  return {
    write: (chunk) => decoder.write(chunk),
    end() {
      decoder.end();
      finish();
    },
    bytes: () => total,
    close() {
      if (file !== undefined) closeFd(file.fd);
      file = undefined;
    },
  };
}

/** Of a name in an archive; an absolute one starts at the directory too. @throws ROOTFS_ENTRY for `..` */
function namesOf(name: string): string[] {
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw rootfsError('ROOTFS_ENTRY', { name, problem: 'it leads out by ".."' });
  return names;
}

function kindAt(folder: number, name: string): 'directory' | 'other' | undefined {
  let fd: number;
  try {
    fd = openAt(folder, name, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return fstatSync(fd).isDirectory() ? 'directory' : 'other';
  } finally {
    closeFd(fd);
  }
}
