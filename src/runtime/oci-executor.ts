import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fsPath } from '../base/names.ts';

import { bindMount, MNT_DETACH, MS_NODEV, unmount } from '../linux/mount.ts';
import { removeTree } from '../rootfs/remove-tree.ts';
import { capabilitiesOf, DEVICES } from './capabilities.ts';
import { cgroupConfig, readCgroups, removeCgroups, showCgroups } from './cgroups.ts';
import { type CompiledFilter, codeOf, compiledFilterFile } from './compiled-filter.ts';
import { type ConsoleSocket, openConsole } from './console-socket.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { isCrun, isRuncOrCrun } from './known-runtimes.ts';
import { type ConfigRequest, type CopyHook, ociConfigText, type RootShutter } from './oci-config.ts';
import { ociContainer, takesConsole } from './oci-exec.ts';
import { exitCode } from './oci-exit.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { type PreparedProcess, prepareProcess } from './prepare-process.ts';
import { showReadOnly } from './read-only-program.ts';
import { createReadyRuntimes } from './ready-runtimes.ts';
import { refuseProcess } from './refuse-process.ts';
import {
  finishProgram,
  type ProgramRun,
  type ProgramWatch,
  requireTerminal,
  type StartedProgram,
  startProgram,
} from './run-program.ts';
import { KEEPER_PLACE, type RuntimePlace } from './runtime-place.ts';
import { type SeccompFilter, seccompFilter } from './seccomp.ts';
import { readSeccompProfile } from './seccomp-profile.ts';
import { followSize, sizeFor, sizeInside } from './terminal-inside.ts';
import type { ContainerIo, Executor, Process, ResourceLimits } from './types.ts';

/** An OCI runtime on this machine. */
export interface OciRuntime {
  /** `runc`, or the path as the person gave it. */
  readonly name: string;
  /** Absolute path. */
  readonly program: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it was built with seccomp. */
  readonly seccomp: boolean;
  /** It drops the flag that keeps device files of the root from being opened: then at least none can be made. */
  readonly opensDevices: boolean;
  /** As in `ConfigRequest`. */
  readonly shutBy?: RootShutter | undefined;
  /** One filter that it need not compile again. */
  readonly compiled?: CompiledFilter | undefined;
  /** What copies the filter that it compiles, and where to. */
  readonly copiesFilter?: Omit<CopyHook, 'from'> | undefined;
}

/** Options that keep each kind of runtime from making cgroups, by what its file is called (`runc`, `docker-runc`, `crun-1.8`); others get none. */
const NO_CGROUPS: readonly (readonly [name: RegExp, options: readonly string[]])[] = [
  [/crun/, ['--cgroup-manager=disabled']],
  [/runc/, ['--rootless', 'true']],
  [/runsc/, ['--ignore-cgroups', '--network=host']],
];

/** gVisor: its own kernel has the keyrings and the device files. The network is what the namespaces say, as with the others. */
const isProxy = ({ program }: OciRuntime): boolean => /runsc/.test(basename(program));

/** Runtimes that read their config.json in one go, so that it may be a pipe and they may be started before there is one. */
const READS_PIPES = /^runc$/;

/** Runs processes by an OCI runtime in the foreground; bundle, state and log live in a folder of their own and go when it ends. To be used in a mount namespace of its own. */
export function createOciExecutor(given: OciRuntime, place: RuntimePlace = KEEPER_PLACE): Executor {
  let runtime = given;
  let isShown = false;
  /** Once, before the first is started. */
  const show = (): void => {
    if (!isShown && isCrun(given.program))
      runtime = { ...given, env: { ...given.env, ...showReadOnly(given.program) } };
    isShown = true;
  };
  const noCgroups = NO_CGROUPS.find(([name]) => name.test(basename(runtime.program)))?.[1] ?? [];
  const commandIn = (
    folder: string,
    id: string,
    io: ContainerIo,
    {
      limited = false,
      consoleSocket,
    }: { readonly limited?: boolean; readonly consoleSocket?: ConsoleSocket | undefined } = {},
  ): ProgramRun => {
    const socket = place.console(consoleSocket);
    const args = [
      ...['--root', join(folder, 'state'), '--log', join(folder, 'log'), '--log-format', 'json'],
      ...(limited ? [] : noCgroups),
      ...[
        'run',
        ...(isProxy(runtime) ? [] : ['--no-new-keyring']),
        '--bundle',
        folder,
        '--pid-file',
        join(folder, 'pid'),
        ...socket.options,
      ],
      id,
    ];
    return {
      ...place.begin({ program: runtime.program, args }),
      env: runtime.env,
      io,
      stderr: place.stderr,
      ...socket.run,
    };
  };
  const mayWait = place.startsAhead && READS_PIPES.test(basename(runtime.program));
  const readies = mayWait ? createReadyRuntimes(commandIn) : undefined;
  return {
    name: runtime.name,
    async run(root, process, io, o = {}) {
      if (process.tty && io.output === 'inherit') requireTerminal();
      show();
      const ready = process.mayBeFollowed === true ? readies?.take() : undefined;
      const folder = ready?.folder ?? join(root.folder, 'runtime');
      mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
      // Over whatever the root is: device files that its process makes cannot be opened.
      bindMount(root.merged, root.merged, { flags: process.privileged === true ? 0 : MS_NODEV });
      let limits: ReturnType<typeof openLimits> | undefined;
      let unfollow: (() => void) | undefined;
      let consoleSocket: ConsoleSocket | undefined;
      try {
        limits = process.resources && openLimits(runtime, process.resources);
        const prepared = prepareProcess({ ...root, folder }, process);
        if (prepared.kind === 'refused') return await refuseProcess(prepared, io, o, place.stderr);
        const config = configText(root.merged, runtime, prepared.process, process, {
          limited: limits?.config,
          size: sizeFor(process.tty, io),
          copied: runtime.copiesFilter && {
            ...runtime.copiesFilter,
            from: compiledFilterFile(join(folder, 'state'), containerId(root.folder)),
          },
        });
        o.signal?.throwIfAborted();
        const watch: ProgramWatch = {
          owner: prepared.process.user,
          kill: (child) => child.pid !== undefined && killTree(child.pid),
          isStarted: () => existsSync(fsPath(join(folder, 'pid'))),
        };
        consoleSocket = takesConsole(runtime, io) ? openConsole(folder) : undefined;
        const started =
          ready?.go(config) ??
          startOver(
            folder,
            config,
            commandIn(folder, containerId(root.folder), io, {
              limited: limits !== undefined,
              consoleSocket,
            }),
            watch,
          );
        if (process.mayBeFollowed === true && process.isLast !== true) readies?.prepare(dirname(root.folder));
        const options = limits === undefined ? noCgroups : [];
        const child = started.child.pid;
        const id = containerId(root.folder);
        o.onContainer?.(ociContainer({ runtime, folder, id, options, from: place, child }, process));
        const words = hearWords(o);
        const files = { log: join(folder, 'log'), pid: join(folder, 'pid') };
        const first = (): number | undefined => place.pidIn(files.pid, child);
        unfollow = process.tty && io.output === 'inherit' ? followSize(first) : undefined;
        const end = await finishProgram(started, watch, sizeInside(words, first));
        const code = exitCode(end, runtime.name, files, words.said());
        return { code, mountPoints: prepared.mountPoints };
      } finally {
        unfollow?.();
        consoleSocket?.close();
        unmount(root.merged, MNT_DETACH);
        limits?.close();
        ready?.end();
        removeTree(folder);
      }
    },
  };
}

function startOver(
  folder: string,
  config: string,
  command: ProgramRun,
  { owner }: ProgramWatch,
): StartedProgram {
  const file = fsPath(join(folder, 'config.json'));
  rmSync(file, { force: true });
  writeFileSync(file, config, { mode: 0o600 });
  return startProgram({ ...command, owner });
}

function configText(
  merged: string,
  runtime: OciRuntime,
  prepared: PreparedProcess,
  process: Process,
  { limited, size, copied }: Pick<ConfigRequest, 'limited' | 'size' | 'copied'>,
): string {
  const own = readOwnNamespace();
  const seccomp = filterOf(runtime, process);
  return ociConfigText({
    process: prepared,
    rootPath: merged,
    hostname: process.hostname,
    network: process.network,
    tty: process.tty,
    size,
    shmBytes: process.shmBytes,
    limits: process.limits,
    rootless: own.isUserNamespace,
    privileged: process.privileged === true,
    canSetGroups: own.canSetGroups,
    cgroup2: isCgroup2('/sys/fs/cgroup'),
    confinement: process.confinement,
    limited,
    seccomp,
    compiledFilter: codeOf(runtime.compiled, seccomp),
    copied,
    devices:
      own.isUserNamespace || isProxy(runtime) ? [] : DEVICES.filter((name) => existsSync(`/dev/${name}`)),
    mayMakeDevices: !runtime.opensDevices,
    shutBy: own.isUserNamespace ? undefined : runtime.shutBy,
  });
}

/** The cgroups of the machine, writable for the runtime until closed. @throws RUNTIME_LIMIT */
function openLimits(
  runtime: OciRuntime,
  resources: ResourceLimits,
): { readonly config: ConfigRequest['limited']; close(): void } {
  const refuse = (why: string): Error =>
    runtimeError('RUNTIME_LIMIT', { what: 'what a container uses', why });
  if (readOwnNamespace().isUserNamespace) throw refuse('an ordinary user may make no cgroups');
  if (!isRuncOrCrun(runtime.program)) throw refuse(`${runtime.name} is not known to do that`);
  removeCgroups(resources.cgroup);
  const hide = showCgroups();
  try {
    const config = cgroupConfig(resources, readCgroups());
    return {
      config,
      close() {
        removeCgroups(resources.cgroup);
        hide();
      },
    };
  } catch (error) {
    hide();
    throw error;
  }
}

/** @throws RUNTIME_SECCOMP */
function filterOf(
  runtime: OciRuntime,
  { privileged = false, confinement = {} }: Process,
): SeccompFilter | undefined {
  const { seccomp } = confinement;
  if (privileged || seccomp === 'unconfined') return undefined;
  const names = capabilitiesOf(false, confinement).map(({ name }) => name);
  if (seccomp !== undefined) {
    if (!runtime.seccomp)
      throw runtimeError('RUNTIME_SECCOMP', { problem: `${runtime.name} was built without seccomp` });
    return readSeccompProfile(seccomp, {
      arch: globalThis.process.arch,
      capabilities: names,
      kernel: release(),
    });
  }
  return runtime.seccomp ? seccompFilter(globalThis.process.arch, names) : undefined;
}

const CGROUP2_SUPER_MAGIC = 0x63677270;

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

/** Some runtimes name things by it outside their root folder, so it must differ between containers that run at once. */
const containerId = (folder: string): string => `dobos-${basename(folder).replace(/[^A-Za-z0-9_.-]/g, '-')}`;
