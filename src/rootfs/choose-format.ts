import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { closeFd } from '../linux/at.ts';
import { errnoOf } from '../linux/libc.ts';
import { UMOUNT_NOFOLLOW, unmount } from '../linux/mount.ts';
import { detachedOverlay, mountOverlayByOptions } from '../linux/overlay.ts';
import { setXattr } from '../linux/xattr.ts';
import type { Notes } from '../store/contract.ts';
import { markPrefix } from './overlay-marks.ts';
import { removeTree } from './remove-tree.ts';
import type { SnapshotFormat } from './snapshot-names.ts';

/** True if this process is root only inside a user namespace. */
export function isRootless(): boolean {
  if (process.geteuid?.() !== 0) return true;
  const map = readFileSync('/proc/self/uid_map', 'latin1').trim().split(/\s+/);
  return !(map[0] === '0' && map[1] === '0' && map[2] === '4294967295');
}

/**
 * The best format that works in this folder, by trying: nothing else tells whether a kernel, a file system and a namespace agree on overlayfs. An overlay that worked
 * is remembered, as trying costs 3 ms; that none does is not, so that a repaired machine is noticed.
 */
export async function chooseFormat(
  folder: string,
  rootless: boolean,
  notes: Pick<Notes, 'get' | 'put'>,
): Promise<SnapshotFormat> {
  const key = circumstances(folder, rootless);
  const known = (await notes.get(NOTE, key))?.toString('latin1');
  const candidates: readonly ('trusted' | 'user')[] = rootless ? ['user'] : ['trusted', 'user'];
  const remembered = candidates.find((format) => format === known);
  if (remembered !== undefined) return remembered;
  const format = candidates.find((candidate) => worksHere(folder, candidate));
  // A store that cannot be written to stops nothing: it is tried out again.
  if (format !== undefined) await notes.put(NOTE, key, Buffer.from(format)).catch(() => {});
  return format ?? 'whole';
}

const NOTE = 'format';

/** The kernel as it was started, the file system, and what this process may do: its rights and whether calls are filtered (proc_pid_status(5)). */
function circumstances(folder: string, rootless: boolean): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  const status = readFileSync('/proc/self/status', 'latin1');
  const [rights, filter] = ['CapEff', 'Seccomp'].map(
    (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '',
  );
  return [boot, statSync(folder).dev, rootless ? 'user' : 'root', rights, filter].join('-');
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
