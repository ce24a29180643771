/**
 * What a process does to itself before it becomes another program: root, ids, capabilities, and the change itself.
 * Only for a process that exists for this one purpose: nothing here can be taken back.
 */
import { closeSync, readdirSync } from 'node:fs';
import { bindCall, checked, cPath, lastErrno, linuxError } from './libc.ts';

type Path = string | Buffer;
const chrootCall = bindCall<number, [Path]>('int chroot(const char *path)');
const pivotRootCall = bindCall<number, [Path, Path]>(
  'int pivot_root(const char *newRoot, const char *putOld)',
);
const setgroupsCall = bindCall<number, [number, Uint32Array]>(
  'int setgroups(uint64_t size, const void *list)',
);
const setresgidCall = bindCall<number, [number, number, number]>(
  'int setresgid(uint32_t real, uint32_t effective, uint32_t saved)',
);
const setresuidCall = bindCall<number, [number, number, number]>(
  'int setresuid(uint32_t real, uint32_t effective, uint32_t saved)',
);
const prctlCall = bindCall<number, [number, number, number, number, number]>(
  'int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)',
);
const capsetCall = bindCall<number, [Buffer, Buffer]>('int capset(const void *header, const void *data)');
const sethostnameCall = bindCall<number, [string, number]>(
  'int sethostname(const char *name, uint64_t size)',
);
const sigemptysetCall = bindCall<number, [Buffer]>('int sigemptyset(void *set)');
const sigprocmaskCall = bindCall<number, [number, Buffer, null]>(
  'int sigprocmask(int how, const void *set, void *old)',
);
const signalCall = bindCall<unknown, [number, number]>('intptr_t signal(int number, intptr_t handler)');
const execveCall = bindCall<number, [Path, readonly (string | null)[], readonly (string | null)[]]>(
  'int execve(const char *path, const char **args, const char **env)',
);
const exitCall = bindCall<void, [number]>('void _exit(int code)');
const pipe2Call = bindCall<number, [Int32Array, number]>('int pipe2(void *fds, int flags)');
const fcntlCall = bindCall<number, [number, number, number]>('int fcntl(int fd, int command, int value)');
const dup2Call = bindCall<number, [number, number]>('int dup2(int from, int to)');
const setpgidCall = bindCall<number, [number, number]>('int setpgid(int pid, int group)');
const getpgrpCall = bindCall<number, []>('int getpgrp()');
const tcsetpgrpCall = bindCall<number, [number, number]>('int tcsetpgrp(int fd, int group)');

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const O_CLOEXEC = 0o2000000;
const SIG_SETMASK = 2;
const SIG_DFL = 0;
const SIG_IGN = 1;
/** Room for any C library's sigset_t. */
const SIGSET_BYTES = 128;
const LAST_SIGNAL = 64;
const SIGTTOU = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
/** The kernel has 41 today; reading a number beyond the last one fails, which ends the loop. */
const MAX_CAPABILITIES = 64;
/** _LINUX_CAPABILITY_VERSION_3: two 32-bit words for each set. */
const CAPABILITY_VERSION = 0x20080522;

/** The root directory of this process; leaves the working directory where it is. */
export function changeRoot(path: string): void {
  checked(chrootCall(cPath(path)), 'chroot', path);
}

/** Makes the working directory, which must be a mount point, the root mount; the old root lies on top of it until it is unmounted. @throws LINUX_CALL (EINVAL inside a plain chroot) */
export function pivotRootHere(): void {
  checked(pivotRootCall('.', '.'), 'pivot_root', process.cwd());
}

export function setHostname(name: string): void {
  checked(sethostnameCall(name, Buffer.byteLength(name)), 'sethostname', name);
}

/** Takes every capability that is not in `keep` out of the bounding set, for good. */
export function dropBounding(keep: readonly number[]): void {
  for (let capability = 0; capability < MAX_CAPABILITIES; capability++) {
    if (prctlCall(PR_CAPBSET_READ, capability, 0, 0, 0) < 0) return;
    if (keep.includes(capability)) continue;
    checked(prctlCall(PR_CAPBSET_DROP, capability, 0, 0, 0), 'prctl', `capability ${capability}`);
  }
}

/** Sets effective and permitted to `keep`, inheritable and ambient to nothing. Of the calling thread, which is the one that execs. */
export function setCapabilities(keep: readonly number[]): void {
  prctlCall(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(CAPABILITY_VERSION, 0);
  const data = Buffer.alloc(24);
  for (const half of [0, 1]) {
    let bits = 0;
    for (const capability of keep) if (capability >> 5 === half) bits += 2 ** (capability & 31);
    data.writeUInt32LE(bits, half * 12);
    data.writeUInt32LE(bits, half * 12 + 4);
  }
  checked(capsetCall(header, data), 'capset', 'this process');
}

/** From now on no program that is started gets more rights, whatever its set-user-id bit or file capabilities say. */
export function forbidNewRights(): void {
  checked(prctlCall(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'prctl', 'no_new_privs');
}

/** Supplementary groups, group and user, in the order that still has the right to do the next. */
export function setIds(uid: number, gid: number, groups: readonly number[] | undefined): void {
  if (groups !== undefined) {
    checked(setgroupsCall(groups.length, Uint32Array.from(groups)), 'setgroups', groups.join(' '));
  }
  checked(setresgidCall(gid, gid, gid), 'setgid', String(gid));
  checked(setresuidCall(uid, uid, uid), 'setuid', String(uid));
}

/** Every signal to its default, none blocked: what a fresh program expects (Node ignores SIGPIPE, and that would be inherited). */
export function resetSignals(): void {
  for (let number = 1; number <= LAST_SIGNAL; number++) signalCall(number, SIG_DFL);
  const none = Buffer.alloc(SIGSET_BYTES);
  sigemptysetCall(none);
  sigprocmaskCall(SIG_SETMASK, none, null);
}

/** Has every descriptor from 3 on closed at the next exec, also those that came in from outside. Reads /proc/self/fd. */
export function closeOthersOnExec(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    // The one that reads the folder is among them and closed by now: its failure means nothing.
    if (Number(name) > 2) fcntlCall(Number(name), F_SETFD, FD_CLOEXEC);
  }
}

/** Leaves a descriptor open for the next program: Node marks even the standard streams to be closed on exec. */
export function keepOnExec(fd: number): void {
  checked(fcntlCall(fd, F_SETFD, 0), 'fcntl', `descriptor ${fd}`);
}

/** Makes descriptor `to` what `from` is, and closes `from`. */
export function moveDescriptor(from: number, to: number): void {
  checked(dup2Call(from, to), 'dup2', `descriptor ${from}`);
  closeSync(from);
}

/** Becomes another program. Returns only if that fails: with the errno name. */
export function becomeProgram(path: string, args: readonly string[], env: readonly string[]): string {
  execveCall(cPath(path), [...args, null], [...env, null]);
  return lastErrno();
}

/** Ends this process as it stands: Node's own tidy end takes milliseconds. What was to be written must have been. */
export function endAtOnce(code: number): void {
  exitCall(code);
}

/** A real pipe, both ends closed on exec. (Node's own `pipe` for children is a socket pair, which /dev/stdout cannot open.) */
export function makePipe(): { readonly read: number; readonly write: number } {
  const fds = new Int32Array(2);
  if (pipe2Call(fds, O_CLOEXEC) < 0) {
    throw linuxError('LINUX_CALL', { call: 'pipe', code: lastErrno(), what: 'a pipe' });
  }
  return { read: fds[0]!, write: fds[1]! };
}

/** Makes this process the leader of a process group of its own and that group the terminal's foreground. False where `fd` is no terminal of this session. */
export function takeTerminal(fd: number): boolean {
  signalCall(SIGTTOU, SIG_IGN);
  setpgidCall(0, 0);
  return tcsetpgrpCall(fd, getpgrpCall()) === 0;
}

/** Makes this process's group the terminal's foreground group again. */
export function takeTerminalBack(fd: number): void {
  signalCall(SIGTTOU, SIG_IGN);
  tcsetpgrpCall(fd, getpgrpCall());
}
