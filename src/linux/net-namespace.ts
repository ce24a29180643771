import { closeSync, openSync, writeFileSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { bindCall, checked } from './libc.ts';
import { MS_BIND, mount } from './mount.ts';

const unshareCall = bindCall<number, [number]>('int unshare(int flags)');
const setnsCall = bindCall<number, [number, number]>('int setns(int fd, int kind)');
const CLONE_NEWNET = 0x40000000;
/** Of the thread that asks: that is the one which these calls move. */
const OWN = '/proc/thread-self/ns/net';

/**
 * Moves this thread for good into a new network namespace, which lives as long as the file at `path` is mounted over with it (the file must not exist). `setUp` runs inside of it, before
 * the file is there. @throws LINUX_CALL
 */
export function makeNetworkNamespace(path: string, setUp: () => void): void {
  checked(unshareCall(CLONE_NEWNET), 'unshare', 'the network');
  setUp();
  writeFileSync(fsPath(path), '', { mode: 0o600, flag: 'wx' });
  mount({ source: OWN, target: path, flags: MS_BIND });
}

/** Runs `work`, and the programs that it starts, in the network namespace at `path`. Only root outside comes back from there. Synchronous, because the thread belongs to all that waits in it. @throws LINUX_CALL */
export function inNetworkNamespace<T>(path: string, work: () => T): T {
  const own = openSync(OWN, 'r');
  try {
    enterNetworkNamespace(path);
    try {
      return work();
    } finally {
      checked(setnsCall(own, CLONE_NEWNET), 'setns', 'the network');
    }
  } finally {
    closeSync(own);
  }
}

/** Moves this thread, and what it becomes, to the network namespace at `path`. @throws LINUX_CALL */
export function enterNetworkNamespace(path: string): void {
  const there = openSync(fsPath(path), 'r');
  try {
    checked(setnsCall(there, CLONE_NEWNET), 'setns', path);
  } finally {
    closeSync(there);
  }
}
