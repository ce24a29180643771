import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { findLeftovers } from '../store/leftovers.ts';
import { recover } from '../store/recover.ts';
import type { Container } from './types.ts';

/** In a folder of `tmp/`: what was a container's folder. */
export const TRASH = 'c';

/**
 * Removes what dead processes left in the store, containers that were being removed among it, whatever names and depths are in them. What cannot be
 * removed stays for the next one. Costs 50 µs when there is nothing.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  try {
    for (const path of findLeftovers(folder)) {
      const left = join(folder, path);
      if (hasRoot(join(left, TRASH))) (await import('../rootfs/remove-tree.ts')).removeTree(left);
    }
    await recover(folder);
  } catch {
    // Who writes next is told why it cannot.
  }
}

/** Removes the cgroups that a runtime which was killed has left of a container; false if somebody is still in them. */
export async function removeLimits({ process: { resources } }: Pick<Container, 'process'>): Promise<boolean> {
  if (resources === undefined) return true;
  return (await import('../runtime/cgroups.ts')).removeCgroupsInTime(resources.cgroup);
}

/** Whether there is a root of its own in a container's folder: there may be any names in it. Without it there are two files. */
export function hasRoot(folder: string): boolean {
  try {
    return lstatSync(join(folder, 'root')).isDirectory();
  } catch (error) {
    // What lies there may be a file.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}
