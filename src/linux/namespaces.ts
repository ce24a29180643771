/**
 * Namespaces of the calling thread. Each of these calls is about that thread alone, and about threads and processes that it starts from then on.
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { bindCall, checked } from './libc.ts';

const unshareCall = bindCall<number, [number]>('int unshare(int flags)');
const setnsCall = bindCall<number, [number, number]>('int setns(int fd, int kind)');
export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWPID = 0x20000000;
export const CLONE_NEWNET = 0x40000000;

/** Has the thread share something no longer, or moves it into a new namespace (unshare(2)). @throws LINUX_CALL */
export function unshareThread(kind: number, what: string): void {
  checked(unshareCall(kind), 'unshare', what);
}

/** Moves the thread into the namespace that a descriptor stands for; of pids, only what it starts (setns(2)). @throws LINUX_CALL */
export function joinNamespace(fd: number, kind: number, what: string): void {
  checked(setnsCall(fd, kind), 'setns', what);
}

/** The same for the namespace at a path. @throws LINUX_CALL, ENOENT */
export function joinNamespaceAt(path: string | Buffer, kind: number, what: string): void {
  const there = openSync(path, 'r');
  try {
    joinNamespace(there, kind, what);
  } finally {
    closeSync(there);
  }
}

/** Runs `work` where `move` has moved the thread; synchronous, because the thread belongs to all that waits in it. Only root outside comes back. @throws LINUX_CALL */
export function andBack<T>(name: 'net' | 'pid', kind: number, move: () => void, work: () => T): T {
  const own = openSync(`/proc/thread-self/ns/${name}`, 'r');
  try {
    move();
    try {
      return work();
    } finally {
      joinNamespace(own, kind, 'this thread');
    }
  } finally {
    closeSync(own);
  }
}

/** A mount namespace of its own, for good, with the mounts that it had; working directory and umask are the thread's own from then on too. @throws LINUX_CALL (EPERM without CAP_SYS_ADMIN) */
export function unshareMounts(): void {
  unshareThread(CLONE_NEWNS, 'the mounts');
}

/** The process that `start` starts is the first of a new pid namespace, all of which ends with it. One process, and no thread: the kernel refuses those meanwhile. @throws LINUX_CALL */
export const inNewPidNamespace = <T>(start: () => T): T =>
  andBack('pid', CLONE_NEWPID, () => unshareThread(CLONE_NEWPID, 'the pids'), start);
