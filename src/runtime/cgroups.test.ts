import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cgroupConfig, readCgroups } from './cgroups.ts';

const V1 = ['memory', 'cpu,cpuacct', 'cpuset', 'pids', 'devices'];

describe('limits by cgroups', () => {
  let root: string;
  const cgroup = 'a'.repeat(64);
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dobos-cgroups-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const lay = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
  };
  const v1 = (): void => lay(Object.fromEntries(V1.map((name) => [`${name}/cgroup.procs`, ''])));
  /** As Linux 6.12 shows the root of a machine with version 2 alone. */
  const v2 = (controllers: string): void =>
    lay({
      'cgroup.controllers': `${controllers}\n`,
      'cgroup.subtree_control': '',
      'system.slice/cgroup.procs': '',
    });

  it('tells the versions apart', () => {
    expect(readCgroups(root)).toMatchObject({ version: 'none' });
    expect(readCgroups(join(root, 'none'))).toMatchObject({ version: 'none' });
    v1();
    expect(readCgroups(root)).toMatchObject({ version: 'v1', swap: false });
    expect([...readCgroups(root).controllers].sort()).toEqual([
      'cpu',
      'cpuacct',
      'cpuset',
      'devices',
      'memory',
      'pids',
    ]);
    lay({
      'memory/memory.memsw.limit_in_bytes': '',
      'unified/cgroup.procs': '',
      'unified/cgroup.controllers': '',
    });
    expect(readCgroups(root)).toMatchObject({ version: 'hybrid', swap: true });
    expect(readCgroups(root).controllers.has('unified')).toBe(false);
  });

  it('of version 2 are what its root lists', () => {
    v2('cpuset cpu io memory hugetlb pids rdma misc');
    const facts = readCgroups(root);
    expect(facts).toMatchObject({ version: 'v2', swap: true });
    const limits = { cgroup, memory: 64 << 20, cpuQuota: 50_000, cpuPeriod: 100_000, cpus: '0', pids: 20 };
    expect(JSON.parse(JSON.stringify(cgroupConfig(limits, facts)))).toEqual({
      cgroupsPath: `/dobos/${cgroup}`,
      resources: {
        devices: [{ allow: true, access: 'rwm' }],
        memory: { limit: 67108864, swap: 134217728 },
        cpu: { period: 100000, quota: 50000, cpus: '0' },
        pids: { limit: 20 },
      },
    });
  });

  it.each([
    [
      'cpu io',
      { memory: 1e9 },
      /memory cannot be limited here: there is no cgroup controller "memory" \(v2\)/,
    ],
    ['memory', { cpuShares: 5 }, /no cgroup controller "cpu" \(v2\)/],
    ['memory cpu', { cpus: '0' }, /no cgroup controller "cpuset" \(v2\)/],
    ['memory cpu', { pids: 5 }, /no cgroup controller "pids" \(v2\)/],
    ['cpu', { memorySwap: 5 }, /swap cannot be limited here: this kernel does not count it/],
  ])('with %s alone %j is an error', (controllers, limits, words) => {
    v2(controllers);
    expect(() => cgroupConfig({ cgroup, ...limits }, readCgroups(root))).toThrow(words);
  });

  it('without any are an error', () => {
    expect(() => cgroupConfig({ cgroup, memory: 1e9 }, readCgroups(root))).toThrow(/there are no cgroups at/);
  });

  it('let swap be without a limit, also where it is not counted', () => {
    v1();
    const unlimited = (): unknown =>
      cgroupConfig({ cgroup, memory: 8 << 20, memorySwap: -1 }, readCgroups(root)).resources;
    expect(unlimited()).toMatchObject({ memory: { limit: 8 << 20, swap: undefined } });
    lay({ 'memory/memory.memsw.limit_in_bytes': '' });
    expect(unlimited()).toMatchObject({ memory: { limit: 8 << 20, swap: -1 } });
  });

  it('leave swap alone where it is not counted', () => {
    v1();
    expect(cgroupConfig({ cgroup, memory: 8 << 20 }, readCgroups(root)).resources).toMatchObject({
      memory: { swap: undefined },
    });
  });
});
