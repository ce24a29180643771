import { describe, expect, it } from 'vitest';
import { DEVICES } from './capabilities.ts';
import { type ConfigRequest, ociConfig } from './oci-config.ts';
import { seccompFilter } from './seccomp.ts';

interface Config {
  readonly process: {
    readonly user: object;
    readonly capabilities: Readonly<Record<string, readonly string[]>>;
  };
  readonly mounts: readonly {
    readonly destination: string;
    readonly source: string;
    readonly options: readonly string[];
  }[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[]; readonly seccomp?: object };
  readonly annotations?: object;
  readonly hooks?: {
    readonly createContainer: readonly { readonly path: string; readonly args: readonly string[] }[];
  };
}

const REQUEST: ConfigRequest = {
  process: {
    program: '/bin/sh',
    args: ['sh'],
    env: ['A=1'],
    cwd: '/work',
    user: { uid: 0, gid: 0, groups: [0, 7], home: '/root', name: 'root' },
    binds: [
      { source: '/host/x', target: 'x', kind: 'directory', readOnly: true },
      { source: '/dev/fuse', target: 'dev/fuse', kind: 'device', readOnly: false },
    ],
  },
  rootPath: '/merged',
  hostname: 'box',
  network: 'host',
  tty: false,
  rootless: false,
  privileged: false,
  canSetGroups: true,
  cgroup2: false,
  seccomp: undefined,
  devices: DEVICES,
  mayMakeDevices: true,
};
const make = (over: Partial<ConfigRequest> = {}): Config => ociConfig({ ...REQUEST, ...over }) as Config;
const types = (config: Config): string[] => config.linux.namespaces.map(({ type }) => type);

describe('ociConfig', () => {
  it('opens devices nowhere but at the usual device files and those the person asked for', () => {
    const open = make()
      .mounts.filter(({ options }) => !options.includes('nodev'))
      .map(({ destination }) => destination);
    const usual = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
    expect(open).toEqual(['/dev/pts', ...usual, '/dev/fuse']);
  });
  it('never gives inheritable or ambient capabilities, and another user than root only the bound', () => {
    const user = { uid: 5, gid: 6, groups: [6], home: '/', name: undefined };
    const { capabilities } = make({ process: { ...REQUEST.process, user } }).process;
    expect(Object.keys(capabilities).sort()).toEqual(['bounding', 'effective', 'permitted']);
    expect([capabilities.effective, capabilities.permitted]).toEqual([[], []]);
    expect(capabilities.bounding).toHaveLength(14);
    expect(make({ mayMakeDevices: false }).process.capabilities.bounding).not.toContain('CAP_MKNOD');
  });
  it('shuts the device files of a root whose runtime opens them, and not those of a privileged one', () => {
    const shutBy = { sh: '/bin/sh', mount: '/bin/mount', remounts: false };
    const words = (over: Partial<ConfigRequest>) => make({ shutBy, ...over }).hooks?.createContainer[0];
    expect(words({})).toEqual({
      path: '/bin/sh',
      args: [
        'sh',
        '-c',
        expect.any(String),
        '/bin/mount',
        '-n',
        '-o',
        'remount,bind,nodev',
        'none',
        '/merged',
      ],
    });
    expect(words({ confinement: { readOnlyRoot: true } })?.args).toContain('remount,bind,nodev,ro');
    expect(words({ privileged: true })).toBeUndefined();
    expect(make()).not.toHaveProperty('hooks');
  });
  it('shuts them by a mount where the runtime does so, and a root for reading only by a program still', () => {
    const shutBy = { sh: '/bin/sh', mount: '/bin/mount', remounts: true };
    const first = (over: Partial<ConfigRequest>) => {
      const { mounts, hooks } = make({ shutBy, ...over });
      return [mounts[0]?.destination, hooks?.createContainer[0]?.args.includes('/bin/mount')];
    };
    expect(make({ shutBy }).mounts[0]).toEqual({
      destination: '/.',
      type: 'bind',
      source: '/',
      options: ['bind', 'remount', 'nodev'],
    });
    expect(first({})).toEqual(['/.', undefined]);
    expect(first({ confinement: { readOnlyRoot: true } })).toEqual(['/proc', true]);
    expect(first({ privileged: true })).toEqual(['/proc', undefined]);
  });
  it('has a compiled filter beside the filter, and neither where nothing is filtered', () => {
    const of = (over: Partial<ConfigRequest>) => {
      const { annotations, linux } = make({ seccomp: seccompFilter('x64'), compiledFilter: 'BBBB', ...over });
      return [annotations, 'seccomp' in linux];
    };
    expect(of({})).toEqual([{ 'run.oci.seccomp_bpf_data': 'BBBB' }, true]);
    expect(of({ privileged: true })).toEqual([undefined, false]);
  });
  it('takes nothing away from a privileged process but another user namespace', () => {
    const config = make({ privileged: true });
    expect(config.linux).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
    expect(config.linux).not.toHaveProperty('seccomp');
    expect(config.process.capabilities.effective?.length).toBeGreaterThanOrEqual(14);
    const at = (destination: string, from: Config) =>
      from.mounts.filter((mount) => mount.destination === destination).map(({ source }) => source);
    expect(at('/dev', config)).toEqual(['/dev']);
    expect(at('/dev/null', config)).toEqual([]);
    expect(at('/dev', make({ privileged: true, rootless: true }))).toEqual(['tmpfs']);
  });
  it('has no annotation, no rlimit and no resource', () => {
    expect(JSON.stringify(make())).not.toMatch(/annotations|rlimits|resources|oomScore|cgroupsPath/);
  });
  it('has a network of its own only when it has none', () => {
    expect(types(make())).toEqual(['mount', 'uts', 'ipc', 'pid']);
    expect(types(make({ network: 'none', cgroup2: true }))).toEqual([
      'mount',
      'uts',
      'ipc',
      'pid',
      'network',
      'cgroup',
    ]);
  });
  it('asks for nothing that a user namespace forbids', () => {
    const config = make({ rootless: true, canSetGroups: false, devices: [] });
    const at = (destination: string) => config.mounts.find((mount) => mount.destination === destination);
    expect(at('/dev/pts')?.options).not.toContain('gid=5');
    expect(at('/sys')).toMatchObject({
      source: '/sys',
      options: expect.arrayContaining(['rbind', 'ro']) as string[],
    });
    expect(at('/dev/null')).toBeUndefined();
    expect(config.process.user).not.toHaveProperty('additionalGids');
  });
  it('mounts what the person binds after everything else', () => {
    expect(make().mounts.at(-2)).toEqual({
      destination: '/x',
      type: 'bind',
      source: '/host/x',
      options: ['rbind', 'rprivate', 'ro', 'nodev'],
    });
  });
});

describe('seccompFilter', () => {
  it('has each call in one list only, and no rule for what it does not know', () => {
    const filter = seccompFilter('x64')!;
    const lists = filter.syscalls.filter(({ args }) => args === undefined).flatMap(({ names }) => names);
    expect(new Set(lists).size).toBe(lists.length);
    expect(filter.defaultErrnoRet).toBe(38);
    expect(seccompFilter('mips')).toBeUndefined();
  });
  it('forbids what gets a container out, and allows what programs need', () => {
    const answer = (name: string): string | undefined =>
      seccompFilter('arm64')!.syscalls.find(({ names }) => names.includes(name))?.action;
    for (const name of [
      'mount',
      'setns',
      'unshare',
      'bpf',
      'kexec_load',
      'open_by_handle_at',
      'keyctl',
      'init_module',
    ]) {
      expect(answer(name), name).toBe('SCMP_ACT_ERRNO');
    }
    for (const name of ['openat', 'execve', 'chown', 'mknodat', 'chroot', 'futex', 'statx', 'close_range']) {
      expect(answer(name), name).toBe('SCMP_ACT_ALLOW');
    }
  });
});
