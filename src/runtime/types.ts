/**
 * Processes in containers. Executors run inside the keeper process (its own mount and pid namespaces, for an ordinary user its own
 * user namespace too); everything outside talks to the keeper.
 * @module
 */
import type { CallOptions, WatchOptions } from '../base/options.ts';
import type { TerminalSize } from '../linux/pty.ts';
import type { ResourceName } from '../linux/resource-limits.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { CacheMountChoice, CacheMountUse, RootChange, RootPlace, StagedFile } from '../rootfs/types.ts';
import type { JoinedNetwork, NetworkPlan, OpenNetwork } from './network/types.ts';

export interface BindMount {
  /** An absolute host path. */
  readonly source: string;
  /** An absolute path in the container. */
  readonly target: string;
  readonly readOnly: boolean;
  /** Takes away more than devices: set-user-id bits, and starting programs. */
  readonly without?: readonly ('nosuid' | 'noexec')[] | undefined;
  /** Made for this run alone, and beside the root: where nothing can be mounted it may be moved into the root and out again. */
  readonly own?: boolean | undefined;
  /** The volume that it is of. */
  readonly volume?: string | undefined;
  /** While the source is empty, what the root has at the target is copied into it first. */
  readonly fill?: boolean | undefined;
  /** Left out where nothing can be mounted. */
  readonly optional?: boolean | undefined;
}

/** A file system in memory that a container has. */
export interface MemoryMount {
  readonly target: string;
  readonly size?: number | undefined;
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly readOnly?: boolean | undefined;
  readonly without?: BindMount['without'];
}

/** A name that /etc/hosts of the container knows, beside those of the machine. */
export interface HostName {
  readonly name: string;
  /** An IPv4 or IPv6 address. */
  readonly address: string;
}

/** A limit of setrlimit(2) on the process. */
export interface ResourceLimit {
  readonly name: ResourceName;
  /** In the unit of the resource; undefined: unlimited. */
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

/** What a process may more, or less, than docker's default allows. Names of capabilities are the kernel's, as `CAP_CHOWN`, or `ALL`. */
export interface Confinement {
  readonly capAdd?: readonly string[] | undefined;
  readonly capDrop?: readonly string[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  /** Instead of our filter: none, or one in the form of docker's profiles. */
  readonly seccomp?: 'unconfined' | Readonly<Record<string, unknown>> | undefined;
  /** Nothing of /proc and /sys is hidden or made read-only. */
  readonly unmasked?: boolean | undefined;
  readonly readOnlyRoot?: boolean | undefined;
  /** Of the container's own namespaces, as `net.ipv4.ip_forward`. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  readonly oomScoreAdj?: number | undefined;
}

/** What a container may use of the machine, by cgroups. */
export interface ResourceLimits {
  /** The id of the container: its cgroup's name. */
  readonly cgroup: string;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** Bytes of memory and swap together; -1: as much as there is. */
  readonly memorySwap?: number | undefined;
  readonly memoryReservation?: number | undefined;
  /** A weight: 1024 is usual. */
  readonly cpuShares?: number | undefined;
  /** Microseconds. */
  readonly cpuPeriod?: number | undefined;
  readonly cpuQuota?: number | undefined;
  /** Which processors, as `0-3,8`. */
  readonly cpus?: string | undefined;
  readonly pids?: number | undefined;
}

/** What /etc/resolv.conf of the container says in place of the machine's. */
export interface DnsChoice {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** What runs in a container. */
export interface Process {
  readonly args: readonly string[];
  /** `NAME=value`, in order; the executor adds PATH and HOME if missing, HOSTNAME, and TERM with a tty. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** As in the image config: `user|uid[:group|gid]`, '' = root. Names are resolved in the root's own files (oci.md c.2). */
  readonly user: string;
  readonly network: 'host' | 'none' | JoinedNetwork;
  readonly hostname: string;
  readonly tty: boolean;
  /** One of a row of processes without terminal and input: the executor may get ready for the next. */
  readonly mayBeFollowed?: boolean | undefined;
  /** The last of its row: nothing is got ready behind it. */
  readonly isLast?: boolean | undefined;
  /** All capabilities, no seccomp filter, nothing masked, the host's devices: `RUN --security=insecure`. */
  readonly privileged?: boolean | undefined;
  readonly binds: readonly BindMount[];
  readonly hosts?: readonly HostName[] | undefined;
  /** Bytes of /dev/shm; 64 MiB without it. */
  readonly shmBytes?: number | undefined;
  readonly memory?: readonly MemoryMount[] | undefined;
  readonly confinement?: Confinement | undefined;
  readonly resources?: ResourceLimits | undefined;
  /** Groups besides those of the user: names of the image, or numbers. */
  readonly groups?: readonly string[] | undefined;
  readonly dns?: DnsChoice | undefined;
  /** A program of the host, linked statically, that is process 1 and starts this one: it reaps what others leave, and passes signals on. */
  readonly init?: string | undefined;
  readonly limits?: readonly ResourceLimit[] | undefined;
}

export interface ExitStatus {
  /** As docker: the process's own, 125 own failure, 126 not executable, 127 not found, 128+n for signals. */
  readonly code: number;
  readonly signal?: string | undefined;
  /** Why nothing was started at all; its words are on standard error already. */
  readonly refused?: string | undefined;
}

/** Where a container's standard streams go. `inherit`: to those of the person who started us. `fed`: what the reach of the program writes. `terminal`: all three are a terminal of its own, what it shows comes as events of stdout. */
export interface ContainerIo {
  readonly stdin: 'null' | 'inherit' | 'fed';
  readonly output: 'events' | 'inherit' | 'terminal';
  /** Of a terminal of its own. */
  readonly size?: TerminalSize | undefined;
}

export type Output = { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array };

/** How a program that runs is reached. What comes when it has ended is lost without an error. */
export interface ProgramReach {
  /** Gives bytes to an input that is `fed`; returns when it has room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends that input. */
  end(): void;
  /** Changes the size of a terminal of its own. */
  resize(size: TerminalSize): void;
}

/** One more program for a container that runs. What is absent is as in `Process`. */
export interface ExecProcess extends Pick<Process, 'args' | 'env' | 'cwd' | 'user' | 'tty' | 'privileged'> {
  /** Whether it has an input: what is written to it. Otherwise stdin is /dev/null. */
  readonly interactive: boolean;
  readonly size?: TerminalSize | undefined;
}

/** A container that runs, as its executor knows it. */
export interface RunningContainer {
  /** Its first process, by its pid here. @throws RUNTIME_FAILED when it has ended */
  first(): number;
  /** Refuses what is done to all of its processes, where they cannot be told from others. @throws RUNTIME_UNISOLATED */
  refuseAll?(): void;
  /** Runs one more program in it; how that ended. */
  exec(process: ExecProcess, o?: RunWatch): Promise<ExitStatus>;
}

export interface ExecutorWatch extends RunWatch {
  /** Told before `onStarted`; what it does fails until then. */
  readonly onContainer?: ((container: RunningContainer) => void) | undefined;
}

export interface RunWatch extends WatchOptions<Output> {
  /** Told once, when the program runs; never if nothing was started, nor of a program on this process's own streams that has ended within milliseconds. */
  readonly onStarted?: ((program: ProgramReach) => void) | undefined;
}

/** A mounted root, and a folder for what a run needs beside it. */
export interface ProcessRoot {
  readonly folder: string;
  readonly merged: string;
  /** Told of paths before they are made as mount points. */
  readonly onMountPoints?: ((paths: readonly string[]) => void) | undefined;
}

/** One way to run a process over a mounted root, inside the keeper. */
export interface Executor {
  /** `runc`, `crun`, …, `chroot` or `unisolated`. */
  readonly name: string;
  run(
    root: ProcessRoot,
    process: Process,
    io: ContainerIo,
    o?: ExecutorWatch,
  ): Promise<ExitStatus & { readonly mountPoints: readonly string[] }>;
}

/** Layers named well enough for another process to open them from the same store. */
export interface LayerRef {
  readonly blob: Descriptor;
  readonly diffId: Digest;
}

/** Where a bind mount, or a new cache, takes its files from. */
export type MountSource =
  | { readonly kind: 'layers'; readonly layers: readonly LayerRef[]; readonly path: string }
  /** Files of the host, copied; parents come first. `digest` names them all: one copy serves all who read it. */
  | { readonly kind: 'files'; readonly digest: string; readonly files: readonly StagedFile[] };

/** What is shown in the container for one run; nothing of it is in the layer. `target` is absolute. */
export type RunMount =
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly source: MountSource;
      /** False: what is written is thrown away. */
      readonly readOnly: boolean;
    }
  | {
      readonly kind: 'cache';
      readonly target: string;
      readonly readOnly: boolean;
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      /** What a new one starts with. */
      readonly seed?: MountSource | undefined;
      readonly mode?: number | undefined;
      readonly uid?: number | undefined;
      readonly gid?: number | undefined;
    }
  | (MemoryMount & { readonly kind: 'tmpfs' })
  /** A file in memory. `secret`: it must never be on a disk, not even where nothing can be mounted. */
  | {
      readonly kind: 'file';
      readonly secret?: boolean | undefined;
      readonly target: string;
      readonly bytes: Uint8Array;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** A socket that leads to that of an ssh agent on the host. */
  | {
      readonly kind: 'agent';
      readonly target: string;
      readonly socket: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

export interface RunRequest {
  /** Base first. */
  readonly layers: readonly LayerRef[];
  readonly process: Process;
  readonly mounts?: readonly RunMount[] | undefined;
  /** Environment that must not be on a disk, not even while the process runs. */
  readonly secretEnv?: readonly string[] | undefined;
  /** `inherit`: stdin, stdout and stderr are this process's own (dobos run). `events`: output comes as events; with `process.tty` from a terminal of its own. */
  readonly io: 'events' | 'inherit';
  readonly size?: TerminalSize | undefined;
  /** Whether it has an input (`-i`): this process's own, or with `events` what is written to it; otherwise stdin is /dev/null. */
  readonly interactive?: boolean | undefined;
  /** Write the changes as a layer when the exit code is 0. */
  readonly commit: boolean;
  /** Write them also when it is not. That they cannot be written then is no error: the outcome has no layer. */
  readonly commitFailed?: boolean | undefined;
  /** Epoch seconds to clamp times to. */
  readonly epoch?: number | undefined;
  /** The container that this is the run of: its root can be looked at from outside, and kept. */
  readonly place?: RootPlace | undefined;
}

/** The root of a container, named well enough for another process to look at it. */
export interface ContainerRoot {
  /** Of its image, base first. */
  readonly layers: readonly LayerRef[];
  /** As in `RootPlace`. */
  readonly folder: string;
  /** Processes may be changing it. */
  readonly running: boolean;
}

export interface RunOutcome {
  readonly exit: ExitStatus;
  readonly layer?: LayerRef | undefined;
}

/** A folder that any OCI runtime can run, to be written. */
export interface BundleRequest {
  /** Base first. */
  readonly layers: readonly LayerRef[];
  readonly process: Process;
  /** An empty folder; the only one that is written to. */
  readonly folder: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the machine that it is for, by Node's name. */
  readonly nodeArchitecture: string;
}

/** A step of a build and most containers are `plain`; `full` ones have limits or a terminal. */
export type ExecutorUse = 'plain' | 'full';

/** Which executor runs processes, in a line why this one, and what the person should know about it. */
export interface ExecutorFacts {
  readonly name: string;
  readonly detail: string;
  readonly warning?: string | undefined;
}

/** The process that owns namespaces and mounts; everything it holds dies with it, and it dies with us. */
export interface Keeper {
  /** Starts it ahead of the first call, which is going to run something. If it is closed before there is one, it is not waited for. */
  start?(): void;
  /** The executor for that, chosen by trying what works; `plain` if it is not said. */
  executor(use?: ExecutorUse): Promise<ExecutorFacts>;
  run(request: RunRequest, o?: RunWatch): Promise<RunOutcome>;
  /** Runs one more program in the container whose folder this is (`RunRequest.place`), which this keeper runs; a listener that returns a promise holds its output back. @throws RUNTIME_NOT_INSIDE */
  exec(folder: string, process: ExecProcess, o?: RunWatch): Promise<ExitStatus>;
  /** Sends a signal to the first process of such a container, or to all of its processes. @throws RUNTIME_NOT_INSIDE */
  signalContainer(folder: string, signal: NodeJS.Signals, to: 'first' | 'all'): Promise<void>;
  unpack(layers: readonly LayerRef[], o?: CallOptions): Promise<void>;
  /** Removes snapshots that none of these chains needs; ids of dead runs go too. */
  collectSnapshots(keep: readonly Digest[]): Promise<{ readonly bytes: number; readonly removed: number }>;
  listSnapshots(): Promise<readonly { readonly chainId: Digest; readonly bytes: number }[]>;
  /** The cache mounts of the store. */
  listCacheMounts(): Promise<readonly CacheMountUse[]>;
  /** Removes cache mounts that nobody uses: those of these ids, or all; those used since `olderThan` (epoch milliseconds) stay. */
  removeCacheMounts(choice: CacheMountChoice): Promise<readonly CacheMountUse[]>;
  /** What differs from the image. */
  rootChanges(root: ContainerRoot, o?: CallOptions): Promise<readonly RootChange[]>;
  /** The changes as a layer of the store; undefined if there are none. Times after `epoch` (seconds) become it. */
  commitRoot(
    root: ContainerRoot,
    o?: CallOptions & { readonly epoch?: number | undefined },
  ): Promise<LayerRef | undefined>;
  /** Writes all files as a tar to the file or pipe at `path`; its bytes. */
  packRoot(root: ContainerRoot, path: string, o?: CallOptions): Promise<number>;
  /** Bytes of the files below each folder. */
  folderBytes(folders: readonly string[]): Promise<readonly number[]>;
  /** Bytes of the files added or changed in each root. */
  rootBytes(roots: readonly ContainerRoot[]): Promise<readonly number[]>;
  /** Removes the kept root of a container's folder. */
  discardRoot(folder: string): Promise<void>;
  /** Makes or joins a network, to be given to a run as its process's; closed with the keeper at the latest. */
  openNetwork(plan: NetworkPlan, o?: CallOptions): Promise<OpenNetwork>;
  closeNetwork(id: number): Promise<void>;
  /** Writes an OCI runtime bundle. */
  writeBundle(request: BundleRequest, o?: CallOptions): Promise<void>;
  /** Removes a folder of files that may belong to any id of the keeper's namespace. */
  removeFolder(folder: string): Promise<void>;
  /** Passes a signal to the program on this process's own streams (`io: 'inherit'`). */
  pass?(signal: NodeJS.Signals): void;
  close(): Promise<void>;
}

export interface KeeperOptions {
  readonly storeFolder: string;
  /** `auto`, a name or path of an OCI runtime, `chroot` or `unisolated`. */
  readonly runtime: string;
}
