import { fstatSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Where a command prints. Tests give their own. */
export interface Terminal {
  /** Writes to standard output as is; waits when the reader is slow. */
  out(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error as is. */
  err(text: string | Uint8Array): void;
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  readonly inIsTty: boolean;
  /** Of standard error or output, or 80. */
  readonly columns: () => number;
  readonly rows: () => number;
  readonly colour: boolean;
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Gives what is typed, undefined at its end, until the function returned is called; a promise holds the rest back. Raw: nothing is shown, and every key is given, Ctrl-C too. */
  readonly listen: (raw: boolean, take: (typed: Uint8Array | undefined) => unknown) => () => void;
  /** Says when the window has another size, until the function returned is called. */
  readonly onResize: (take: () => void) => () => void;
  /** True if keys can be read from it and any place of it written to. */
  readonly isWhole: boolean;
  /** As Ctrl-C does. */
  readonly interrupt: () => void;
}

const opened = new Set<'stdin' | 'stdout' | 'stderr'>();

/** Whether Node has made a stream of any: such a one is set back at Node's own end, as others have it too. */
export const hasStreams = (): boolean => opened.size > 0;

/** What is done when a stream cannot be written to. */
export type OnFailure = Readonly<Record<'stdout' | 'stderr', (error: NodeJS.ErrnoException) => void>>;

/** The process's own terminal; colours unless NO_COLOR is set or standard error is no terminal. */
export function processTerminal(env: NodeJS.ProcessEnv, onFailure: OnFailure): Terminal {
  // Node makes a stream of each when it is first looked at, for some milliseconds; most commands never ask for all.
  const stream = (name: 'stdout' | 'stderr'): NodeJS.WriteStream => {
    if (!opened.has(name)) process[name].on('error', onFailure[name]);
    opened.add(name);
    return process[name];
  };
  const stdin = (): NodeJS.ReadStream => {
    opened.add('stdin');
    return process.stdin;
  };
  const [inIsTty, outIsTty, errIsTty] = [0, 1, 2].map(isTerminal) as [boolean, boolean, boolean];
  return {
    out: (text) =>
      new Promise((resolve, reject) => {
        stream('stdout').write(text, (error) => (error ? reject(error) : resolve()));
      }),
    err: (text) => {
      stream('stderr').write(text);
    },
    outIsTty,
    errIsTty,
    inIsTty,
    columns: () => stream('stderr').columns ?? stream('stdout').columns ?? 80,
    rows: () => stream('stderr').rows ?? stream('stdout').rows ?? 24,
    colour: (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' && errIsTty,
    stdin,
    listen: (raw, take) => {
      const input = stdin();
      let stopped = false;
      const onEnd = (): void => void take(undefined);
      const onData = (typed: Uint8Array): void => {
        const taken = take(typed);
        if (!(taken instanceof Promise)) return;
        input.pause();
        const goOn = (): void => {
          if (!stopped) input.resume();
        };
        void taken.then(goOn, goOn);
      };
      if (raw) input.setRawMode(true);
      input.on('data', onData).on('end', onEnd).resume();
      return () => {
        stopped = true;
        input.off('data', onData).off('end', onEnd).pause();
        if (raw) input.setRawMode(false);
      };
    },
    onResize: (take) => {
      // The one whose size is told: each learns of a new one by itself, the other perhaps later.
      const sized = stream(errIsTty ? 'stderr' : 'stdout').on('resize', take);
      return () => sized.off('resize', take);
    },
    isWhole: outIsTty && inIsTty && (env.TERM ?? 'dumb') !== 'dumb',
    interrupt: () => process.kill(process.pid, 'SIGINT'),
  };
}

/** Most descriptors are no terminals at a glance, while Node's module for those loads half of what it has for networks. */
function isTerminal(fd: number): boolean {
  if (process.platform !== 'linux') return isatty(fd);
  try {
    const stat = fstatSync(fd);
    // Devices of number 1 are the kernel's own memory, /dev/null among it.
    return stat.isCharacterDevice() && stat.rdev >> 8 !== 1 && isatty(fd);
  } catch {
    return false;
  }
}
