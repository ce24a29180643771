/**
 * Where OCI runtimes are started from: the keeper's process, whose pid namespace holds all that they start, or a program of ours that has a mount namespace of its own
 * (serve-here.ts) and gives each container's runtime a pid namespace.
 * @module
 */
import { readFileSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { inPidNamespace } from '../linux/enter.ts';
import { inNewPidNamespace } from '../linux/namespaces.ts';
import type { ConsoleSocket } from './console-socket.ts';
import { descendantsOf, pidsOf } from './process-table.ts';
import { KEEPER_STDERR, type ProgramRun } from './run-program.ts';

/** What a runtime is run with so that it is where its pids mean something, and ends with us. */
export type PlacedRun = Pick<ProgramRun, 'program' | 'args' | 'around'>;

/** Options for a runtime that is to send a terminal, and what it must be started with. */
export interface PlacedConsole {
  readonly options: readonly string[];
  readonly run: Pick<ProgramRun, 'consoleSocket' | 'task'>;
}

export interface RuntimePlace {
  /** What works in one may not work in the other. */
  readonly name: 'keeper' | 'here';
  /** Also what goes into the background ends with this process. */
  readonly endsAll: boolean;
  /** A runtime may be started before anybody needs it. */
  readonly startsAhead: boolean;
  /** Descriptor of the person's standard error here. */
  readonly stderr: number;
  /** Of a helper that stays: it ends with this process. */
  helper(run: Pick<PlacedRun, 'program' | 'args'>): Pick<PlacedRun, 'program' | 'args'>;
  /** Of a runtime that makes a container. */
  begin(run: PlacedRun): PlacedRun;
  /** Of one that goes into the container which that child runs. */
  join(run: PlacedRun, runtime: number | undefined): PlacedRun;
  /** How a runtime finds the socket. */
  console(socket: ConsoleSocket | undefined): PlacedConsole;
  /** Reads a runtime's pid file: the process's pid here. `below` is the child that wrote it. Undefined if it has not, or the process has ended. */
  pidIn(file: string, below: number | undefined): number | undefined;
}

const CONSOLE = '--console-socket';

/** The keeper's. */
export const KEEPER_PLACE: RuntimePlace = {
  name: 'keeper',
  endsAll: true,
  startsAhead: true,
  stderr: KEEPER_STDERR,
  helper: (run) => run,
  begin: (run) => run,
  join: (run) => run,
  console: (socket) => ({
    options: socket === undefined ? [] : [CONSOLE, socket.path],
    run: { consoleSocket: socket },
  }),
  pidIn: (file) => numberIn(file),
};

/** Absolute paths of util-linux's programs. */
export interface HerePrograms {
  readonly setpriv: string;
  readonly unshare: string;
  readonly nsenter: string;
}

/** That of a program of ours, whose own standard error is the person's. */
export function placeHere({ setpriv, unshare, nsenter }: HerePrograms): RuntimePlace {
  const helper: RuntimePlace['helper'] = ({ program, args }) => ({
    program: setpriv,
    args: ['--pdeathsig', 'KILL', '--', ifAlive(program), ...args],
  });
  return {
    name: 'here',
    endsAll: false,
    helper,
    startsAhead: false,
    stderr: 2,
    begin: ({ program, args, around = (start) => start() }) => ({
      ...helper({ program: unshare, args: ['--mount-proc', '--', program, ...args] }),
      around: (start) => around(() => inNewPidNamespace(start)),
    }),
    // Its namespace has ended with us if we have: no parent need be watched.
    join: ({ program, args, around = (start) => start() }, runtime = 0) => ({
      program: nsenter,
      args: [`--mount=/proc/${runtime}/ns/mnt`, '--', program, ...args],
      around: (start) => around(() => inPidNamespace(runtime, start)),
    }),
    // Its /proc shows nothing of this process.
    console: (socket) => ({
      options: socket === undefined ? [] : [CONSOLE, '/proc/self/fd/3/console'],
      run: { consoleSocket: socket, task: socket?.folder },
    }),
    pidIn(file, below) {
      const inside = numberIn(file);
      return inside === undefined || below === undefined ? undefined : pidHere(inside, below);
    },
  };
}

/**
 * A program by a path that leads nowhere once this process is dying: its child looks it up after it has asked to be killed with its parent (prctl(2), PR_SET_PDEATHSIG), which is never told of a death before.
 * The kernel takes a process's root away before it tells its children.
 */
const ifAlive = (program: string): string => `/proc/${process.pid}/root${program}`;

/** The pid that a process below `below` has here, which is `inside` one namespace deeper. */
function pidHere(inside: number, below: number): number | undefined {
  const depth = pidsOf('self').length;
  return descendantsOf(below).find(({ pid }) => pidsOf(String(pid))[depth] === inside)?.pid;
}

function numberIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(fsPath(file), 'latin1'));
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Starts the child and tells its pid. */
export const tellingPid =
  (around: PlacedRun['around'], tell: (pid: number | undefined) => void): PlacedRun['around'] =>
  (start) => {
    const child = around === undefined ? start() : around(start);
    tell(child.pid);
    return child;
  };
