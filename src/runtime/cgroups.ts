import { existsSync, readdirSync, readFileSync, rmdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MNT_DETACH, mount, unmount } from '../linux/mount.ts';
import { runtimeError } from './errors.ts';
import type { ResourceLimits } from './types.ts';

export const CGROUPS = '/sys/fs/cgroup';
/** Of all cgroups made here, below the root of each hierarchy. */
const PARENT = 'dobos';
const CGROUP2_SUPER_MAGIC = 0x63677270;

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

/** Removes the cgroups of a container in which no process is any more: a runtime that was killed has left them. What holds those of all containers stays: another may be about to make its own there. */
export function removeCgroups(cgroup: string, root = CGROUPS): void {
  if (!/^[0-9a-f]{64}$/.test(cgroup)) return;
  for (const base of [root, ...namesOr(root).map((name) => join(root, name))]) {
    try {
      rmdirSync(join(base, PARENT, cgroup));
    } catch {
      // Not there, or somebody is in it.
    }
  }
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
