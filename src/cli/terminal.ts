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

/** The process's own terminal; colours unless NO_COLOR is set or standard error is no terminal. */
export function processTerminal(env: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr } = process;
  // Node makes a stream of it when it is first looked at, for some milliseconds; most commands never ask.
  const inIsTty = (): boolean => process.stdin.isTTY === true;
  return {
    out: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    err: (text) => {
      stderr.write(text);
    },
    outIsTty: stdout.isTTY === true,
    errIsTty: stderr.isTTY === true,
    get inIsTty() {
      return inIsTty();
    },
    columns: () => stderr.columns ?? stdout.columns ?? 80,
    rows: () => stderr.rows ?? stdout.rows ?? 24,
    colour: (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' && stderr.isTTY === true,
    stdin: () => process.stdin,
    listen: (raw, take) => {
      const { stdin } = process;
      let stopped = false;
      const onEnd = (): void => void take(undefined);
      const onData = (typed: Uint8Array): void => {
        const taken = take(typed);
        if (!(taken instanceof Promise)) return;
        stdin.pause();
        const goOn = (): void => {
          if (!stopped) stdin.resume();
        };
        void taken.then(goOn, goOn);
      };
      if (raw) stdin.setRawMode(true);
      stdin.on('data', onData).on('end', onEnd).resume();
      return () => {
        stopped = true;
        stdin.off('data', onData).off('end', onEnd).pause();
        if (raw) stdin.setRawMode(false);
      };
    },
    onResize: (take) => {
      stdout.on('resize', take);
      return () => stdout.off('resize', take);
    },
    get isWhole() {
      return stdout.isTTY === true && inIsTty() && (env.TERM ?? 'dumb') !== 'dumb';
    },
    interrupt: () => process.kill(process.pid, 'SIGINT'),
  };
}
