import { writeFileSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { MS_BIND, mount } from './mount.ts';
import { andBack, CLONE_NEWNET, joinNamespaceAt, unshareThread } from './namespaces.ts';

/** Of the thread that asks: that is the one which these calls move. */
const OWN = '/proc/thread-self/ns/net';

/**
 * Moves this thread for good into a new network namespace, which lives as long as the file at `path` is mounted over with it (the file must not exist). `setUp` runs inside of it, before
 * the file is there. @throws LINUX_CALL
 */
export function enterNewNetwork(path: string, setUp: () => void): void {
  unshareThread(CLONE_NEWNET, 'the network');
  hold(path, setUp);
}

/** The same, and the thread comes back: only root outside does. @throws LINUX_CALL */
export function makeNewNetwork(path: string, setUp: () => void): void {
  andBack(
    'net',
    CLONE_NEWNET,
    () => unshareThread(CLONE_NEWNET, 'the network'),
    () => hold(path, setUp),
  );
}

function hold(path: string, setUp: () => void): void {
  setUp();
  writeFileSync(fsPath(path), '', { mode: 0o600, flag: 'wx' });
  mount({ source: OWN, target: path, flags: MS_BIND });
}

/** Runs `work`, and the programs that it starts, in the network namespace at `path`. Only root outside comes back from there. Synchronous, because the thread belongs to all that waits in it. @throws LINUX_CALL */
export function inNetworkNamespace<T>(path: string, work: () => T): T {
  return andBack('net', CLONE_NEWNET, () => enterNetworkNamespace(path), work);
}

/** Moves this thread, and what it becomes, to the network namespace at `path`. @throws LINUX_CALL */
export function enterNetworkNamespace(path: string): void {
  joinNamespaceAt(fsPath(path), CLONE_NEWNET, path);
}
