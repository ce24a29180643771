import { readlink, readlinkSync } from 'node:fs';
import { MS_SLAVE, setPropagation } from '../linux/mount.ts';
import { unshareMounts } from '../linux/namespaces.ts';
import { readOwnNamespace } from './own-namespace.ts';

/** A program whose mounts are its own. */
export interface OwnMounts {
  /** Whether all threads see them. Something may have started some before us, as what NODE_OPTIONS loads; those for files are started by this, if none are there. */
  isWhole(): Promise<boolean>;
}

const OWN_MOUNTS = '/proc/thread-self/ns/mnt';

/**
 * Gives this program a mount namespace of its own without another process: only before it has started a thread, since those that run stay outside, and calls of Node's for files that are not
 * synchronous run in threads. What is mounted outside later comes in as well. Undefined where it is not root, or may not: then nothing has changed that would matter.
 */
export function enterOwnMounts(): OwnMounts | undefined {
  try {
    const isRoot = process.getuid?.() === 0 && !readOwnNamespace().isUserNamespace;
    // Its number must be that of /proc, by which its children find it.
    if (!isRoot || readlinkSync('/proc/self') !== String(process.pid)) return undefined;
    unshareMounts();
    setPropagation('/', MS_SLAVE);
    return { isWhole };
  } catch {
    return undefined;
  }
}

/** All of Node's threads for files are started at once: one speaks for all. */
function isWhole(): Promise<boolean> {
  const own = readlinkSync(OWN_MOUNTS);
  return new Promise((resolve) => {
    readlink(OWN_MOUNTS, (error, there) => resolve(error === null && there === own));
  });
}
