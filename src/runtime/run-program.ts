import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { systemCode } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import { errnoOf } from '../linux/libc.ts';
import { type Child, canSpawn, spawnChild } from '../linux/spawn.ts';
import type { ConsoleSocket } from './console-socket.ts';
import { runtimeError } from './errors.ts';
import { type SignalWay, takeSignals } from './pass-signal.ts';
import { consoleStreams, type ProgramStreams, pipeStreams, terminalStreams } from './program-streams.ts';
import type { ContainerIo, Output, ProgramReach, RunWatch } from './types.ts';

/** Both ends of a pipe, open. */
export interface OutputPipe {
  readonly read: number;
  readonly write: number;
}

/** A program to run to its end. */
export interface ProgramRun {
  readonly program: string;
  readonly args: readonly string[];
  /** The program's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly io: ContainerIo;
  /** Standard error of what runs is descriptor 3, since the program's own words (`said`) are for us. */
  readonly errorApart?: boolean | undefined;
  /** As in `ProgramWatch`, if that is known before the start. */
  readonly owner?: ProgramWatch['owner'];
  /** Where the program sends the terminal that it makes, instead of having one of ours. */
  readonly consoleSocket?: ConsoleSocket | undefined;
  /** Pipes for its output instead of nameless ones, if that comes as events. */
  readonly pipes?: readonly [stdout: OutputPipe, stderr: OutputPipe] | undefined;
  /** A descriptor that the program has as its number 3. */
  readonly task?: number | undefined;
  /** Called to start it, so that something can be different meanwhile. */
  readonly around?: (<T extends Child>(start: () => T) => T) | undefined;
  /** Descriptor of the person's standard error here; KEEPER_STDERR when absent. */
  readonly stderr?: number | undefined;
}

/** What a started program is let run with. */
export interface ProgramWatch {
  /** Who must be able to open /dev/stdout again: the pipes become theirs. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Ends the run for good, called once at an abort; the program itself is killed too. */
  readonly kill: (child: Child) => void;
  /** How a signal reaches what the program runs, where it has this process's own streams; `itself` when absent. */
  readonly signals?: SignalWay | undefined;
  /** Called when the program has ended, before the end of its output is waited for: what it left may hold that open. */
  readonly afterwards?: (() => Promise<void>) | undefined;
  /** Whether what the program is to run does run: asked until it says so, for those who want to be told. */
  readonly isStarted?: (() => boolean) | undefined;
}

/** A program that is running and whose output nobody has taken yet. */
export interface StartedProgram {
  readonly child: Child;
  readonly ended: Promise<ProgramEnd>;
  /** What its output is read from, if that comes as events. */
  readonly outputs: ProgramStreams['outputs'];
  readonly reach: ProgramReach;
  /** With `errorApart`: what the program has said on its own standard error. */
  said(): string;
}

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** Descriptor of the real standard error in the keeper, whose own number 2 says why it could not start. */
export const KEEPER_STDERR = 4;

/** As much of a program's own words as is kept. */
const MAX_SAID_CHARACTERS = 4096;

/** Starts the program and waits as `finishProgram`. @throws RUNTIME_PROGRAM_MISSING, the signal's reason after an abort */
export async function runProgram(
  run: ProgramRun & ProgramWatch,
  o: RunWatch = {},
): Promise<ProgramEnd & { readonly said: string }> {
  o.signal?.throwIfAborted();
  const started = startProgram(run);
  const end = await finishProgram(started, run, o);
  return { ...end, said: started.said() };
}

/** Starts the program. Without a terminal of the person's it has a session of its own: no Ctrl-C, no /dev/tty. */
export function startProgram(run: ProgramRun): StartedProgram {
  const streams = streamsOf(run);
  if (run.owner !== undefined) give(streams.given, run.owner);
  try {
    const started =
      run.errorApart !== true && canSpawn() ? startPlain(run, streams) : startByNode(run, streams);
    const { child, ended } = started;
    // Heard by whoever waits for it.
    ended.catch(() => {});
    return { said: () => '', ...started, outputs: streams.outputs, reach: streams.reach(child, ended) };
  } catch (error) {
    for (const fd of streams.kept) closeSync(fd);
    throw error;
  } finally {
    for (const fd of streams.passed) closeSync(fd);
  }
}

type Started = Pick<StartedProgram, 'child' | 'ended'> & Partial<Pick<StartedProgram, 'said'>>;

function startPlain(run: ProgramRun, streams: ProgramStreams): Started {
  const { program, args, env, io, task, around = (start) => start() } = run;
  const isFed = streams.stdin !== undefined || io.stdin === 'inherit';
  const nothing = isFed ? undefined : openSync('/dev/null', 'r');
  const fds = [
    nothing ?? streams.stdin ?? 0,
    streams.stdout ?? 1,
    streams.stderr ?? run.stderr ?? KEEPER_STDERR,
    ...(task === undefined ? [] : [task]),
  ];
  try {
    const child = around(() =>
      spawnChild({ program, args, env, cwd: '/', fds, session: io.output !== 'inherit' }),
    );
    return { child, ended: child.ended };
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? runtimeError('RUNTIME_PROGRAM_MISSING', { program }) : error;
  } finally {
    if (nothing !== undefined) closeSync(nothing);
  }
}

/** With a stream of Node's for its own words, or where the C library starts nothing by itself. */
function startByNode(run: ProgramRun, streams: ProgramStreams): Started {
  const { program, args, env, io, errorApart, task, around = (start) => start() } = run;
  const stderr = streams.stderr ?? run.stderr ?? KEEPER_STDERR;
  const child = around(() =>
    spawn(program, args, {
      stdio: [
        streams.stdin ?? (io.stdin === 'inherit' ? 0 : 'ignore'),
        streams.stdout ?? 1,
        ...(errorApart === true ? (['pipe', stderr] as const) : [stderr]),
        ...(task === undefined ? [] : [task]),
      ],
      env: { ...env },
      cwd: '/',
      detached: io.output !== 'inherit',
    }),
  );
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    if (said.length < MAX_SAID_CHARACTERS) said += String(bytes);
  });
  return { child, ended: endOf(child, program), said: () => said };
}

function streamsOf(run: ProgramRun): ProgramStreams {
  if (run.consoleSocket !== undefined) return consoleStreams(run.consoleSocket);
  return run.io.output === 'terminal' ? terminalStreams(run.io.size) : pipeStreams(run);
}

/**
 * Waits until the program has ended and all its output is delivered. Output comes in the order of each stream; a listener that returns a
 * promise holds the stream back meanwhile, so a flood never piles up.
 * @throws RUNTIME_PROGRAM_MISSING, the signal's reason after an abort
 */
export async function finishProgram(
  { child, ended, outputs, reach }: StartedProgram,
  { owner, kill, signals, afterwards, isStarted }: ProgramWatch,
  o: RunWatch = {},
): Promise<ProgramEnd> {
  const abort = (): void => {
    kill(child);
    child.kill('SIGKILL');
  };
  if (o.signal?.aborted === true) abort();
  o.signal?.addEventListener('abort', abort, { once: true });
  const leave = outputs === undefined ? takeSignals(child, signals ?? 'itself') : undefined;
  const { onStarted } = o;
  const isApart = outputs !== undefined;
  const start = onStarted && isStarted && watchStart(isStarted, () => onStarted(reach), isApart);
  try {
    give(outputs?.fds ?? [], owner);
    const [end] = await Promise.all([
      afterwards === undefined ? ended : ended.finally(afterwards),
      ...(outputs?.open() ?? []).map((output, at) => deliver(at === 0 ? 'stdout' : 'stderr', output, o)),
    ]);
    o.signal?.throwIfAborted();
    return end;
  } finally {
    start?.end();
    leave?.();
    o.signal?.removeEventListener('abort', abort);
  }
}

/** @throws RUNTIME_TERMINAL when neither input nor output of the keeper, which are the person's, is a terminal */
export function requireTerminal(): void {
  if (!isatty(0) && !isatty(1)) throw runtimeError('RUNTIME_TERMINAL', {});
}

/** Either end of a pipe stands for both. */
function give(fds: readonly number[], { uid, gid }: ProgramWatch['owner']): void {
  if (uid !== 0) for (const fd of fds) fchownSync(fd, uid, gid);
}

function endOf(child: ChildProcess, program: string): Promise<ProgramEnd> {
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

/** Between two looks whether a program runs, in milliseconds. */
const LOOK_EVERY_MS = 4;
/** On this process's own streams a program needs nobody to reach it: what is done then (Node's `net` takes 8 ms) would hold up the end of one that ends at once. */
const FIRST_LOOK_MS = 40;

/** Tells once that it is started; of one whose streams are not this process's at the latest when the watch ends. */
function watchStart(isStarted: () => boolean, tell: () => void, isApart: boolean): { end(): void } {
  let told = false;
  const look = (): void => {
    if (isStarted()) {
      told = true;
      tell();
    } else timer = setTimeout(look, LOOK_EVERY_MS);
  };
  let timer = setTimeout(look, isApart ? LOOK_EVERY_MS : FIRST_LOOK_MS);
  return {
    end: () => {
      clearTimeout(timer);
      if (told || !isApart || !isStarted()) return;
      told = true;
      tell();
    },
  };
}

async function deliver(stream: Output['stream'], readable: Readable, o: WatchOptions<Output>): Promise<void> {
  const listen = o.onEvent as ((event: Output) => unknown) | undefined;
  for await (const bytes of readable as AsyncIterable<Buffer>) {
    const pending = listen?.({ stream, bytes });
    if (pending instanceof Promise) await pending;
  }
}
