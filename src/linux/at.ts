/**
 * File system calls relative to directory descriptors: what a safe unpacker needs and Node does not have.
 * Paths are lossless strings (base/names.ts); descriptors are plain numbers that the caller closes.
 * @module
 */
import { bindCall, checked, cPath, errnoOf, lastErrno, linuxError } from './libc.ts';

/** `dirfd` for paths relative to the working directory. */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;

const ARM = process.arch === 'arm64';
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_DIRECTORY = ARM ? 0o40000 : 0o200000;
export const O_NOFOLLOW = ARM ? 0o100000 : 0o400000;

/** No symbolic link is followed, at no place of the path. */
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** The path may not leave the tree below the descriptor. */
export const RESOLVE_BENEATH = 0x08;
/** The descriptor is the root: absolute links and `..` stay inside. */
export const RESOLVE_IN_ROOT = 0x10;

/** Permission bits with setuid, setgid and sticky. */
export const MODE_BITS = 0o7777;

type Path = string | Buffer;
type Syscall4 = [number: number, dirfd: number, path: Path, how: Buffer, size: number];
const openatCall = bindCall<number, [number, Path, number, number]>(
  'int openat(int dirfd, const char *path, int flags, uint32_t mode)',
);
const openat2Call = bindCall<number, Syscall4>(
  'int64_t syscall(int64_t number, int64_t dirfd, const char *path, const void *how, int64_t size)',
);
const mkdiratCall = bindCall<number, [number, Path, number]>(
  'int mkdirat(int dirfd, const char *path, uint32_t mode)',
);
const symlinkatCall = bindCall<number, [Path, number, Path]>(
  'int symlinkat(const char *target, int dirfd, const char *path)',
);
const linkatCall = bindCall<number, [number, Path, number, Path, number]>(
  'int linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)',
);
const unlinkatCall = bindCall<number, [number, Path, number]>(
  'int unlinkat(int dirfd, const char *path, int flags)',
);
const renameatCall = bindCall<number, [number, Path, number, Path]>(
  'int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath)',
);
const fchownatCall = bindCall<number, [number, Path, number, number, number]>(
  'int fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid, int flags)',
);
const fchownCall = bindCall<number, [number, number, number]>(
  'int fchown(int fd, uint32_t uid, uint32_t gid)',
);
const fchmodCall = bindCall<number, [number, number]>('int fchmod(int fd, uint32_t mode)');
const fchmodatCall = bindCall<number, [number, Path, number, number]>(
  'int fchmodat(int dirfd, const char *path, uint32_t mode, int flags)',
);
const futimensCall = bindCall<number, [number, Buffer]>('int futimens(int fd, const void *times)');
const utimensatCall = bindCall<number, [number, Path, Buffer, number]>(
  'int utimensat(int dirfd, const char *path, const void *times, int flags)',
);
const mknodatCall = bindCall<number, [number, Path, number, number]>(
  'int mknodat(int dirfd, const char *path, uint32_t mode, uint64_t dev)',
);
const readlinkatCall = bindCall<number, [number, Path, Buffer, number]>(
  'int64_t readlinkat(int dirfd, const char *path, void *buf, uint64_t size)',
);
const closeCall = bindCall<number, [number]>('int close(int fd)');
const writeCall = bindCall<number, [number, Uint8Array, number]>(
  'int64_t write(int fd, const void *buf, uint64_t count)',
);

/** A descriptor for `path` (O_CLOEXEC is added). `mode` goes through the umask. @throws LINUX_CALL */
export function openAt(dirfd: number, path: string, flags: number, mode = 0): number {
  return checked(openatCall(dirfd, cPath(path), flags | O_CLOEXEC, mode), 'open', path);
}

const HOW_BYTES = 24;
/** openat2 may answer EAGAIN while somebody renames directories; more often than this in a row is an attack or a broken disk. */
const MAX_AGAIN = 64;
let openat2Missing = false;

/** A descriptor for a path below `dirfd` in which no component, the last one included, is a symbolic link. '' is the directory itself. @throws LINUX_CALL (ELOOP, EXDEV when the path tries to leave) */
export function openBeneath(dirfd: number, path: string, flags: number, mode = 0): number {
  if (path === '') return openAt(dirfd, '.', flags, mode);
  if (!openat2Missing) {
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const fd = openAt2(dirfd, path, flags | O_NOFOLLOW, mode, resolve);
    if (fd !== undefined) return fd;
  }
  return openByWalking(dirfd, path, flags, mode);
}

/** A descriptor for a path whose links are resolved with `dirfd` as their root. The kernel must know openat2 (5.6). @throws LINUX_CALL */
export function openInRoot(dirfd: number, path: string, flags: number): number {
  const fd = openAt2(dirfd, path === '' ? '.' : path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (fd === undefined) throw linuxError('LINUX_CALL', { call: 'openat2', code: 'ENOSYS', what: path });
  return fd;
}

/** Undefined where the kernel, or a filter over it, does not let openat2 through. */
function openAt2(
  dirfd: number,
  path: string,
  flags: number,
  mode: number,
  resolve: number,
): number | undefined {
  const OPENAT2 = 437;
  const how = Buffer.alloc(HOW_BYTES);
  how.writeUInt32LE(flags | O_CLOEXEC, 0);
  how.writeUInt32LE((flags & O_CREAT) === 0 ? 0 : mode, 8);
  how.writeUInt32LE(resolve, 16);
  for (let attempt = 0; ; attempt++) {
    const fd = openat2Call(OPENAT2, dirfd, cPath(path), how, HOW_BYTES);
    if (fd >= 0) return fd;
    const code = lastErrno();
    if (code === 'EAGAIN' && attempt < MAX_AGAIN) continue;
    if (code === 'ENOSYS') {
      openat2Missing = true;
      return undefined;
    }
    throw linuxError('LINUX_CALL', { call: 'open', code, what: path });
  }
}

function openByWalking(dirfd: number, path: string, flags: number, mode: number): number {
  const names = path.split('/');
  let at = dirfd;
  try {
    for (const [i, name] of names.entries()) {
      if (name === '..' || name === '') {
        throw linuxError('LINUX_CALL', { call: 'open', code: 'EXDEV', what: path });
      }
      const last = i === names.length - 1;
      const next = openAt(at, name, last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW, mode);
      if (at !== dirfd) closeFd(at);
      at = next;
    }
    return at;
  } catch (error) {
    if (at !== dirfd) closeFd(at);
    throw error;
  }
}

/** Closes a descriptor; errors are of no use here and not reported. */
export function closeFd(fd: number): void {
  closeCall(fd);
}

/** Writes all bytes at the descriptor's position. @throws LINUX_CALL (ENOSPC …); `what` names the file in it */
export function writeFd(fd: number, bytes: Uint8Array, what: string): void {
  let rest = bytes;
  while (rest.length > 0) {
    const done = writeCall(fd, rest, rest.length);
    if (done < 0) {
      if (lastErrno() === 'EINTR') continue;
      checked(done, 'write', what);
    }
    rest = rest.subarray(done);
  }
}

export function mkdirAt(dirfd: number, path: string, mode: number): void {
  checked(mkdiratCall(dirfd, cPath(path), mode), 'mkdir', path);
}

export function symlinkAt(target: string, dirfd: number, path: string): void {
  checked(symlinkatCall(cPath(target), dirfd, cPath(path)), 'symlink', path);
}

/** A second name for a file; a symbolic link is linked itself, never followed. */
export function linkAt(fromFd: number, from: string, toFd: number, to: string): void {
  checked(linkatCall(fromFd, cPath(from), toFd, cPath(to), 0), 'link', to);
}

/** Removes a name; AT_REMOVEDIR for a directory. */
export function unlinkAt(dirfd: number, path: string, flags = 0): void {
  checked(unlinkatCall(dirfd, cPath(path), flags), 'unlink', path);
}

/** The same, where it is usual that it cannot be: the errno name then, as an error costs more than the call. */
export function tryUnlinkAt(dirfd: number, path: string, flags = 0): string | undefined {
  return unlinkatCall(dirfd, cPath(path), flags) < 0 ? lastErrno() : undefined;
}

export function renameAt(fromFd: number, from: string, toFd: number, to: string): void {
  checked(renameatCall(fromFd, cPath(from), toFd, cPath(to)), 'rename', to);
}

/** Changes the owner; the last component is not followed. Clears setuid, setgid and file capabilities. */
export function chownAt(dirfd: number, path: string, uid: number, gid: number): void {
  checked(fchownatCall(dirfd, cPath(path), uid, gid, AT_SYMLINK_NOFOLLOW), 'chown', path);
}

export function chownFd(fd: number, uid: number, gid: number, what: string): void {
  checked(fchownCall(fd, uid, gid), 'chown', what);
}

export function chmodFd(fd: number, mode: number, what: string): void {
  checked(fchmodCall(fd, mode & MODE_BITS), 'chmod', what);
}

/** Changes the mode by name. The kernel FOLLOWS a symbolic link here: only for names that this process has just made in a folder of its own. */
export function chmodAt(dirfd: number, path: string, mode: number): void {
  checked(fchmodatCall(dirfd, cPath(path), mode & MODE_BITS, 0), 'chmod', path);
}

/** Bytes of `struct timespec[2]`, access time and modification time. */
const TIMES_BYTES = 32;
const times = Buffer.alloc(TIMES_BYTES);
/** Times that every Linux file system takes are 64-bit seconds; ext4 with 256-byte inodes ends in 2446, the kernel clamps. */
function fillTimes(seconds: number, nanos: number): Buffer {
  const high = Math.floor(seconds / 2 ** 32);
  for (let at = 0; at < TIMES_BYTES; at += 16) {
    times.writeUInt32LE(seconds - high * 2 ** 32, at);
    times.writeInt32LE(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, high)), at + 4);
    times.writeUInt32LE(nanos, at + 8);
  }
  return times;
}

/** Sets access and modification time; a symbolic link's own, never its target's. */
export function timesAt(dirfd: number, path: string, seconds: number, nanos = 0): void {
  const result = utimensatCall(dirfd, cPath(path), fillTimes(seconds, nanos), AT_SYMLINK_NOFOLLOW);
  checked(result, 'set times', path);
}

export function timesFd(fd: number, seconds: number, nanos: number, what: string): void {
  checked(futimensCall(fd, fillTimes(seconds, nanos)), 'set times', what);
}

/** Makes a node at a path relative to `dirfd`; `mode` with its type bits, `device` from `deviceNumber`. */
export function mknodAt(dirfd: number, path: string, mode: number, device: number): void {
  checked(mknodatCall(dirfd, cPath(path), mode, device), 'mknod', path);
}

/** PATH_MAX of Linux: no link target is longer. */
const MAX_LINK_BYTES = 4096;

/** The target of a symbolic link, as bytes. */
export function readlinkAt(dirfd: number, path: string): Buffer {
  const buffer = Buffer.allocUnsafe(MAX_LINK_BYTES);
  const size = checked(readlinkatCall(dirfd, cPath(path), buffer, buffer.length), 'readlink', path);
  return buffer.subarray(0, size);
}

/** True if the error is a failed call with one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  const code = errnoOf(error);
  return code !== undefined && codes.includes(code);
}
