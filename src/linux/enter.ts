/**
 * Other processes' namespaces (setns(2)).
 * @module
 */
import { constants, openSync, readlinkSync } from 'node:fs';
import { bindCall, checked } from './libc.ts';
import {
  andBack,
  CLONE_FS,
  CLONE_NEWPID,
  joinNamespace,
  joinNamespaceAt,
  unshareThread,
} from './namespaces.ts';

const fchdirCall = bindCall<number, [number]>('int fchdir(int fd)');
const chrootCall = bindCall<number, [string]>('int chroot(const char *path)');

/** Calls `start`, which must be synchronous; what it starts is in the pid namespace of process `pid`. @throws LINUX_CALL, ENOENT */
export function inPidNamespace<T>(pid: number, start: () => T): T {
  return andBack(
    'pid',
    CLONE_NEWPID,
    () => joinNamespaceAt(`/proc/${pid}/ns/pid`, CLONE_NEWPID, `process ${pid}`),
    start,
  );
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
  unshareThread(CLONE_FS, 'this thread');
  for (const fd of spaces) joinNamespace(fd, 0, `process ${pid}`);
  checked(fchdirCall(root), 'fchdir', `the root of process ${pid}`);
  checked(chrootCall('.'), 'chroot', `the root of process ${pid}`);
}
