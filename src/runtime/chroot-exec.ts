import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fsPath } from '../base/names.ts';
import { builtWorker } from '../base/pool.ts';
import { inPidNamespace } from '../linux/enter.ts';
import { chrootExit, chrootTask, reportOf } from './chroot-run.ts';
import { READY } from './chroot-task.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { childrenOf } from './pass-signal.ts';
import { execIo, prepareExec } from './prepare-exec.ts';
import { refuseProcess } from './refuse-process.ts';
import { runProgram } from './run-program.ts';
import type { Process, RunningContainer } from './types.ts';

/** The container that unshare, `command`, is the parent of. A program goes into it as the first one did: a worker is started in its pid namespace, enters the others and becomes the program. */
export function chrootContainer(
  {
    folder,
    merged,
    env,
    command,
  }: {
    readonly folder: string;
    readonly merged: string;
    readonly env: Readonly<Record<string, string>>;
    readonly command: () => number | undefined;
  },
  container: Process,
): RunningContainer {
  const first = (): number => {
    const [pid] = childrenOf(command());
    if (pid === undefined)
      throw runtimeError('RUNTIME_FAILED', { runtime: 'chroot', message: 'it has ended' });
    return pid;
  };
  return {
    first,
    async exec(wanted, o = {}) {
      const io = execIo(wanted);
      const pid = first();
      const prepared = prepareExec(pid, wanted, container);
      if (prepared.kind === 'refused') return refuseProcess({ ...prepared, mountPoints: [] }, io, o);
      const own = mkdtempSync(join(folder, 'exec-'));
      try {
        const privileged = wanted.privileged === true || container.privileged === true;
        const about = { ...container, privileged, tty: wanted.tty };
        const task = chrootTask(own, merged, prepared.process, about, { ownTerminal: wanted.tty, join: pid });
        writeFileSync(fsPath(join(own, 'task')), JSON.stringify(task), { mode: 0o600 });
        const words = hearWords(o);
        const end = await runProgram(
          {
            program: process.execPath,
            args: [fileURLToPath(builtWorker(WORKER)), join(own, 'task')],
            env,
            io,
            errorApart: true,
            owner: prepared.process.user,
            around: (start) => inPidNamespace(pid, start),
            kill: (child) => child.pid !== undefined && killTree(child.pid),
            isStarted: () => reportOf(task) === READY,
          },
          words,
        );
        return chrootExit('chroot', end, reportOf(task), `${words.said()}${end.said}`);
      } finally {
        rmSync(fsPath(own), { recursive: true, force: true });
      }
    },
  };
}

const WORKER = new URL('./chroot-worker.ts', import.meta.url);
