import { AT_FDCWD, closeFd, O_DIRECTORY, O_PATH, openAt } from './at.ts';
import { bindCall, checked, cPath, errnoOf, lastErrno, linuxError } from './libc.ts';
import { mount } from './mount.ts';

/** What an overlay shows. Paths may be relative to `base`, and must be short then: the kernel takes 256 bytes each, or one page in all. */
export interface OverlayRequest {
  /** The directory that relative paths start from; the process's working directory stands there during the call. */
  readonly base: string;
  /** Topmost first, at least one. */
  readonly lowers: readonly string[];
  /** Undefined for a read-only view. */
  readonly writable?:
    | {
        readonly upper: string;
        readonly work: string;
        /** The upper directory outlives the mount: what is synced inside is synced on disk, and it can be mounted again. */
        readonly lasting?: boolean | undefined;
      }
    | undefined;
  /** Marks are kept in `user.overlay.*` instead of `trusted.overlay.*`: needed in a user namespace. */
  readonly userxattr: boolean;
}

/** The kernel's bound on the number of lower layers (OVL_MAX_STACK). */
export const MAX_LOWER_LAYERS = 500;

const FSOPEN = 430;
const FSCONFIG = 431;
const FSMOUNT = 432;
const MOVE_MOUNT = 429;
const CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const MOVE_MOUNT_F_EMPTY_PATH = 4;

type Path = string | Buffer;
const fsopenCall = bindCall<number, [number, string, number]>(
  'int64_t syscall(int64_t number, const char *type, int64_t flags)',
);
const fsconfigCall = bindCall<number, [number, number, number, string | null, Path | null, number]>(
  'int64_t syscall(int64_t number, int64_t fd, int64_t command, const char *key, const char *value, int64_t aux)',
);
const fsmountCall = bindCall<number, [number, number, number, number]>(
  'int64_t syscall(int64_t number, int64_t fd, int64_t flags, int64_t attributes)',
);
const moveMountCall = bindCall<number, [number, number, string, number, Path, number]>(
  'int64_t syscall(int64_t number, int64_t fd, const char *from, int64_t to, const char *path, int64_t flags)',
);
const chdirCall = bindCall<number, [Path]>('int chdir(const char *path)');
const fchdirCall = bindCall<number, [number]>('int fchdir(int fd)');
const readCall = bindCall<number, [number, Buffer, number]>(
  'int64_t read(int fd, void *buf, uint64_t count)',
);

/** Mounts the overlay at `target` (absolute). @throws LINUX_CALL */
export function mountOverlay(request: OverlayRequest, target: string): void {
  const fd = detachedOverlay(request);
  if (fd === undefined) {
    mountOverlayByOptions(request, target);
    return;
  }
  try {
    const moved = moveMountCall(MOVE_MOUNT, fd, '', AT_FDCWD, cPath(target), MOVE_MOUNT_F_EMPTY_PATH);
    checked(moved, 'overlay mount', target);
  } finally {
    closeFd(fd);
  }
}

/**
 * A descriptor of the overlay's root that is attached nowhere: it is reached by `/proc/self/fd/<n>/…` and is gone when closed.
 * Undefined where the kernel has no new mount API, or its overlayfs does not take layers one by one (before 6.7) or refuses the request: mount(2) then tells. @throws LINUX_CALL
 */
export function detachedOverlay(request: OverlayRequest): number | undefined {
  const context = fsopenCall(FSOPEN, 'overlay', CLOEXEC);
  if (context < 0) {
    const code = lastErrno();
    if (code === 'ENOSYS' || code === 'EPERM') return undefined;
    throw linuxError('LINUX_CALL', { call: 'fsopen', code, what: 'overlay' });
  }
  try {
    return inFolder(request.base, () => configure(context, request));
  } finally {
    closeFd(context);
  }
}

function configure(context: number, request: OverlayRequest): number | undefined {
  const set = (key: string, value: string): boolean =>
    fsconfigCall(FSCONFIG, context, FSCONFIG_SET_STRING, key, cPath(value), 0) === 0;
  const flag = (key: string): boolean =>
    fsconfigCall(FSCONFIG, context, FSCONFIG_SET_FLAG, key, null, 0) === 0;
  const fail = (what: string): never => {
    const code = lastErrno();
    const said = contextMessage(context);
    throw linuxError('LINUX_CALL', {
      call: 'overlay mount',
      code,
      what: said === '' ? what : `${what} (${said})`,
    });
  };
  for (const lower of request.lowers) {
    if (set('lowerdir+', lower)) continue;
    return lastErrno() === 'EINVAL' ? undefined : fail(lower);
  }
  if (request.writable !== undefined) {
    if (!set('upperdir', request.writable.upper)) fail(request.writable.upper);
    if (!set('workdir', request.writable.work)) fail(request.writable.work);
    if (request.writable.lasting !== true) flag('volatile');
  }
  if (request.userxattr && !flag('userxattr')) fail('userxattr');
  // Whatever the machine's defaults are, the upper directory must stay readable as a plain change set. Unknown options fail and are left.
  for (const [key, value] of PLAIN) set(key, value);
  if (fsconfigCall(FSCONFIG, context, FSCONFIG_CMD_CREATE, null, null, 0) !== 0) {
    // Before Linux 6.5 any option is taken until here.
    return lastErrno() === 'EINVAL' ? undefined : fail(request.lowers[0] ?? '');
  }
  const fd = fsmountCall(FSMOUNT, context, CLOEXEC, 0);
  return fd < 0 ? fail('fsmount') : fd;
}

const PLAIN = [
  ['redirect_dir', 'nofollow'],
  ['metacopy', 'off'],
  ['index', 'off'],
] as const;

/** What the kernel says about a failed configuration, '' if nothing. */
function contextMessage(context: number): string {
  const buffer = Buffer.alloc(1024);
  const size = readCall(context, buffer, buffer.length);
  return size <= 0 ? '' : buffer.toString('utf8', 0, size).trim();
}

/** The way for older kernels: one option string of at most a page, hence the relative names. */
export function mountOverlayByOptions(request: OverlayRequest, target: string): void {
  const options = [`lowerdir=${request.lowers.map(escapeLower).join(':')}`];
  if (request.writable !== undefined) {
    options.push(`upperdir=${escapeOption(request.writable.upper)}`);
    options.push(`workdir=${escapeOption(request.writable.work)}`);
  }
  if (request.userxattr) options.push('userxattr');
  // A read-only view over one directory is no overlay for older kernels; the caller gives two.
  const plain = PLAIN.map(([key, value]) => `${key}=${value}`);
  const { writable } = request;
  const volatile = writable === undefined || writable.lasting === true ? [] : ['volatile'];
  inFolder(request.base, () => {
    const attempt = (more: readonly string[]): void =>
      mount({ source: 'overlay', target, type: 'overlay', data: [...options, ...more].join(',') });
    try {
      attempt([...plain, ...volatile]);
    } catch (error) {
      if (errnoOf(error) !== 'EINVAL') throw error;
      attempt(plain);
    }
  });
}

const escapeOption = (path: string): string => path.replace(/[\\,]/g, '\\$&');
const escapeLower = (path: string): string => path.replace(/[\\,:]/g, '\\$&');

/** Runs with the working directory at `folder`; nothing else of this thread runs meanwhile, so `work` is synchronous. */
function inFolder<T>(folder: string, work: () => T): T {
  const before = openAt(AT_FDCWD, '.', O_PATH | O_DIRECTORY);
  try {
    checked(chdirCall(cPath(folder)), 'chdir', folder);
    return work();
  } finally {
    fchdirCall(before);
    closeFd(before);
  }
}
