import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { MS_PRIVATE, MS_RDONLY, mount, mountProc, restrictMount, setPropagation } from '../linux/mount.ts';

/** Makes this process's fresh mount and pid namespace its own: nothing that is mounted here shows outside, /proc shows only what runs inside, no runtime makes cgroups. */
export function settleInNamespace(): void {
  makePrivate();
  mountProc('/proc');
  hideCgroups();
}

/** A mount in a namespace of its own still shows outside where the place is shared; in a plain chroot `/` is no mount and each is made private by name. */
function makePrivate(): void {
  try {
    setPropagation('/', MS_PRIVATE);
    return;
  } catch {
    // EINVAL: this is a chroot.
  }
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const target = line.split(' ')[4];
    if (target === undefined) continue;
    try {
      setPropagation(unescapeOctal(target), MS_PRIVATE, false);
    } catch {
      // Covered by another mount.
    }
  }
}

/** proc(5), mountinfo: space, tab, newline and backslash are written in octal. */
const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const CGROUPS = '/sys/fs/cgroup';
const CGROUP2_SUPER_MAGIC = 0x63677270;

/**
 * Shows the cgroup v2 tree read-only and nothing else of cgroups: a runtime that cannot make a directory there makes none, so that nothing is left when
 * everything here is killed, and crun, which refuses the mixture of v1 and v2, works. Where even that is not possible the host's own view stays.
 */
function hideCgroups(): void {
  if (!existsSync(CGROUPS)) return;
  const already = statfsSync(CGROUPS).type === CGROUP2_SUPER_MAGIC;
  try {
    if (!already) mount({ source: 'cgroup2', target: CGROUPS, type: 'cgroup2' });
    restrictMount(CGROUPS, MS_RDONLY);
  } catch {
    restrictQuietly();
  }
}

function restrictQuietly(): void {
  try {
    restrictMount(CGROUPS, MS_RDONLY, true);
  } catch {
    // An ordinary user may not write there anyway.
  }
}
