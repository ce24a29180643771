import { closeSync, constants, openSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { bindCall, lastErrno, linuxError } from './libc.ts';

/** Many may hold a shared lock, or one an exclusive one. */
export type LockMode = 'shared' | 'exclusive';

/** A lock that ends when it is released or when its process dies, however it dies. */
export interface FileLock {
  release(): void;
}

// linux/include/uapi/asm-generic/fcntl.h
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = bindCall<number, readonly [fd: number, operation: number]>('int flock(int fd, int operation)');

/**
 * A lock on the file at `path` (created when missing, never removed), or undefined while somebody else holds it: also another lock of this process.
 * Never waits, so it cannot stop the event loop. The first call loads koffi (7 ms).
 * @throws LINUX_MISSING off Linux, LINUX_CALL where the file system has no locks, system errors of open(2)
 */
export function openLock(path: string, mode: LockMode): FileLock | undefined {
  const fd = openSync(fsPath(path), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  let held = false;
  try {
    held = tryLock(fd, mode, path);
  } finally {
    if (!held) closeSync(fd);
  }
  if (!held) return undefined;
  let open = true;
  return {
    release() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Locks an open file without waiting; false while somebody else holds it. The lock belongs to the open file: closing it unlocks. @throws LINUX_CALL */
export function tryLock(fd: number, mode: LockMode, what: string): boolean {
  const operation = (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
  for (;;) {
    if (flock(fd, operation) === 0) return true;
    const code = lastErrno();
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK') return false;
    if (code !== 'EINTR') throw linuxError('LINUX_CALL', { call: 'flock', code, what });
  }
}
