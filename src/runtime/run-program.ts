import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, fchownSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { systemCode } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import { makePipe } from '../linux/process.ts';
import { runtimeError } from './errors.ts';
import { type SignalWay, takeSignals } from './pass-signal.ts';
import type { ContainerIo, Output } from './types.ts';

/** A program to run to its end. */
export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  /** The program's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly io: ContainerIo;
  /** Who must be able to open /dev/stdout again: the pipes become theirs. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Ends the run for good, called once at an abort; the program itself is killed too. */
  readonly kill: (child: ChildProcess) => void;
  /** How a signal reaches what the program runs; `itself` when absent. */
  readonly signals?: SignalWay | undefined;
}

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** Descriptor of the real standard error in the keeper, whose own number 2 says why it could not start. */
export const KEEPER_STDERR = 4;

/**
 * Starts the program and waits until it has ended and all its output is delivered. Output comes in the order of each stream; a listener that returns a
 * promise holds the stream back meanwhile, so a flood never piles up. Without a terminal the program has a session of its own: no Ctrl-C, no /dev/tty.
 * @throws RUNTIME_PROGRAM_MISSING, the signal's reason after an abort
 */
export async function runProgram(run: ProgramRun, o: WatchOptions<Output> = {}): Promise<ProgramEnd> {
  o.signal?.throwIfAborted();
  const { io } = run;
  const pipes = io.output === 'events' ? ([openPipe(run.owner), openPipe(run.owner)] as const) : undefined;
  const stdio: SpawnOptions['stdio'] = [
    io.stdin === 'inherit' ? 0 : 'ignore',
    pipes?.[0].write ?? 1,
    pipes?.[1].write ?? KEEPER_STDERR,
  ];
  let child: ChildProcess;
  try {
    child = spawn(run.program, run.args, {
      stdio,
      env: { ...run.env },
      cwd: '/',
      detached: io.output === 'events',
    });
  } catch (error) {
    for (const { read } of pipes ?? []) closeSync(read);
    throw error;
  } finally {
    for (const { write } of pipes ?? []) closeSync(write);
  }
  const abort = (): void => {
    run.kill(child);
    child.kill('SIGKILL');
  };
  o.signal?.addEventListener('abort', abort, { once: true });
  const leave = io.output === 'inherit' ? takeSignals(child, run.signals ?? 'itself') : undefined;
  try {
    const [end] = await Promise.all([
      ended(child, run.program),
      ...(pipes === undefined
        ? []
        : [deliver('stdout', pipes[0].read, o), deliver('stderr', pipes[1].read, o)]),
    ]);
    o.signal?.throwIfAborted();
    return end;
  } finally {
    leave?.();
    o.signal?.removeEventListener('abort', abort);
  }
}

/** @throws RUNTIME_TERMINAL when neither input nor output of the keeper, which are the person's, is a terminal */
export function requireTerminal(): void {
  if (!isatty(0) && !isatty(1)) throw runtimeError('RUNTIME_TERMINAL', {});
}

function openPipe(owner: ProgramRun['owner']): { readonly read: number; readonly write: number } {
  const pipe = makePipe();
  if (owner.uid !== 0) fchownSync(pipe.write, owner.uid, owner.gid);
  return pipe;
}

function ended(child: ChildProcess, program: string): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        systemCode(error) === 'ENOENT'
          ? runtimeError('RUNTIME_PROGRAM_MISSING', { program }, { cause: error })
          : error,
      ),
    );
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
}

async function deliver(stream: Output['stream'], fd: number, o: WatchOptions<Output>): Promise<void> {
  const listen = o.onEvent as ((event: Output) => unknown) | undefined;
  const socket = new Socket({ fd, readable: true, writable: false });
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    const pending = listen?.({ stream, bytes });
    if (pending instanceof Promise) await pending;
  }
}
