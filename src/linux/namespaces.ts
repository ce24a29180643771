/**
 * Namespaces of the calling thread. Each of these calls is about that thread alone, and about threads and processes that it starts from then on.
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import { bindCall, checked } from './libc.ts';

const unshareCall = bindCall<number, [number]>('int unshare(int flags)');
const setnsCall = bindCall<number, [number, number]>('int setns(int fd, int kind)');
const CLONE_NEWNS = 0x00020000;
const CLONE_NEWPID = 0x20000000;
const OWN_PIDS = '/proc/thread-self/ns/pid';

/** A mount namespace of its own, for good, with the mounts that it had; working directory and umask are the thread's own from then on too. @throws LINUX_CALL (EPERM without CAP_SYS_ADMIN) */
export function unshareMounts(): void {
  checked(unshareCall(CLONE_NEWNS), 'unshare', 'the mounts');
}

/** The process that `start` starts is the first of a new pid namespace, all of which ends with it. One process, and no thread: the kernel refuses those meanwhile. @throws LINUX_CALL */
export function inNewPidNamespace<T>(start: () => T): T {
  return andBack(() => checked(unshareCall(CLONE_NEWPID), 'unshare', 'the pids'), start);
}

/** The processes that `start` starts are in the pid namespace of this process, one of ours or below. As above. @throws LINUX_CALL, ENOENT if the process has ended */
export function inPidNamespaceOf<T>(pid: number, start: () => T): T {
  const there = openSync(`/proc/${pid}/ns/pid`, 'r');
  try {
    return andBack(() => checked(setnsCall(there, CLONE_NEWPID), 'setns', 'the pids'), start);
  } finally {
    closeSync(there);
  }
}

function andBack<T>(move: () => void, start: () => T): T {
  const own = openSync(OWN_PIDS, 'r');
  try {
    move();
    try {
      return start();
    } finally {
      checked(setnsCall(own, CLONE_NEWPID), 'setns', 'the pids');
    }
  } finally {
    closeSync(own);
  }
}
