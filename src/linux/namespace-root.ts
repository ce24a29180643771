import { statSync } from 'node:fs';
import { AT_FDCWD, closeFd, O_DIRECTORY, O_PATH, openAt } from './at.ts';
import { bindCall, checked } from './libc.ts';
import { changeRoot } from './process.ts';

const fchdirCall = bindCall<number, [number]>('int fchdir(int fd)');

/** No directory lies deeper: PATH_MAX bytes hold at most so many names. */
const MAX_DEPTH = 2048;

/**
 * Runs `work` with the root of the mount namespace as this process's root, also when it was started in a chroot; afterwards everything is as before.
 * For a process in a mount namespace of its own that must change the mount which holds its chroot: no path inside leads there. `inside` is a directory of the
 * chroot. Synchronous, because root and working directory belong to all threads. @throws LINUX_CALL
 */
export function inNamespaceRoot(inside: string, work: () => void): void {
  const root = openAt(AT_FDCWD, '/', O_PATH | O_DIRECTORY);
  const folder = openAt(AT_FDCWD, '.', O_PATH | O_DIRECTORY);
  const goTo = (fd: number): void => {
    checked(fchdirCall(fd), 'fchdir', 'a folder');
  };
  try {
    goTo(root);
    // The working directory is now outside the root, and `..` no longer stops at it (chroot(2)).
    changeRoot(inside);
    try {
      climb();
      changeRoot('.');
      work();
    } finally {
      goTo(root);
      changeRoot('.');
    }
  } finally {
    goTo(folder);
    closeFd(root);
    closeFd(folder);
  }
}

function climb(): void {
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const here = statSync('.');
    const above = statSync('..');
    if (here.dev === above.dev && here.ino === above.ino) return;
    process.chdir('..');
  }
}
