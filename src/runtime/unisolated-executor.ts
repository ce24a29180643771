import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fsPath } from '../base/names.ts';
import { builtWorker } from '../base/pool.ts';
import { takeTerminalBack } from '../linux/process.ts';
import { memoryFile } from '../linux/sealed-file.ts';
import type { Child } from '../linux/spawn.ts';
import { chrootExit, chrootTask, reportOf } from './chroot-run.ts';
import { READY } from './chroot-task.ts';
import { endStrays } from './end-strays.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { placeInRoot } from './placements.ts';
import { fillPlainDev, openOutputs } from './plain-devices.ts';
import { type FileBind, type PreparedProcess, prepareProcess } from './prepare-process.ts';
import { refuseProcess } from './refuse-process.ts';
import { requireTerminal, runProgram } from './run-program.ts';
import type { ContainerIo, Executor, Process, RunningContainer, RunWatch } from './types.ts';

type Run = Executor['run'];

/**
 * Runs processes where neither namespaces nor mounts can be had, as in a container with docker's default rights: over a root that is changed with chroot(2) and nothing else.
 * What a container has mounted is put into the root for the run and taken out again; /proc and /sys are empty. Processes, network, hostname and
 * IPC are this process's own. One process at a time, so that what a step leaves behind can be told from everything else and ended.
 * This process must be a subreaper. `why` is for errors: the reason why there are no namespaces.
 */
export function createUnisolatedExecutor(why: string): Executor {
  const inTurn = createQueue();
  const run: Run = async (root, process, io, o = {}) => {
    refuseUnisolated(process, why);
    if (process.tty && io.output === 'inherit') requireTerminal();
    const folder = join(root.folder, 'runtime');
    mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
    try {
      const binds = process.binds.filter(({ optional }) => optional !== true);
      const prepared = prepareProcess({ folder, merged: root.merged }, { ...process, binds });
      if (prepared.kind === 'refused') return await refuseProcess(prepared, io, o);
      const { mountPoints, process: ready } = prepared;
      const dev = fillPlainDev(makeFolder(folder, 'dev'), io.output === 'events');
      try {
        const placements = placeInRoot(
          { merged: root.merged, aside: join(folder, 'aside'), mountPoints },
          [...kernelFolders(folder), ...ready.binds],
          why,
        );
        try {
          let child: Child | undefined;
          const onChild = (started: Child): void => {
            child = started;
          };
          o.onContainer?.(knownByFirst(why, () => child));
          const place = { ...root, folder, onChild };
          return { ...(await runReady(place, ready, process, io, o)), mountPoints };
        } finally {
          placements.takeOut();
        }
      } finally {
        dev.close();
      }
    } finally {
      if (process.tty && io.output === 'inherit') takeTerminalBack(0);
      rmSync(fsPath(folder), { recursive: true, force: true });
    }
  };
  return { name: 'unisolated', run: (...args) => inTurn(() => run(...args)) };
}

/** What runs without namespaces cannot be told from what is around it, but for the process that was started here: the helper, which becomes the program. */
function knownByFirst(why: string, child: () => Child | undefined): RunningContainer {
  const refuse = (): never => {
    throw runtimeError('RUNTIME_UNISOLATED', { what: 'reaching what runs already', why });
  };
  return {
    first() {
      const { pid, exitCode = 0, signalCode = null } = child() ?? {};
      if (pid === undefined || exitCode !== null || signalCode !== null)
        throw runtimeError('RUNTIME_FAILED', { runtime: 'unisolated', message: 'it has ended' });
      return pid;
    },
    refuseAll: refuse,
    exec: async () => refuse(),
  };
}

/** Calls one after the other, in the order in which they came. */
function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task);
    last = next.catch(() => {});
    return next;
  };
}

function refuseUnisolated(process: Process, why: string): void {
  const refuse = (what: string, hint: string): never => {
    throw runtimeError('RUNTIME_UNISOLATED', { what, why }, { hint });
  };
  if (process.network !== 'host')
    refuse('--network=none', 'only the network of this container can be had here');
  const { confinement = {} } = process;
  if (confinement.readOnlyRoot === true) refuse('--read-only', 'nothing can be mounted here');
  if (Object.keys(confinement.sysctls ?? {}).length > 0)
    refuse('--sysctl', 'there are no namespaces to set it in');
  if (process.privileged === true)
    refuse('--security=insecure', 'a step has fewer rights here than this container, never more');
}

const WORKER = new URL('./chroot-worker.ts', import.meta.url);
/** The helper's; the step's own is another. It starts nothing by name. */
const HELPER_ENV = { LC_ALL: 'C' };

async function runReady(
  root: {
    readonly folder: string;
    readonly merged: string;
    readonly onChild: (child: Child) => void;
  },
  ready: PreparedProcess,
  process: Process,
  io: ContainerIo,
  o: RunWatch,
): Promise<{ readonly code: number; readonly signal?: string }> {
  o.signal?.throwIfAborted();
  const task = chrootTask(root.folder, root.merged, ready, process, {
    isolated: false,
    ownTerminal: io.output === 'terminal',
  });
  // In memory: its environment may hold secrets.
  const fd = memoryFile(Buffer.from(JSON.stringify(task)));
  const words = hearWords(o);
  try {
    const end = await runProgram(
      {
        program: globalThis.process.execPath,
        args: [fileURLToPath(builtWorker(WORKER)), '/proc/self/fd/3'],
        env: HELPER_ENV,
        io,
        owner: ready.user,
        pipes: io.output === 'events' ? openOutputs(join(root.merged, 'dev')) : undefined,
        task: fd,
        around: (start) => {
          const child = start();
          root.onChild(child);
          return child;
        },
        kill: (child) => child.pid !== undefined && killTree(child.pid),
        afterwards: endStrays,
        isStarted: () => reportOf(task) === READY,
      },
      words,
    );
    return chrootExit('unisolated', end, reportOf(task), words.said());
  } finally {
    closeSync(fd);
    await endStrays();
  }
}

/** What hides the folders that the kernel fills elsewhere; what a step writes there is in no layer. */
function kernelFolders(folder: string): FileBind[] {
  for (const name of ['proc', 'sys']) makeFolder(folder, name);
  return ['proc', 'sys', 'dev'].map((name) => ({
    source: join(folder, name),
    target: name,
    kind: 'directory',
    readOnly: false,
    own: true,
  }));
}

function makeFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(fsPath(path), { mode: 0o755 });
  return path;
}
