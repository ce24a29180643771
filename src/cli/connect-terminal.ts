import type { ControlInput, ControlWatch } from '../containers/control-client.ts';
import { showAsItComes, type TerminalSize } from '../linux/pty.ts';
import { createKeyWatch } from './detach-keys.ts';
import type { Terminal } from './terminal.ts';

export interface ConnectOptions {
  /** Standard input is passed on. */
  readonly input: boolean;
  /** The program has a terminal: ours is raw, keys and sizes go there. */
  readonly tty: boolean;
  /** Typed to leave. */
  readonly detachKeys: readonly number[];
}

/** Size of the person's terminal. */
export const sizeOf = ({ columns, rows }: Terminal): TerminalSize => ({ columns: columns(), rows: rows() });

/** Connects this command's streams with a program in a container, until `end` is called. */
export function connectTerminal(
  terminal: Terminal,
  { input, tty, detachKeys }: ConnectOptions,
): { readonly watch: Pick<ControlWatch, 'onOutput' | 'onStarted'>; readonly end: () => void } {
  const ends: (() => void)[] = [];
  const end = (): void => {
    for (const each of ends.splice(0)) each();
  };
  const raw = input && tty && terminal.inIsTty;
  const keys = createKeyWatch(raw ? detachKeys : []);
  let begin: (program: ControlInput) => void = () => {};
  const begun = new Promise<ControlInput>((resolve) => {
    begin = resolve;
  });
  const listen = (): void => {
    ends.push(
      terminal.listen(raw, (typed) => {
        if (typed === undefined) return begun.then((program) => program.end());
        const { pass, detached } = keys(typed);
        const written = begun.then((program) => program.write(pass));
        // What is left does not wait for the program to take what was typed before.
        if (detached) void begun.then((program) => program.detach());
        return written;
      }),
    );
    if (raw) showAsItComes(0);
  };
  // Raw before the program runs: what a terminal answers to its first words would be echoed.
  if (raw) listen();
  const start = (program: ControlInput): void => {
    begin(program);
    if (tty) ends.push(terminal.onResize(() => program.resize(sizeOf(terminal))));
    if (input && !raw) listen();
  };
  return {
    watch: {
      onStarted: start,
      onOutput: async ({ stream, bytes }) => {
        if (stream === 'stdout') await terminal.out(bytes);
        else terminal.err(bytes);
      },
    },
    end,
  };
}
