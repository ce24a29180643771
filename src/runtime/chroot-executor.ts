import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fsPath } from '../base/names.ts';
import { builtWorker } from '../base/pool.ts';
import { takeTerminalBack } from '../linux/process.ts';
import { chrootContainer } from './chroot-exec.ts';
import { chrootExit, chrootTask, reportOf } from './chroot-run.ts';
import { READY } from './chroot-task.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { prepareProcess } from './prepare-process.ts';
import { refuseProcess } from './refuse-process.ts';
import { requireTerminal, runProgram } from './run-program.ts';
import type { Executor } from './types.ts';

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
      if (process.tty && io.output === 'inherit') requireTerminal();
      const folder = join(root.folder, 'runtime');
      mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
      try {
        const prepared = prepareProcess({ ...root, folder }, process);
        if (prepared.kind === 'refused') return await refuseProcess(prepared, io, o);
        const task = chrootTask(folder, root.merged, prepared.process, process, {
          ownTerminal: io.output === 'terminal',
        });
        writeFileSync(fsPath(join(folder, 'task')), JSON.stringify(task), { mode: 0o600 });
        let command: number | undefined;
        const { env, unshare } = tools;
        o.onContainer?.(
          chrootContainer({ folder, merged: root.merged, env, command: () => command }, process),
        );
        const words = hearWords(o);
        const end = await runProgram(
          {
            program: unshare,
            args: [
              ...['--mount', '--propagation', 'unchanged', '--uts', '--ipc'],
              ...(process.network === 'none' ? ['--net'] : []),
              ...['--pid', '--fork', '--kill-child=KILL', '--'],
              ...[globalThis.process.execPath, fileURLToPath(builtWorker(WORKER)), join(folder, 'task')],
            ],
            env,
            around: (start) => {
              const child = start();
              command = child.pid;
              return child;
            },
            io,
            errorApart: true,
            owner: prepared.process.user,
            kill: (child) => child.pid !== undefined && killTree(child.pid),
            // unshare ignores what it is sent while it waits.
            signals: 'children',
            isStarted: () => reportOf(task) === READY,
          },
          words,
        );
        const said = `${words.said()}${end.said}`;
        return {
          ...chrootExit('chroot', end, reportOf(task), said),
          mountPoints: prepared.mountPoints,
        };
      } finally {
        if (process.tty && io.output === 'inherit') takeTerminalBack(0);
        rmSync(fsPath(folder), { recursive: true, force: true });
      }
    },
  };
}

const WORKER = new URL('./chroot-worker.ts', import.meta.url);
