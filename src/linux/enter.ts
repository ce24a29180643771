/**
 * Other processes' namespaces (setns(2)).
 * @module
 */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { bindCall, checked } from './libc.ts';

const setnsCall = bindCall<number, [number, number]>('int setns(int fd, int kind)');
const unshareCall = bindCall<number, [number]>('int unshare(int flags)');
const fchdirCall = bindCall<number, [number]>('int fchdir(int fd)');
const chrootCall = bindCall<number, [string]>('int chroot(const char *path)');

const CLONE_FS = 0x200;
const CLONE_NEWPID = 0x20000000;

/** Calls `start`, which must be synchronous; what it starts is in the pid namespace of process `pid`. @throws LINUX_CALL, ENOENT */
export function inPidNamespace<T>(pid: number, start: () => T): T {
  const own = openSync('/proc/self/ns/pid', 'r');
  try {
    const theirs = openSync(`/proc/${pid}/ns/pid`, 'r');
    try {
      checked(setnsCall(theirs, CLONE_NEWPID), 'setns', `process ${pid}`);
    } finally {
      closeSync(theirs);
    }
    try {
      return start();
    } finally {
      checked(setnsCall(own, CLONE_NEWPID), 'setns', 'this process');
    }
  } finally {
    closeSync(own);
  }
}

/** Takes the calling thread into the mount, host name, IPC and network namespaces of process `pid`, and to its root. For a process that execs next. @throws LINUX_CALL, ENOENT */
export function joinNamespaces(pid: number): void {
  const open = (name: string): number => openSync(`/proc/${pid}/${name}`, constants.O_RDONLY);
  // All are opened first: the way to them is gone afterwards.
  const root = open('root');
  // Those that both are in need no right, and could not be entered: the network may be the machine's own.
  const differs = (name: string): boolean =>
    readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`);
  const spaces = ['uts', 'ipc', 'net', 'mnt'].filter(differs).map((name) => open(`ns/${name}`));
  // A thread that shares its working directory with others may not change its mounts.
  checked(unshareCall(CLONE_FS), 'unshare', 'this thread');
  for (const fd of spaces) checked(setnsCall(fd, 0), 'setns', `process ${pid}`);
  checked(fchdirCall(root), 'fchdir', `the root of process ${pid}`);
  checked(chrootCall('.'), 'chroot', `the root of process ${pid}`);
}
