import { mkdirSync } from 'node:fs';
import { closeFd } from '../linux/at.ts';
import { UMOUNT_NOFOLLOW, unmount } from '../linux/mount.ts';
import { detachedOverlay, mountOverlayByOptions } from '../linux/overlay.ts';

/** A directory to look into, until closed. */
export interface TreeView {
  readonly path: string;
  close(): void;
}

/**
 * What a stack of overlay snapshots shows, without anything on top. It is attached to no place in the file system where the kernel can do that,
 * otherwise mounted at `mountPoint`. `lowers` are relative to `base`, topmost first; undefined if there are none.
 */
export function openTreeView(
  base: string,
  lowers: readonly string[],
  userxattr: boolean,
  mountPoint: string,
): TreeView | undefined {
  const [only, ...others] = lowers;
  if (only === undefined) return undefined;
  if (others.length === 0) return { path: `${base}/${only}`, close: () => undefined };
  const request = { base, lowers, userxattr };
  const fd = detachedOverlay(request);
  if (fd !== undefined) return { path: `/proc/self/fd/${fd}`, close: () => closeFd(fd) };
  mkdirSync(mountPoint, { recursive: true, mode: 0o700 });
  mountOverlayByOptions(request, mountPoint);
  return { path: mountPoint, close: () => unmount(mountPoint, UMOUNT_NOFOLLOW) };
}
