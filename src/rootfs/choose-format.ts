import { mkdirSync, readFileSync } from 'node:fs';
import { closeFd } from '../linux/at.ts';
import { errnoOf } from '../linux/libc.ts';
import { UMOUNT_NOFOLLOW, unmount } from '../linux/mount.ts';
import { detachedOverlay, mountOverlayByOptions } from '../linux/overlay.ts';
import { setXattr } from '../linux/xattr.ts';
import { markPrefix } from './overlay-marks.ts';
import { removeTree } from './remove-tree.ts';
import type { SnapshotFormat } from './snapshot-names.ts';

/** True if this process is root only inside a user namespace. */
export function isRootless(): boolean {
  if (process.geteuid?.() !== 0) return true;
  const map = readFileSync('/proc/self/uid_map', 'latin1').trim().split(/\s+/);
  return !(map[0] === '0' && map[1] === '0' && map[2] === '4294967295');
}

/** The best format that works in this folder, by trying: nothing else tells whether a kernel, a file system and a namespace agree on overlayfs. */
export function chooseFormat(folder: string, rootless: boolean): SnapshotFormat {
  const candidates: readonly ('trusted' | 'user')[] = rootless ? ['user'] : ['trusted', 'user'];
  return candidates.find((format) => worksHere(folder, format)) ?? 'whole';
}

function worksHere(folder: string, format: 'trusted' | 'user'): boolean {
  const probe = `${folder}/probe-${format}`;
  try {
    for (const name of ['', '/l', '/u', '/w', '/m']) mkdirSync(probe + name, { mode: 0o700 });
    setXattr(`${probe}/u`, `${markPrefix(format)}opaque`, Buffer.from('y'));
    const writable = { upper: 'u', work: 'w' };
    const request = { base: probe, lowers: ['l'], writable, userxattr: format === 'user' };
    const fd = detachedOverlay(request);
    if (fd !== undefined) closeFd(fd);
    else {
      mountOverlayByOptions(request, `${probe}/m`);
      unmount(`${probe}/m`, UMOUNT_NOFOLLOW);
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  } finally {
    removeTree(probe);
  }
}
