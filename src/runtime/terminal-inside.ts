import { closeSync, constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { resizeTerminal, type TerminalSize, terminalSize } from '../linux/pty.ts';
import { USUAL_SIZE } from './program-streams.ts';
import type { ContainerIo, RunWatch } from './types.ts';

/** A program's terminal may be any of these, whatever it has made of the others; what is opened may not become ours, and may not make us wait. */
const STREAMS = [0, 1, 2];
const OPEN = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** The size that a program's terminal is to begin with; undefined where it has none. */
export function sizeFor(tty: boolean, { output, size }: ContainerIo): TerminalSize | undefined {
  if (!tty) return undefined;
  if (output !== 'inherit') return size ?? USUAL_SIZE;
  const fd = STREAMS.find((each) => isatty(each));
  return fd === undefined ? undefined : terminalSize(fd);
}

/**
 * The same options, with a new size for the terminal inside as well: a runtime has another one there, and not every runtime passes on what it hears (crun 1.8).
 * `pid` is the program's once it runs.
 */
export function sizeInside(o: RunWatch, pid: () => number | undefined): RunWatch {
  const { onStarted } = o;
  if (onStarted === undefined) return o;
  return {
    ...o,
    onStarted: (reach) =>
      onStarted({
        ...reach,
        resize: (size) => {
          reach.resize(size);
          resizeInside(pid(), size);
        },
      }),
  };
}

/** Has the terminal inside follow ours, on which the program runs in the foreground, until the function returned is called. */
export function followSize(pid: () => number | undefined): () => void {
  const follow = (): void => {
    const size = sizeFor(true, { stdin: 'inherit', output: 'inherit' });
    if (size !== undefined) resizeInside(pid(), size);
  };
  process.on('SIGWINCH', follow);
  return () => void process.off('SIGWINCH', follow);
}

function resizeInside(pid: number | undefined, size: TerminalSize): void {
  if (pid === undefined) return;
  for (const stream of STREAMS) {
    try {
      const fd = openSync(`/proc/${pid}/fd/${stream}`, OPEN);
      try {
        if (!isatty(fd)) continue;
        resizeTerminal(fd, size);
        return;
      } finally {
        closeSync(fd);
      }
    } catch {
      // It has ended, or has closed that one.
    }
  }
}
