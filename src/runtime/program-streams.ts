import { openSync } from 'node:fs';
import { Socket } from 'node:net';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { systemCode } from '../base/errors.ts';
import { makePipe } from '../linux/process.ts';
import { openTerminal, resizeTerminal, type TerminalSize } from '../linux/pty.ts';
import type { Child } from '../linux/spawn.ts';
import type { ConsoleSocket } from './console-socket.ts';
import type { ContainerIo, ProgramReach } from './types.ts';

interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** What a program is started with, and what of it stays here. */
export interface ProgramStreams {
  /** Descriptors for the program; undefined for what is inherited, or nothing. */
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  /** Those that are the program's alone once it runs, and those that stay here: nobody has made a stream of them yet. */
  readonly passed: readonly number[];
  readonly kept: readonly number[];
  /** What its user must be able to open again. */
  readonly given: readonly number[];
  /** Stdout and stderr, or what is both; undefined for what is inherited. */
  readonly outputs:
    | {
        /** Pipes that its user must be able to open again. */
        readonly fds: readonly number[];
        /** To be read; once. */
        open(): readonly Readable[];
      }
    | undefined;
  reach(child: Child, ended: Promise<unknown>): ProgramReach;
}

/** docker's, until somebody says what it is. */
export const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** The end of a terminal that sees and types. That nobody has the other end open any more is its end, and no error that takes away what has been read before (pty(7)). */
const defineTerminalEnd = () =>
  class extends ReadStream {
    override destroy(error?: Error): this {
      if (systemCode(error) !== 'EIO') return super.destroy(error);
      this.push(null);
      // Without a reader too it is noticed.
      this.read(0);
      return this;
    }
  };

/** Defined when there is a first terminal: Node's `tty`, which it extends, takes 2 ms to load. */
let TerminalEnd: ReturnType<typeof defineTerminalEnd> | undefined;

function openEnd(fd: number): ReadStream {
  TerminalEnd ??= defineTerminalEnd();
  return new TerminalEnd(fd);
}

/** When the program that a terminal belongs to ends, the kernel throws away what has not been read from it yet. So this much is read ahead of who takes it, in bytes. */
const READ_AHEAD = 4 * 1024 * 1024;

/** What comes from a terminal. */
function terminalOutput(): PassThrough {
  const output = new PassThrough({ highWaterMark: READ_AHEAD });
  // Whoever reads it hears of it.
  output.on('error', () => {});
  return output;
}

/** A terminal of its own, which is all three of its streams. */
export function terminalStreams(size: TerminalSize = USUAL_SIZE): ProgramStreams {
  const { master, slave } = openTerminal(size);
  let terminal: ReadStream | undefined;
  const open = (): ReadStream => {
    terminal ??= openEnd(master);
    return terminal;
  };
  const read = (): readonly Readable[] => {
    const output = terminalOutput();
    open().on('error', (error) => output.destroy(error));
    return [open().pipe(output)];
  };
  return {
    stdin: slave,
    stdout: slave,
    stderr: slave,
    passed: [slave],
    kept: [master],
    given: [slave],
    outputs: { fds: [], open: read },
    reach: (child) => ({
      write: (bytes) => write(open(), bytes),
      end: () => {},
      resize: (to) => {
        if (open().destroyed) return;
        resizeTerminal(master, to);
        // A runtime has another terminal inside the container, whose size it sets when it hears this.
        child.kill('SIGWINCH');
      },
    }),
  };
}

/** The terminal that a runtime sends is all three of the program's streams; the runtime itself has none. */
export function consoleStreams(sent: ConsoleSocket): ProgramStreams {
  const nothing = openSync('/dev/null', 'r+');
  const output = terminalOutput();
  let resize: ((size: TerminalSize) => void) | undefined;
  let wanted: TerminalSize | undefined;
  const opened = sent.terminal.then((fd) => {
    if (fd === undefined) {
      output.end();
      return undefined;
    }
    const terminal = openEnd(fd);
    resize = (size) => {
      if (!terminal.destroyed) resizeTerminal(fd, size);
    };
    if (wanted !== undefined) resize(wanted);
    terminal.on('error', (error) => output.destroy(error));
    terminal.pipe(output);
    return terminal;
  });
  return {
    stdin: nothing,
    stdout: nothing,
    stderr: nothing,
    passed: [nothing],
    kept: [],
    given: [],
    outputs: { fds: [], open: () => [output] },
    reach: (_, ended) => {
      // Of a runtime that sends none.
      const close = (): void => sent.close();
      ended.then(close, close);
      return {
        async write(bytes) {
          const stream = await opened;
          if (stream !== undefined) await write(stream, bytes);
        },
        end: () => {},
        resize(size) {
          wanted = size;
          resize?.(size);
        },
      };
    },
  };
}

/** Pipes for what is not inherited. */
export function pipeStreams({
  io,
  pipes,
}: {
  readonly io: ContainerIo;
  readonly pipes?: readonly [stdout: Pipe, stderr: Pipe] | undefined;
}): ProgramStreams {
  const input = io.stdin === 'fed' ? makePipe() : undefined;
  const outputs = io.output === 'events' ? (pipes ?? ([makePipe(), makePipe()] as const)) : undefined;
  const ours = outputs?.map(({ read }) => read) ?? [];
  const theirs = outputs?.map((pipe) => pipe.write) ?? [];
  return {
    stdin: input?.read,
    stdout: theirs[0],
    stderr: theirs[1],
    passed: [...theirs, ...(input === undefined ? [] : [input.read])],
    kept: [...ours, ...(input === undefined ? [] : [input.write])],
    // Either end of a pipe stands for both.
    given: [...theirs, ...(input === undefined ? [] : [input.read])],
    outputs: outputs && { fds: ours, open: () => ours.map(readerOf) },
    reach: (_, ended) => {
      if (input === undefined) return { write: async () => {}, end: () => {}, resize: () => {} };
      const socket = new Socket({ fd: input.write, readable: false, writable: true });
      // Who does not read its input has seen enough.
      socket.on('error', () => {});
      const destroy = (): void => void socket.destroy();
      ended.then(destroy, destroy);
      return { write: (bytes) => write(socket, bytes), end: () => void socket.end(), resize: () => {} };
    },
  };
}

const readerOf = (fd: number): Readable => new Socket({ fd, readable: true, writable: false });

/** Returns when the bytes are written, or never will be. */
function write(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) resolve();
    else stream.write(bytes, () => resolve());
  });
}
