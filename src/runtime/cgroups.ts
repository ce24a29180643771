import { existsSync, readdirSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { MNT_DETACH, mount, unmount } from '../linux/mount.ts';
import { runtimeError } from './errors.ts';
import type { ResourceLimits } from './types.ts';

export const CGROUPS = '/sys/fs/cgroup';
/** Of all cgroups made here, below the root of each hierarchy. */
const PARENT = 'dobos';
const CGROUP2_SUPER_MAGIC = 0x63677270;

/** The tree of the machine, where this process sees it. */
let ownCgroups = CGROUPS;

/** From now on cgroups are removed below this path: CGROUPS is covered in this process's mount namespace. */
export function useCgroupsAt(path: string): void {
  ownCgroups = path;
}

/** What the machine can limit, by the controllers that are there. `hybrid`: the controllers of version 1, and version 2 mounted beside them without any. */
export interface CgroupFacts {
  readonly version: 'v1' | 'v2' | 'hybrid' | 'none';
  readonly controllers: ReadonlySet<string>;
  /** Swap can be limited too. */
  readonly swap: boolean;
}

/** What the tree of cgroups at `root` offers. */
export function readCgroups(root = CGROUPS): CgroupFacts {
  const unified = textOr(join(root, 'cgroup.controllers'));
  if (unified !== undefined) {
    // Of the root; the controllers that its children may get.
    const controllers = new Set(unified.split(/\s+/).filter((name) => name !== ''));
    return { version: 'v2', controllers, swap: controllers.has('memory') };
  }
  const names = namesOr(root).filter((name) => existsSync(join(root, name, 'cgroup.procs')));
  const hasUnified = names.some((name) => existsSync(join(root, name, 'cgroup.controllers')));
  const controllers = new Set(
    names
      .filter((name) => !existsSync(join(root, name, 'cgroup.controllers')))
      .flatMap((name) => name.split(',')),
  );
  if (controllers.size === 0) return { version: 'none', controllers, swap: false };
  const swap = existsSync(join(root, 'memory/memory.memsw.limit_in_bytes'));
  return { version: hasUnified ? 'hybrid' : 'v1', controllers, swap };
}

/** The part of an OCI configuration that limits a container: the same words for both versions of cgroups, runtimes translate. @throws RUNTIME_LIMIT for what cannot be limited here */
export function cgroupConfig(
  limits: ResourceLimits,
  facts: CgroupFacts,
): { readonly cgroupsPath: string; readonly resources: unknown } {
  const refuse = (what: string, why: string): never => {
    throw runtimeError('RUNTIME_LIMIT', { what, why });
  };
  const need = (controller: string, what: string): void => {
    if (facts.controllers.has(controller)) return;
    refuse(
      what,
      facts.version === 'none'
        ? `there are no cgroups at ${CGROUPS}`
        : `there is no cgroup controller "${controller}" (${facts.version})`,
    );
  };
  const { memory, memorySwap, memoryReservation, cpuShares, cpuPeriod, cpuQuota, cpus, pids } = limits;
  if (memory !== undefined || memoryReservation !== undefined) need('memory', 'memory');
  if (memorySwap !== undefined && memorySwap >= 0 && !facts.swap)
    refuse('swap', 'this kernel does not count it');
  if (cpuShares !== undefined || cpuPeriod !== undefined || cpuQuota !== undefined)
    need('cpu', 'the time of processors');
  if (cpus !== undefined) need('cpuset', 'which processors are used');
  if (pids !== undefined) need('pids', 'the number of processes');
  // As docker: so much swap as memory, if nothing else is said.
  const swap = facts.swap ? (memorySwap ?? (memory === undefined ? undefined : memory * 2)) : undefined;
  return {
    cgroupsPath: `/${PARENT}/${limits.cgroup}`,
    resources: {
      // Device files are kept out by how file systems are mounted.
      devices: [{ allow: true, access: 'rwm' }],
      ...(memory === undefined && memoryReservation === undefined
        ? {}
        : { memory: { limit: memory, reservation: memoryReservation, swap } }),
      ...(cpuShares === undefined && cpuPeriod === undefined && cpuQuota === undefined && cpus === undefined
        ? {}
        : { cpu: { shares: cpuShares, period: cpuPeriod, quota: cpuQuota, cpus } }),
      ...(pids === undefined ? {} : { pids: { limit: pids } }),
    },
  };
}

/** Shows the cgroups of the machine in this process's mount namespace, writable, until the function returned is called. */
export function showCgroups(): () => void {
  if (statfsSync(CGROUPS).type !== CGROUP2_SUPER_MAGIC) return () => {};
  // On a machine with version 1 this is the cover that the keeper has put there (keeper-namespace.ts).
  const under = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter((line) => line.split(' ')[4] === CGROUPS);
  if (under.length > 1) {
    unmount(CGROUPS, MNT_DETACH);
    return () => {};
  }
  mount({ source: 'cgroup2', target: CGROUPS, type: 'cgroup2' });
  return () => unmount(CGROUPS, MNT_DETACH);
}

/**
 * Removes the cgroups of a container in which no process is any more: a runtime that was killed has left them. False if somebody is in one. What holds those of all
 * containers stays: another may be about to make its own there.
 */
export function removeCgroups(cgroup: string, root = ownCgroups): boolean {
  if (!/^[0-9a-f]{64}$/.test(cgroup)) return true;
  let gone = true;
  for (const base of [root, ...namesOr(root).map((name) => join(root, name))]) {
    try {
      rmdirSync(join(base, PARENT, cgroup));
    } catch (error) {
      // Others are not there, or not ours.
      if (systemCode(error) === 'EBUSY') gone = false;
    }
  }
  return gone;
}

/** Between two tries, and of all of them, in milliseconds. */
const PAUSE_MS = 10;
const LONGEST_MS = 2000;

/** The same of a container that was killed: its last processes are given the time to end. */
export async function removeCgroupsInTime(cgroup: string): Promise<boolean> {
  const began = performance.now();
  while (!removeCgroups(cgroup)) {
    if (performance.now() - began > LONGEST_MS) return false;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
  return true;
}

function textOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function namesOr(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
