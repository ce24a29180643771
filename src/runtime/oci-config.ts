import type { TerminalSize } from '../linux/pty.ts';
import { capabilitiesOf, MASKED_PATHS, READ_ONLY_PATHS } from './capabilities.ts';
import type { JoinedNetwork } from './network/types.ts';
import type { FileBind, PreparedProcess } from './prepare-process.ts';
import type { SeccompFilter } from './seccomp.ts';
import type { Confinement, ResourceLimit } from './types.ts';

/** What a container's config.json is made from. */
export interface ConfigRequest {
  readonly process: PreparedProcess;
  readonly rootPath: string;
  readonly hostname: string;
  readonly network: 'host' | 'none' | Pick<JoinedNetwork, 'path'>;
  readonly tty: boolean;
  /** That the terminal begins with; runc finds out by itself. */
  readonly size?: TerminalSize | undefined;
  readonly shmBytes?: number | undefined;
  readonly confinement?: Confinement | undefined;
  /** A cgroup with its limits; none without it. */
  readonly limited?: { readonly cgroupsPath: string; readonly resources: unknown } | undefined;
  readonly limits?: readonly ResourceLimit[] | undefined;
  /** The keeper lives in a user namespace: some mounts are not possible there (oci.md c.5). */
  readonly rootless: boolean;
  /** All capabilities, no filter, nothing masked; with root's rights the host's devices. */
  readonly privileged: boolean;
  readonly canSetGroups: boolean;
  /** Cgroup v2 alone is mounted on the host: the container gets a view of its own. */
  readonly cgroup2: boolean;
  readonly seccomp: SeccompFilter | undefined;
  /** That filter as crun compiled it before, in Base64. */
  readonly compiledFilter?: string | undefined;
  /** Device files of the host to show; none in a user namespace, where the runtime itself binds them and fails over a file that is bound already. */
  readonly devices: readonly string[];
  /** False for a runtime that leaves device files of the root open. */
  readonly mayMakeDevices: boolean;
  /** For a runtime that takes the flag off the root which keeps them shut: it is put on again before anything runs. */
  readonly shutBy?: RootShutter | undefined;
  /** A file that is copied once the process runs. */
  readonly copied?: CopyHook | undefined;
}

/** Paths of programs of the host. */
export interface RootShutter {
  readonly sh: string;
  /** Util-linux's. */
  readonly mount: string;
  /** The runtime remounts what is mounted already, so that the programs are only needed for a root that cannot be written to: its flags are set last of all. */
  readonly remounts: boolean;
}

/** Paths of the host. */
export interface CopyHook {
  readonly sh: string;
  readonly cp: string;
  readonly from: string;
  readonly to: string;
}

interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/**
 * The runtime-spec 1.0.2 document as docker would write it (oci.md c.1), with three differences: no cgroup is asked for, nothing of the image's labels
 * becomes an annotation (CVE-2026-53488; the only one is a filter of ours), and instead of a device cgroup every file system of the container is mounted
 * without devices and the usual device files are bound from the host.
 */
export function ociConfig(request: ConfigRequest): unknown {
  const { rootless, privileged, confinement = {}, compiledFilter } = request;
  const isReadOnly = confinement.readOnlyRoot === true;
  const shutBy = privileged ? undefined : request.shutBy;
  const isRemounted = shutBy?.remounts === true && !isReadOnly;
  const shown = privileged || confinement.unmasked === true;
  const { sysctls = {} } = confinement;
  const { binds } = request.process;
  return {
    ociVersion: '1.0.2',
    process: processDocument(request),
    root: { path: request.rootPath, readonly: isReadOnly },
    ...(request.hostname === '' ? {} : { hostname: request.hostname }),
    ...hooks(request, isRemounted ? undefined : shutBy),
    ...(privileged || compiledFilter === undefined
      ? {}
      : { annotations: { [COMPILED_FILTER]: compiledFilter } }),
    mounts: [
      ...(isRemounted ? [SHUT_ROOT] : []),
      ...kernelMounts(request),
      ...(hasHostDevices(request) ? [] : request.devices).map(deviceMount),
      ...binds.map(bindMount),
    ],
    linux: {
      namespaces: [
        ...['mount', 'uts', 'ipc', 'pid'].map((type) => ({ type })),
        ...networkNamespace(request.network),
        ...(request.cgroup2 ? [{ type: 'cgroup' }] : []),
      ],
      maskedPaths: shown ? [] : MASKED_PATHS,
      readonlyPaths: shown ? [] : READ_ONLY_PATHS,
      ...(Object.keys(sysctls).length === 0 ? {} : { sysctl: sysctls }),
      ...(request.limited ?? {}),
      // Private: a mount that the container's root cannot make anyway must never reach the keeper.
      rootfsPropagation: rootless ? 'slave' : 'private',
      ...(privileged || request.seccomp === undefined ? {} : { seccomp: request.seccomp }),
    },
  };
}

/** What of `ConfigRequest` is about one program. */
export type ProgramRequest = Pick<
  ConfigRequest,
  'process' | 'tty' | 'size' | 'privileged' | 'canSetGroups' | 'mayMakeDevices' | 'confinement' | 'limits'
>;

function processDocument(request: ProgramRequest): unknown {
  const { privileged, limits = [], confinement = {} } = request;
  const { args, env, cwd, user } = request.process;
  const { oomScoreAdj } = confinement;
  const capabilities = capabilitiesOf(privileged, confinement)
    .map(({ name }) => name)
    .filter((name) => privileged || request.mayMakeDevices || name !== 'CAP_MKNOD');
  const own = user.uid === 0 ? capabilities : [];
  return {
    terminal: request.tty,
    ...(request.tty && request.size !== undefined
      ? { consoleSize: { height: request.size.rows, width: request.size.columns } }
      : {}),
    user: {
      uid: user.uid,
      gid: user.gid,
      umask: 0o022,
      ...(request.canSetGroups ? { additionalGids: user.groups } : {}),
    },
    args,
    env,
    cwd,
    capabilities: { bounding: capabilities, effective: own, permitted: own },
    noNewPrivileges: confinement.noNewPrivileges === true,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(limits.length === 0 ? {} : { rlimits: limits.map(rlimit) }),
  };
}

/** Reads what the runtime tells every hook, which takes it for a failure of the hook when nobody does; then runs its arguments. */
const HEAR = 'read -r _; exec "$0" "$@"';

const hook = (sh: string, words: readonly string[]) => [{ path: sh, args: ['sh', '-c', HEAR, ...words] }];

/** Runtime-spec 1.0.2, POSIX-platform Hooks. */
function hooks(
  { rootPath, copied, confinement = {} }: ConfigRequest,
  shutBy: RootShutter | undefined,
): { readonly hooks?: unknown } {
  const flags = ['remount', 'bind', 'nodev', ...(confinement.readOnlyRoot === true ? ['ro'] : [])];
  const all = {
    // In the container's mount namespace, when all is mounted and its root is not yet `/`. With a source and a folder `mount` reads no fstab.
    ...(shutBy && {
      createContainer: hook(shutBy.sh, [shutBy.mount, '-n', '-o', flags.join(','), 'none', rootPath]),
    }),
    ...(copied && { poststart: hook(copied.sh, [copied.cp, copied.from, copied.to]) }),
  };
  return Object.keys(all).length === 0 ? {} : { hooks: all };
}

/**
 * Sets the root's flags before anything is mounted on it. The source is looked at and not used; `/.` because crun takes `/` for no place to mount on.
 * It is not in the runtime-spec, so only the trial tells who does it.
 */
const SHUT_ROOT: OciMount = {
  destination: '/.',
  type: 'bind',
  source: '/',
  options: ['bind', 'remount', 'nodev'],
};

/** crun(1): raw instructions for seccomp(2) in Base64, instead of those that it would compile from `linux.seccomp`, which is for who does not know the annotation. */
const COMPILED_FILTER = 'run.oci.seccomp_bpf_data';

function networkNamespace(network: ConfigRequest['network']): object[] {
  if (network === 'host') return [];
  return [network === 'none' ? { type: 'network' } : { type: 'network', path: network.path }];
}

/** Of /dev/shm, as docker has it. */
export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;

/** The document as JSON: limits that are none are the largest number of 64 bits, which no number of JavaScript holds. */
export const ociConfigText = (request: ConfigRequest): string => textOf(ociConfig(request));

/** The runtime-spec's `process` as JSON, for one more program. */
export const processText = (request: ProgramRequest): string => textOf(processDocument(request));

const textOf = (document: unknown): string =>
  JSON.stringify(document).replace(/"(soft|hard)":null/g, '"$1":18446744073709551615');

const rlimit = ({ name, soft, hard }: ResourceLimit) => ({
  type: `RLIMIT_${name.toUpperCase()}`,
  soft: soft ?? null,
  hard: hard ?? null,
});

/** In a user namespace the runtime binds the few device files that programs need, and no others could be opened. */
const hasHostDevices = ({ privileged, rootless }: ConfigRequest): boolean => privileged && !rootless;

function kernelMounts(request: ConfigRequest): OciMount[] {
  const bare = ['nosuid', 'noexec', 'nodev'];
  const readOnly = request.privileged ? [] : ['ro'];
  // The host's network shows in sysfs: who does not own that network may only bind the host's.
  const bindSys = request.rootless && request.network === 'host';
  return [
    mountOf('/proc', 'proc', bare),
    hasHostDevices(request)
      ? { destination: '/dev', type: 'none', source: '/dev', options: ['rbind', 'rprivate', 'nosuid'] }
      : mountOf('/dev', 'tmpfs', ['nosuid', 'nodev', 'strictatime', 'mode=755', 'size=65536k']),
    mountOf('/dev/pts', 'devpts', [
      'nosuid',
      'noexec',
      'newinstance',
      'ptmxmode=0666',
      'mode=0620',
      ...(request.rootless ? [] : ['gid=5']),
    ]),
    mountOf('/dev/shm', 'tmpfs', [...bare, 'mode=1777', `size=${request.shmBytes ?? DEFAULT_SHM_BYTES}`]),
    mountOf('/dev/mqueue', 'mqueue', bare),
    bindSys
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...bare, ...readOnly] }
      : mountOf('/sys', 'sysfs', [...bare, ...readOnly]),
    ...(request.cgroup2 && !bindSys ? [mountOf('/sys/fs/cgroup', 'cgroup', ['ro', ...bare])] : []),
  ];
}

function mountOf(destination: string, type: string, options: readonly string[]): OciMount {
  return { destination, type, source: type, options };
}

function deviceMount(name: string): OciMount {
  return {
    destination: `/dev/${name}`,
    type: 'bind',
    source: `/dev/${name}`,
    options: ['bind', 'nosuid', 'noexec'],
  };
}

function bindMount(bind: FileBind): OciMount {
  return {
    destination: `/${bind.target}`,
    type: 'bind',
    source: bind.source,
    options: [
      bind.kind === 'directory' ? 'rbind' : 'bind',
      'rprivate',
      bind.readOnly ? 'ro' : 'rw',
      ...(bind.kind === 'device' ? [] : ['nodev']),
      ...(bind.without ?? []),
    ],
  };
}
