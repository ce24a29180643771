import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsPath } from '../base/names.ts';
import { openConsole } from './console-socket.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { isCrun } from './known-runtimes.ts';
import { processText } from './oci-config.ts';
import { exitCode } from './oci-exit.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { execIo, prepareExec } from './prepare-exec.ts';
import { refuseProcess } from './refuse-process.ts';
import { runProgram } from './run-program.ts';
import { type PlacedRun, type RuntimePlace, tellingPid } from './runtime-place.ts';
import { sizeFor, sizeInside } from './terminal-inside.ts';
import type { ContainerIo, Process, RunningContainer } from './types.ts';

/** A container that a runtime runs. */
export interface OciPlace {
  /** As in `OciRuntime`. */
  readonly runtime: {
    readonly name: string;
    readonly program: string;
    readonly env: Readonly<Record<string, string>>;
    readonly opensDevices: boolean;
  };
  /** Its bundle, with state and pid file. */
  readonly folder: string;
  readonly id: string;
  /** As the container was made with. */
  readonly options: readonly string[];
  /** Where its runtime was started from, and as which child. */
  readonly from: RuntimePlace;
  readonly child: number | undefined;
}

/** The container at a place; programs go into it by the runtime's own `exec`, with the seccomp filter that the container has. */
export function ociContainer(place: OciPlace, container: Process): RunningContainer {
  const { runtime, folder, id, options, from } = place;
  const first = (): number => {
    const pid = from.pidIn(join(folder, 'pid'), place.child);
    if (pid === undefined)
      throw runtimeError('RUNTIME_FAILED', { runtime: runtime.name, message: 'it has ended' });
    return pid;
  };
  return {
    first,
    async exec(wanted, o = {}) {
      const io = execIo(wanted);
      const prepared = prepareExec(first(), wanted, container);
      if (prepared.kind === 'refused') return refuseProcess({ ...prepared, mountPoints: [] }, io, o);
      const own = mkdtempSync(join(folder, 'exec-'));
      const consoleSocket = takesConsole(runtime, io) ? openConsole(own) : undefined;
      try {
        const file = (name: string): string => join(own, name);
        const privileged = wanted.privileged === true || container.privileged === true;
        const text = processText({
          process: prepared.process,
          tty: wanted.tty,
          size: sizeFor(wanted.tty, io),
          privileged,
          canSetGroups: readOwnNamespace().canSetGroups,
          mayMakeDevices: !runtime.opensDevices,
          confinement: container.confinement,
          limits: container.limits,
        });
        writeFileSync(fsPath(file('process.json')), text, { mode: 0o600 });
        const words = hearWords(o);
        const socket = from.console(consoleSocket);
        let child: number | undefined;
        const args = [
          ...['--root', join(folder, 'state'), '--log', file('log'), '--log-format', 'json'],
          ...options,
          ...['exec', '--process', file('process.json'), '--pid-file', file('pid')],
          ...socket.options,
          id,
        ];
        const around: PlacedRun['around'] = (start) =>
          withOomScore(container.confinement?.oomScoreAdj, start);
        const placed = from.join({ program: runtime.program, args, around }, place.child);
        const end = await runProgram(
          {
            ...placed,
            around: tellingPid(placed.around, (pid) => {
              child = pid;
            }),
            env: runtime.env,
            io,
            ...socket.run,
            owner: prepared.process.user,
            kill: (child) => child.pid !== undefined && killTree(child.pid),
            isStarted: () => existsSync(fsPath(file('pid'))),
          },
          sizeInside(words, () => from.pidIn(file('pid'), child)),
        );
        return { code: exitCode(end, runtime.name, { log: file('log'), pid: file('pid') }, words.said()) };
      } finally {
        consoleSocket?.close();
        rmSync(fsPath(own), { recursive: true, force: true });
      }
    },
  };
}

/** Runtimes that lose output otherwise, see `openConsole`; runc takes no such option while it waits for the program. */
export const takesConsole = (
  { program }: { readonly program: string },
  { output }: Pick<ContainerIo, 'output'>,
): boolean => output === 'terminal' && isCrun(program);

/** crun 1.8 does not set it for what joins a container, which has then what its runtime was started with. */
function withOomScore<T>(score: number | undefined, start: () => T): T {
  if (score === undefined) return start();
  const path = '/proc/self/oom_score_adj';
  const own = readFileSync(path, 'latin1');
  writeFileSync(path, String(score));
  try {
    return start();
  } finally {
    writeFileSync(path, own);
  }
}
