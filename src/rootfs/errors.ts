import { errorMaker } from '../base/errors.ts';

type RootfsErrors = {
  ROOTFS_NO_FOLDER: object;
  ROOTFS_NO_BLOB: { digest: string };
  ROOTFS_NO_INDEX: { diffId: string };
  ROOTFS_TOO_MANY_LAYERS: { count: number; limit: number };
  ROOTFS_SYSTEM: { what: string; path: string; code: string };
  ROOTFS_OWNER: { path: string; uid: number; gid: number };
  ROOTFS_NODE: { path: string; major: number; minor: number };
  ROOTFS_WHITEOUT_NAME: { path: string };
  ROOTFS_FILE_LOST: { path: string };
  ROOTFS_BUSY: { what: string; seconds: number };
  ROOTFS_MOUNTED: { id: string };
  ROOTFS_STAGED_CHANGED: { path: string };
  ROOTFS_KEPT_FORMAT: { folder: string; want: string; got: string };
  ROOTFS_NO_PATH: { path: string; at: string };
  ROOTFS_LINK_LOOP: { path: string };
  ROOTFS_OVERWRITE: { path: string; got: string; want: string };
  ROOTFS_ENTRY: { name: string; problem: string };
  ROOTFS_READ_ONLY: { path: string };
};

const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on that file system, or name another folder for the store in DOBOS_ROOT',
  EDQUOT: 'the quota of this user is used up',
  EROFS: 'the store is on a read-only file system; name another folder in DOBOS_ROOT',
  EACCES: 'the store belongs to another user; name another folder in DOBOS_ROOT',
  EPERM: 'the store belongs to another user, or its file system forbids this',
  EMFILE: 'raise the limit of open files (ulimit -n)',
};

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left (ENOSPC)',
  EDQUOT: "this user's share of the disk is full (EDQUOT)",
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'this user may not (EACCES)',
};

/** Errors of the rootfs room. */
export const rootfsError = errorMaker<RootfsErrors>({
  ROOTFS_NO_FOLDER: () => 'layers can be unpacked only from a store in a folder, this one is in memory',
  ROOTFS_NO_BLOB: ({ digest }) => ({
    message: `layer ${digest} is not in the store, so it cannot be unpacked`,
    hint: 'pull, load or build its image again; "dobos system check" tells what else is missing',
  }),
  ROOTFS_NO_INDEX: ({ diffId }) => `the index of layer ${diffId} cannot be kept in this store`,
  ROOTFS_TOO_MANY_LAYERS: ({ count, limit }) => ({
    message: `the image has ${count} layers, the kernel shows at most ${limit} at once`,
    hint: 'squash the image',
  }),
  ROOTFS_SYSTEM: ({ what, path, code }) => ({
    message: `${what} ${path} failed: ${SYSTEM_WORDS[code] ?? code}`,
    hint: SYSTEM_HINTS[code],
  }),
  ROOTFS_OWNER: ({ path, uid, gid }) => ({
    message: `/${path} belongs to ${uid}:${gid}, which this user namespace does not have`,
    hint: 'give the user a larger range in /etc/subuid and /etc/subgid (65536 ids suffice for nearly every image)',
  }),
  ROOTFS_NODE: ({ path, major, minor }) =>
    `/${path} is the character device ${major}:${minor}, which overlayfs takes for a deleted file`,
  ROOTFS_WHITEOUT_NAME: ({ path }) => ({
    message: `/${path} cannot be stored in a layer: names that start with .wh. mean deletion there`,
    hint: 'rename the file, or remove it at the end of the step',
  }),
  ROOTFS_FILE_LOST: ({ path }) =>
    `the content of /${path} is in no layer below, although a hard link wants it`,
  ROOTFS_BUSY: ({ what, seconds }) => `${what} is locked by another process, waited ${seconds} s`,
  ROOTFS_MOUNTED: ({ id }) => `root ${id} is still mounted: unmount it before it is committed`,
  ROOTFS_KEPT_FORMAT: ({ folder, want, got }) => ({
    message: `the files in ${folder} are kept as "${got}", here only "${want}" works`,
    hint: 'use it as the user, and on the kind of file system, that it was made with',
  }),
  ROOTFS_NO_PATH: ({ path, at }) => `${path}: /${at} is no directory, or is not there`,
  ROOTFS_LINK_LOOP: ({ path }) => `${path} leads through too many symbolic links`,
  ROOTFS_OVERWRITE: ({ path, got, want }) => ({
    message: `cannot overwrite ${got} "${path}" with ${want}`,
    hint: 'remove it first, or copy to another name',
  }),
  ROOTFS_ENTRY: ({ name, problem }) => `"${name}" of the archive cannot be unpacked here: ${problem}`,
  ROOTFS_READ_ONLY: ({ path }) =>
    `nothing can be written to ${path}: it, or what is mounted there, is marked read-only`,
  ROOTFS_STAGED_CHANGED: ({ path }) => ({
    message: `${path} changed while it was being made ready for a mount`,
    hint: 'build again when nothing writes to the context',
  }),
});

/** Something that a person should know although the unpacking went on. */
export interface RootfsEvent {
  readonly kind: 'warning';
  /** Path in the root. */
  readonly path: string;
  readonly message: string;
}
