import { fstatSync } from 'node:fs';
import type { EntryTime, Xattrs } from '../layer/types.ts';
import {
  AT_FDCWD,
  chmodAt,
  chmodFd,
  chownAt,
  chownFd,
  closeFd,
  isErrno,
  MODE_BITS,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  openAt,
  timesAt,
  timesFd,
  unlinkAt,
} from '../linux/at.ts';
import { setXattr, setXattrFd } from '../linux/xattr.ts';
import { type RootfsEvent, rootfsError } from './errors.ts';
import { storedXattr } from './overlay-marks.ts';
import type { SnapshotFormat } from './snapshot-names.ts';

/** What a file has besides its content. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: EntryTime;
  readonly xattrs?: Xattrs | undefined;
}

export interface AttributeSetter {
  /**
   * Makes a file, open for writing, that `complete` gives the rest when its bytes are there: what the kernel gives a new file anyway is not asked for again.
   * All folders of one setter are this process's own, made alike, and nobody else enters them.
   */
  create(dirfd: number, name: string, attributes: Attributes): number;
  complete(fd: number, attributes: Attributes, path: string): void;
  /** By descriptor: regular files and directories. */
  setByFd(fd: number, attributes: Attributes, path: string): void;
  /** By a name of a directory that only this process writes to: symbolic links, devices, fifos. */
  setByName(dirfd: number, name: string, attributes: Attributes, path: string, isLink: boolean): void;
}

/**
 * Sets attributes in the only order that keeps them: owner (which clears setuid and file capabilities), extended attributes, mode, times
 * (oci.md a.6 A13). `path` is the path in the root, for messages.
 * @throws ROOTFS_OWNER, LINUX_CALL
 */
export function createAttributeSetter(o: {
  readonly format: SnapshotFormat;
  /** In a user namespace some attributes cannot be set; they are left out with a warning (A19). */
  readonly rootless: boolean;
  readonly warn: (event: RootfsEvent) => void;
}): AttributeSetter {
  let saidUnsupported = false;
  let given: NewFile | undefined;

  const owned = (attributes: Attributes, path: string, chown: () => void): void => {
    try {
      chown();
    } catch (error) {
      if (!o.rootless || !isErrno(error, 'EINVAL', 'EPERM')) throw error;
      const { uid, gid } = attributes;
      throw rootfsError('ROOTFS_OWNER', { path, uid, gid }, { cause: error });
    }
  };

  const setXattrs = (
    attributes: Attributes,
    path: string,
    set: (name: string, value: Uint8Array) => void,
  ): void => {
    for (const [name, value] of attributes.xattrs ?? []) {
      try {
        set(storedXattr(name, o.format), value);
      } catch (error) {
        if (isErrno(error, 'ENOTSUP', 'EOPNOTSUPP')) {
          if (!saidUnsupported) {
            o.warn({ kind: 'warning', path, message: `the store's file system has no place for ${name}` });
          }
          saidUnsupported = true;
        } else if (isErrno(error, 'EPERM') && (o.rootless || name.startsWith('user.'))) {
          o.warn({ kind: 'warning', path, message: `attribute ${name} may not be set here and is left out` });
        } else throw error;
      }
    }
  };

  return {
    create(dirfd, name, attributes) {
      given ??= lookAtNewFile(dirfd);
      return openAt(dirfd, name, NEW_FILE, attributes.mode & given.mode);
    },
    complete(fd, attributes, path) {
      const { uid, gid, mode, xattrs, mtime } = attributes;
      if (uid !== given?.uid || gid !== given.gid) owned(attributes, path, () => chownFd(fd, uid, gid, path));
      if (xattrs !== undefined)
        setXattrs(attributes, path, (name, value) => setXattrFd(fd, name, value, path));
      // An access list among the attributes changes the mode.
      if (xattrs !== undefined || (mode & MODE_BITS & ~(given?.mode ?? 0)) !== 0) chmodFd(fd, mode, path);
      timesFd(fd, mtime.seconds, mtime.nanos, path);
    },
    setByFd(fd, attributes, path) {
      owned(attributes, path, () => chownFd(fd, attributes.uid, attributes.gid, path));
      if (attributes.xattrs !== undefined) {
        setXattrs(attributes, path, (name, value) => setXattrFd(fd, name, value, path));
      }
      chmodFd(fd, attributes.mode, path);
      timesFd(fd, attributes.mtime.seconds, attributes.mtime.nanos, path);
    },
    setByName(dirfd, name, attributes, path, isLink) {
      owned(attributes, path, () => chownAt(dirfd, name, attributes.uid, attributes.gid));
      if (attributes.xattrs !== undefined) {
        const file = dirfd === AT_FDCWD ? name : `/proc/self/fd/${dirfd}/${name}`;
        setXattrs(attributes, path, (key, value) => setXattr(file, key, value));
      }
      if (!isLink) chmodAt(dirfd, name, attributes.mode);
      timesAt(dirfd, name, attributes.mtime.seconds, attributes.mtime.nanos);
    },
  };
}

const NEW_FILE = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;

/** What a new file of these folders has without being told. */
interface NewFile {
  readonly uid: number;
  readonly gid: number;
  /** The permissions that are not taken from it. */
  readonly mode: number;
}

/** Seen, not worked out: besides the ids and the umask there are groups of directories, access lists that are handed down, and mounts with ids of their own. */
function lookAtNewFile(dirfd: number): NewFile {
  const name = 'probe';
  const fd = openAt(dirfd, name, NEW_FILE, 0o777);
  try {
    const { uid, gid, mode } = fstatSync(fd);
    return { uid, gid, mode: mode & 0o777 };
  } finally {
    closeFd(fd);
    unlinkAt(dirfd, name);
  }
}
