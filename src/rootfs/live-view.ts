import { mkdirSync } from 'node:fs';
import {
  bindMount,
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  restrictMount,
  UMOUNT_NOFOLLOW,
  unmount,
} from '../linux/mount.ts';
import { codeOf } from './system-errors.ts';
import type { TreeView } from './tree-view.ts';

const SHUT = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW;

/**
 * Shows a tree that processes of a container may change while it is looked at, at the mount point: no symbolic link in it is followed (from Linux 5.10 on) and no device in it opened, so that
 * whoever swaps a name between two looks at it leads to nothing of the machine. Where nothing can be mounted there are no containers to be kept away, and it is the tree itself.
 */
export function openLiveView(tree: string, mountPoint: string): TreeView {
  mkdirSync(mountPoint, { mode: 0o700 });
  try {
    bindMount(tree, mountPoint);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    return { path: tree, close: () => undefined };
  }
  const close = (): void => unmount(mountPoint, UMOUNT_NOFOLLOW | MNT_DETACH);
  try {
    restrictMount(mountPoint, SHUT);
  } catch (error) {
    close();
    throw error;
  }
  return { path: mountPoint, close };
}
