import { closeSync, existsSync, lstatSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import {
  bindMount,
  MNT_DETACH,
  MS_MOVE,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_STRICTATIME,
  mount,
  mountProc,
  mountTmpfs,
  restrictMount,
  unmount,
} from '../linux/mount.ts';
import { changeRoot, pivotRootHere } from '../linux/process.ts';
import { DEVICES, MASKED_PATHS, READ_ONLY_PATHS } from './capabilities.ts';
import type { ChrootTask } from './chroot-task.ts';
import { runtimeError } from './errors.ts';
import { DEFAULT_SHM_BYTES } from './oci-config.ts';
import type { FileBind } from './prepare-process.ts';
import { kindInRoot, makeDirectories, makeEmptyFile, resolveInRoot } from './root-path.ts';

const BARE = MS_NOSUID | MS_NODEV | MS_NOEXEC;

/** Mounts over the root what a container has: /proc, /sys, /dev, the binds, and the masks. In the step's own mount and pid namespace. @throws LINUX_CALL */
export function mountContainer(task: ChrootTask): void {
  const { merged } = task;
  bindMount(merged, merged, { flags: task.privileged ? 0 : MS_NODEV });
  mountProc(join(merged, 'proc'));
  mountSys(join(merged, 'sys'), task);
  mountDev(join(merged, 'dev'), task);
  for (const bind of task.process.binds) mountBind(merged, bind);
  const { confinement = {} } = task;
  for (const [name, value] of Object.entries(confinement.sysctls ?? {})) setSysctl(merged, name, value);
  if (confinement.readOnlyRoot === true) restrictMount(merged, MS_RDONLY);
  if (task.privileged || confinement.unmasked === true) return;
  for (const path of READ_ONLY_PATHS) makeReadOnly(join(merged, path));
  for (const path of MASKED_PATHS) mask(join(merged, path));
}

/** @throws RUNTIME_SYSCTL */
function setSysctl(merged: string, name: string, value: string): void {
  try {
    writeFileSync(join(merged, 'proc/sys', ...name.split('.')), value);
  } catch (error) {
    throw runtimeError(
      'RUNTIME_SYSCTL',
      { name, code: systemCode(error) ?? String(error) },
      { cause: error },
    );
  }
}

/** With the host's network only the host's sysfs can be shown by who does not own that network. */
function mountSys(sys: string, task: ChrootTask): void {
  const readOnly = task.privileged ? 0 : MS_RDONLY;
  if (!task.rootless || task.network === 'none') {
    try {
      mount({ source: 'sysfs', target: sys, type: 'sysfs', flags: BARE | readOnly });
      return;
    } catch {
      // Inside another container: its own view is all there is.
    }
  }
  bindMount('/sys', sys, { recursive: true, readOnly: !task.privileged, flags: BARE });
}

/** dev(4) as every container has it: links into /proc, a private /dev/pts and /dev/shm. */
const DEV_LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['ptmx', 'pts/ptmx'],
];

function mountDev(dev: string, task: ChrootTask): void {
  const { rootless, privileged } = task;
  if (privileged && !rootless) {
    bindMount('/dev', dev, { recursive: true, flags: MS_NOSUID });
    mountDevFolders(dev, task);
    return;
  }
  mountTmpfs(dev, 'mode=755,size=65536k', MS_NOSUID | MS_NODEV | MS_STRICTATIME);
  for (const name of DEVICES) {
    if (!existsSync(`/dev/${name}`)) continue;
    const target = join(dev, name);
    closeSync(openSync(target, 'wx', 0o666));
    bindMount(`/dev/${name}`, target);
    restrictMount(target, MS_NOSUID | MS_NOEXEC);
  }
  for (const [name, target] of DEV_LINKS) symlinkSync(target, join(dev, name));
  for (const name of ['pts', 'shm', 'mqueue']) mkdirSync(join(dev, name), { mode: 0o755 });
  mountDevFolders(dev, task);
}

function mountDevFolders(dev: string, { rootless, shmBytes }: ChrootTask): void {
  const group = rootless ? '' : ',gid=5';
  mount({
    source: 'devpts',
    target: join(dev, 'pts'),
    type: 'devpts',
    flags: MS_NOSUID | MS_NOEXEC,
    data: `newinstance,ptmxmode=0666,mode=0620${group}`,
  });
  mountTmpfs(join(dev, 'shm'), `mode=1777,size=${shmBytes ?? DEFAULT_SHM_BYTES}`, BARE);
  try {
    mount({ source: 'mqueue', target: join(dev, 'mqueue'), type: 'mqueue', flags: BARE });
  } catch {
    // Kernels without POSIX message queues; an empty folder is what is left.
  }
}

function mountBind(merged: string, bind: FileBind): void {
  // Once more, now over what is mounted already: a link in there must not lead out of the root.
  const place = resolveInRoot(merged, bind.target);
  // Missing only below /dev or below another bind: everything else was made and recorded before.
  if (kindInRoot(place) === 'missing') {
    (bind.kind === 'directory' ? makeDirectories : makeEmptyFile)(merged, place);
  }
  const without = (bind.without ?? []).map((flag) => (flag === 'nosuid' ? MS_NOSUID : MS_NOEXEC));
  bindMount(bind.source, place.host, {
    recursive: bind.kind === 'directory',
    readOnly: bind.readOnly,
    flags: without.reduce((flags, flag) => flags | flag, bind.kind === 'device' ? 0 : MS_NODEV),
  });
}

function makeReadOnly(path: string): void {
  if (existsSync(path)) bindMount(path, path, { recursive: true, readOnly: true, flags: BARE });
}

/** Nothing can be read there any more: an empty read-only folder over a folder, /dev/null over a file. */
function mask(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isSymbolicLink()) return;
  if (stat.isDirectory()) mountTmpfs(path, 'mode=555,size=4k', BARE | MS_RDONLY);
  else bindMount('/dev/null', path);
}

/**
 * Makes the root the root of this process. `pivot`: the host's tree is gone from this namespace. `chroot`: where that is impossible (this process is itself in
 * a chroot) the tree is only out of reach, and the right to change the root must be taken away.
 */
export function enterRoot(merged: string): 'pivot' | 'chroot' {
  process.chdir(merged);
  try {
    pivotRootHere();
  } catch {
    mount({ source: merged, target: '/', flags: MS_MOVE });
    changeRoot('.');
    process.chdir('/');
    return 'chroot';
  }
  unmount('.', MNT_DETACH);
  process.chdir('/');
  return 'pivot';
}
