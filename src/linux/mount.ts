/**
 * Mounts, in the mount namespace of this process. Only for processes inside a namespace of their own: whatever is mounted here
 * dies with that namespace, and nothing else would take it away again.
 * @module
 */
import { bindCall, checked, cPath, lastErrno, linuxError } from './libc.ts';

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_REMOUNT = 32;
/** Since Linux 5.10; passed over before. */
export const MS_NOSYMFOLLOW = 256;
export const MS_BIND = 4096;
export const MS_MOVE = 8192;
export const MS_REC = 16384;
export const MS_PRIVATE = 1 << 18;
/** What is mounted outside comes in, and nothing goes out. */
export const MS_SLAVE = 1 << 19;
export const MS_STRICTATIME = 1 << 24;

/** The mount goes away from view now, and for good when its last user is gone. */
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

type Path = string | Buffer;
const mountCall = bindCall<number, [Path | null, Path, string | null, number, Path | null]>(
  'int mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data)',
);
const umountCall = bindCall<number, [Path, number]>('int umount2(const char *target, int flags)');
const mountSetattrCall = bindCall<number, [number, number, Path, number, Buffer, number]>(
  'int64_t syscall(int64_t number, int64_t dirfd, const char *path, int64_t flags, void *attr, int64_t size)',
);

/** What mount(2) takes. */
export interface MountRequest {
  readonly source?: string | undefined;
  readonly target: string;
  readonly type?: string | undefined;
  readonly flags?: number | undefined;
  /** Options of the file system; at most one page (4096 bytes). */
  readonly data?: string | undefined;
}

/** mount(2). @throws LINUX_CALL with the target and, for a bind, its source */
export function mount(request: MountRequest): void {
  const { source, target, type, flags = 0, data } = request;
  const result = mountCall(
    source === undefined ? null : cPath(source),
    cPath(target),
    type ?? null,
    flags,
    data === undefined ? null : cPath(data),
  );
  const what = (flags & MS_BIND) !== 0 && source !== undefined ? `${source} at ${target}` : target;
  checked(result, type === undefined ? 'mount' : `${type} mount`, what);
}

/** Takes away the topmost mount at `target`. @throws LINUX_CALL (EINVAL: no mount there, EBUSY) */
export function unmount(target: string, flags = 0): void {
  checked(umountCall(cPath(target), flags), 'unmount', target);
}

/** Shows `source` at `target` too; `recursive` with all mounts below it. A read-only one keeps the flags that a user namespace has locked. */
export function bindMount(
  source: string,
  target: string,
  o: { readonly recursive?: boolean; readonly readOnly?: boolean; readonly flags?: number } = {},
): void {
  const recursive = o.recursive === true;
  mount({ source, target, flags: MS_BIND | (recursive ? MS_REC : 0) });
  const flags = (o.readOnly === true ? MS_RDONLY : 0) | (o.flags ?? 0);
  if (flags !== 0) restrictMount(target, flags, recursive);
}

const MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const ATTR_BYTES = 32;
/** Since Linux 5.14. */
const MOUNT_ATTR_NOSYMFOLLOW = 0x200000;

/** Adds MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC or MS_NOSYMFOLLOW to a mount (to all below it too if `recursive`), keeping what it has. */
export function restrictMount(target: string, flags: number, recursive = false): void {
  const attr = Buffer.alloc(ATTR_BYTES);
  const linkless = (flags & MS_NOSYMFOLLOW) !== 0;
  const same = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  attr.writeUInt32LE(same | (linkless ? MOUNT_ATTR_NOSYMFOLLOW : 0), 0);
  const path = cPath(target);
  const result = mountSetattrCall(
    MOUNT_SETATTR,
    AT_FDCWD,
    path,
    recursive ? AT_RECURSIVE : 0,
    attr,
    ATTR_BYTES,
  );
  if (result === 0) return;
  const code = lastErrno();
  if (code !== 'ENOSYS' && !(linkless && code === 'EINVAL'))
    throw linuxError('LINUX_CALL', { call: 'mount_setattr', code, what: target });
  // Before Linux 5.12: a remount of the top mount; locked flags must be repeated, so the stricter set is tried after the plain one.
  const base = MS_REMOUNT | MS_BIND | flags;
  if (mountCall(null, path, null, base, null) === 0) return;
  mount({ target, flags: base | MS_NOSUID | MS_NODEV });
}

/** Sets how mounts travel between this mount and its copies: MS_PRIVATE, MS_SLAVE. */
export function setPropagation(target: string, kind: number, recursive = true): void {
  mount({ target, flags: kind | (recursive ? MS_REC : 0) });
}

/** A tmpfs; `options` as mount(8) takes them, e.g. `mode=755,size=64m`. */
export function mountTmpfs(target: string, options: string, flags = MS_NOSUID | MS_NODEV): void {
  mount({ source: 'tmpfs', target, type: 'tmpfs', flags, data: options });
}

/** The process file system of this process's pid namespace. */
export function mountProc(target: string): void {
  mount({ source: 'proc', target, type: 'proc', flags: MS_NOSUID | MS_NODEV | MS_NOEXEC });
}
