import { closeSync, constants, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import { mknod, S_IFIFO } from '../linux/nodes.ts';
import { sealedCopy } from '../linux/sealed-file.ts';
import { killTree } from './kill-tree.ts';
import { type ProgramRun, type StartedProgram, startProgram } from './run-program.ts';
import type { ContainerIo } from './types.ts';

/** A runtime that is started and waits at its config.json, a pipe, before it has done anything. */
export interface ReadyRuntime {
  /** Its bundle, state and log. */
  readonly folder: string;
  /** Lets it go on with this config; undefined when it cannot (then it is gone and another must be started). */
  go(config: string): StartedProgram | undefined;
  /** Ends it if it still waits. */
  end(): void;
}

/** The next runtime is started while the one before runs: a process start costs the keeper several milliseconds, and the runtime itself as many. */
export interface ReadyRuntimes {
  /** Starts one to wait, unless one waits; its folder is made in `parent`. Failing is no error: then none waits. */
  prepare(parent: string): void;
  /** The one that waits. */
  take(): ReadyRuntime | undefined;
}

const IO: ContainerIo = { stdin: 'null', output: 'events' };
/** pipe(7): what a pipe holds without a reader; one page may be lost to alignment. */
const MAX_CONFIG_BYTES = 60 * 1024;

export function createReadyRuntimes(
  commandIn: (folder: string, id: string, io: ContainerIo) => ProgramRun,
): ReadyRuntimes {
  let made = 0;
  let waiting: ReadyRuntime | undefined;
  let sealed: string | undefined;
  /** A runtime started from a file that can be written to makes a copy of itself in every container, against CVE-2019-5736; from a sealed copy it does not. */
  const fromSealed = (run: ProgramRun): ProgramRun => {
    sealed ??= sealedPath(run.program);
    return { ...run, program: sealed };
  };
  return {
    prepare(parent) {
      if (waiting !== undefined) return;
      const name = `ready-${made++}`;
      const folder = join(parent, name);
      try {
        mkdirSync(fsPath(folder), { mode: 0o700 });
        mknod(join(folder, 'config.json'), S_IFIFO | 0o600);
        waiting = readyRuntime(folder, startProgram(fromSealed(commandIn(folder, `dobos-${name}`, IO))));
      } catch {
        rmSync(fsPath(folder), { recursive: true, force: true });
      }
    },
    take() {
      const taken = waiting;
      waiting = undefined;
      return taken;
    },
  };
}

/** How a process started by this one names the copy; the program itself where none can be made. */
function sealedPath(program: string): string {
  try {
    return `/proc/self/fd/${sealedCopy(program)}`;
  } catch {
    return program;
  }
}

function readyRuntime(folder: string, started: StartedProgram): ReadyRuntime {
  let waits = true;
  const end = (): void => {
    if (!waits) return;
    waits = false;
    if (started.child.pid !== undefined) killTree(started.child.pid);
    for (const fd of started.outputs?.fds ?? []) closeSync(fd);
  };
  return {
    folder,
    go(config) {
      if (!writeToReader(join(folder, 'config.json'), config)) {
        end();
        return undefined;
      }
      waits = false;
      return started;
    },
    end,
  };
}

/** False unless somebody has the pipe open and all of the text fits in it. */
function writeToReader(pipe: string, text: string): boolean {
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_CONFIG_BYTES) return false;
  let fd: number;
  try {
    fd = openSync(fsPath(pipe), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO: nobody reads, it has ended or is not there yet.
    if (systemCode(error) === 'ENXIO') return false;
    throw error;
  }
  try {
    return writeSync(fd, bytes) === bytes.length;
  } finally {
    closeSync(fd);
  }
}
