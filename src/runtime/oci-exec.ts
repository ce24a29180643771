import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsPath } from '../base/names.ts';
import { capabilitiesOf } from './capabilities.ts';
import { runtimeError } from './errors.ts';
import { hearWords } from './hear-words.ts';
import { killTree } from './kill-tree.ts';
import { exitCode } from './oci-exit.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { execIo, prepareExec } from './prepare-exec.ts';
import type { PreparedProcess } from './prepare-process.ts';
import { refuseProcess } from './refuse-process.ts';
import { runProgram } from './run-program.ts';
import type { ExecProcess, Process, RunningContainer } from './types.ts';

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
}

/** The container at a place; programs go into it by the runtime's own `exec`, with the seccomp filter that the container has. */
export function ociContainer(place: OciPlace, container: Process): RunningContainer {
  const { runtime, folder, id, options } = place;
  const first = (): number => {
    const pid = Number(readOr(join(folder, 'pid')));
    if (!(pid > 0)) throw runtimeError('RUNTIME_FAILED', { runtime: runtime.name, message: 'it has ended' });
    return pid;
  };
  return {
    first,
    async exec(wanted, o = {}) {
      const io = execIo(wanted);
      const prepared = prepareExec(first(), wanted);
      if (prepared.kind === 'refused') return refuseProcess({ ...prepared, mountPoints: [] }, io, o);
      const own = mkdtempSync(join(folder, 'exec-'));
      try {
        const file = (name: string): string => join(own, name);
        const privileged = wanted.privileged === true || container.privileged === true;
        const text = JSON.stringify(
          execDocument(prepared.process, wanted, privileged, runtime.opensDevices, container.confinement),
        );
        writeFileSync(fsPath(file('process.json')), text, { mode: 0o600 });
        const words = hearWords(o);
        const end = await runProgram(
          {
            program: runtime.program,
            args: [
              ...['--root', join(folder, 'state'), '--log', file('log'), '--log-format', 'json'],
              ...options,
              ...['exec', '--process', file('process.json'), '--pid-file', file('pid'), id],
            ],
            env: runtime.env,
            io,
            owner: prepared.process.user,
            kill: (child) => child.pid !== undefined && killTree(child.pid),
            isStarted: () => existsSync(fsPath(file('pid'))),
          },
          words,
        );
        return { code: exitCode(end, runtime.name, { log: file('log'), pid: file('pid') }, words.said()) };
      } finally {
        rmSync(fsPath(own), { recursive: true, force: true });
      }
    },
  };
}

/** The runtime-spec's `process` (as in oci-config.ts). */
function execDocument(
  { args, env, cwd, user }: PreparedProcess,
  { tty }: ExecProcess,
  privileged: boolean,
  opensDevices: boolean,
  confinement: Process['confinement'],
): unknown {
  const capabilities = capabilitiesOf(privileged, confinement)
    .map(({ name }) => name)
    .filter((name) => privileged || !opensDevices || name !== 'CAP_MKNOD');
  const own = user.uid === 0 ? capabilities : [];
  const { canSetGroups } = readOwnNamespace();
  return {
    terminal: tty,
    user: {
      uid: user.uid,
      gid: user.gid,
      umask: 0o022,
      ...(canSetGroups ? { additionalGids: user.groups } : {}),
    },
    args,
    env,
    cwd,
    capabilities: { bounding: capabilities, effective: own, permitted: own },
    noNewPrivileges: confinement?.noNewPrivileges === true,
  };
}

function readOr(path: string): string {
  try {
    return readFileSync(fsPath(path), 'latin1');
  } catch {
    return '';
  }
}
