import { constants, existsSync, openSync, statfsSync } from 'node:fs';
import {
  bindMount,
  MS_PRIVATE,
  MS_RDONLY,
  mount,
  mountProc,
  restrictMount,
  setPropagation,
} from '../linux/mount.ts';
import { inNamespaceRoot } from '../linux/namespace-root.ts';
import { CGROUPS, useCgroupsAt } from './cgroups.ts';
import { readOwnNamespace } from './own-namespace.ts';

/** Makes this process's fresh mount and pid namespace its own: nothing that is mounted here shows outside, /proc shows only what runs inside, no runtime makes cgroups. `clientProc` is where the processes outside are seen. */
export function settleInNamespace(): { readonly clientProc: string } {
  makePrivate();
  // Closed when another program is started, as all of Node's: no container gets to it.
  const outer = openSync('/proc', constants.O_RDONLY | constants.O_DIRECTORY);
  mountProc('/proc');
  hideCgroups();
  return { clientProc: `/proc/self/fd/${outer}` };
}

/** Hides cgroups from what runs here, as in a keeper; this process still reaches them where it removes some. */
export function settleHere(): void {
  if (!existsSync(CGROUPS)) return;
  useCgroupsAt(`/proc/self/fd/${openSync(CGROUPS, constants.O_RDONLY | constants.O_DIRECTORY)}`);
  hideCgroups();
}

/** A mount in a namespace of its own still shows outside where the place is shared. In a plain chroot `/` is no mount: there it is made private from outside. */
function makePrivate(): void {
  try {
    setPropagation('/', MS_PRIVATE);
  } catch {
    inNamespaceRoot('/proc', () => setPropagation('/', MS_PRIVATE));
  }
}

const CGROUP2_SUPER_MAGIC = 0x63677270;

/**
 * Shows the cgroup v2 tree read-only and nothing else of cgroups: a runtime that cannot make a directory there makes none, so that nothing is left when
 * everything here is killed, and crun, which refuses the mixture of v1 and v2, works. Where even that is not possible the host's own view stays.
 */
function hideCgroups(): void {
  if (!existsSync(CGROUPS)) return;
  try {
    if (!isCgroup2(CGROUPS)) mountCgroup2();
    restrictMount(CGROUPS, MS_RDONLY);
  } catch {
    restrictQuietly();
  }
}

const isCgroup2 = (path: string): boolean => statfsSync(path).type === CGROUP2_SUPER_MAGIC;

/** Where a machine has it beside version 1, root binds it from there: a mount of its own is the same tree, and costs the kernel 5 to 12 ms. */
function mountCgroup2(): void {
  const beside = `${CGROUPS}/unified`;
  const isThere = existsSync(beside) && !readOwnNamespace().isUserNamespace && isCgroup2(beside);
  if (isThere) bindMount(beside, CGROUPS);
  else mount({ source: 'cgroup2', target: CGROUPS, type: 'cgroup2' });
}

function restrictQuietly(): void {
  try {
    restrictMount(CGROUPS, MS_RDONLY, true);
  } catch {
    // An ordinary user may not write there anyway.
  }
}
