import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fsPath } from '../base/names.ts';
import { builtWorker } from '../base/pool.ts';
import { takeTerminalBack } from '../linux/process.ts';
import { type ChrootTask, READY } from './chroot-task.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { type PreparedProcess, prepareProcess } from './prepare-process.ts';
import { refuseProcess } from './refuse-process.ts';
import { type ProgramEnd, requireTerminal, runProgram } from './run-program.ts';
import type { Executor, Process } from './types.ts';
import { WORDS_OF_A_KILL } from './unshare-words.ts';

export interface ChrootTools {
  /** Absolute path of util-linux's unshare. */
  readonly unshare: string;
  /** Environment of the helper programs; the container's is another. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs processes without an OCI runtime: namespaces by util-linux's `unshare`, the rest by a short-lived process of ours that becomes the program.
 * Same mounts, ids, capabilities and masks as a runtime's; what it has not: a seccomp filter, a pty of its own for `-t` (the person's terminal
 * is passed on), and in a plain chroot, where pivot_root is impossible, CAP_SYS_CHROOT.
 */
export function createChrootExecutor(tools: ChrootTools): Executor {
  return {
    name: 'chroot',
    async run(root, process, io, o = {}) {
      if (process.tty) requireTerminal();
      const folder = join(root.folder, 'runtime');
      mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
      try {
        const prepared = prepareProcess({ ...root, folder }, process);
        if (prepared.kind === 'refused') return await refuseProcess(prepared, io, o);
        const task = writeTask(folder, root.merged, prepared.process, process);
        const words = hearWords(o);
        const end = await runProgram(
          {
            program: tools.unshare,
            args: [
              ...['--mount', '--propagation', 'unchanged', '--uts', '--ipc'],
              ...(process.network === 'none' ? ['--net'] : []),
              ...['--pid', '--fork', '--kill-child=KILL', '--'],
              ...[globalThis.process.execPath, fileURLToPath(builtWorker(WORKER)), join(folder, 'task')],
            ],
            env: tools.env,
            io,
            errorApart: true,
            owner: prepared.process.user,
            kill: (child) => child.pid !== undefined && killTree(child.pid),
            // unshare ignores what it is sent while it waits.
            signals: 'children',
          },
          words,
        );
        const said = `${words.said()}${end.said}`;
        return {
          ...exitOf(end, readFileSync(fsPath(task.report), 'utf8'), said),
          mountPoints: prepared.mountPoints,
        };
      } finally {
        if (process.tty) takeTerminalBack(0);
        rmSync(fsPath(folder), { recursive: true, force: true });
      }
    },
  };
}

const WORKER = new URL('./chroot-worker.ts', import.meta.url);

function writeTask(folder: string, merged: string, prepared: PreparedProcess, process: Process): ChrootTask {
  const own = readOwnNamespace();
  const task: ChrootTask = {
    merged,
    hostname: process.hostname,
    network: process.network,
    tty: process.tty,
    canSetGroups: own.canSetGroups,
    rootless: own.isUserNamespace,
    privileged: process.privileged === true,
    process: prepared,
    shmBytes: process.shmBytes,
    limits: process.limits,
    report: join(folder, 'report'),
  };
  writeFileSync(fsPath(task.report), '', { mode: 0o600 });
  writeFileSync(fsPath(join(folder, 'task')), JSON.stringify(task), { mode: 0o600 });
  return task;
}

/** unshare passes on the exit code, and kills itself with the signal that killed its child. */
function exitOf(
  end: ProgramEnd & { readonly said: string },
  report: string,
  said: string,
): { readonly code: number; readonly signal?: string } {
  if (report !== READY) {
    const message = report === '' ? said.trim() || `it ended with ${end.code ?? end.signal}` : report;
    const usual = '--runtime with the name of an OCI runtime such as runc does it another way';
    const hint = message.includes('rlimit') ? undefined : usual;
    throw runtimeError('RUNTIME_FAILED', { runtime: 'chroot', message }, { hint });
  }
  if (end.code === 1 && WORDS_OF_A_KILL.test(end.said)) return { code: 137, signal: 'SIGKILL' };
  if (end.code !== undefined) return { code: end.code };
  return { code: 128 + signalNumber(end.signal), signal: end.signal ?? 'SIGKILL' };
}

function signalNumber(signal: string | undefined): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return numbers[signal ?? ''] ?? 9;
}
