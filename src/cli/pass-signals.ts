import type { Terminal } from './terminal.ts';

/** Whoever asks so often means it: a program that is first of its namespace is deaf to signals that it does not handle. */
export const MANY_SIGNALS = 3;

/** Signals go to the program. On a terminal it has heard of Ctrl-C already, as it is in the foreground with us. */
export function passOrStop(
  terminal: Terminal,
  pass: (signal: NodeJS.Signals, isHeard: boolean) => void,
  stop: AbortController,
): (signal: NodeJS.Signals) => void {
  const onTerminal = terminal.inIsTty || terminal.outIsTty || terminal.errIsTty;
  let count = 0;
  return (signal) => {
    if (++count >= MANY_SIGNALS) stop.abort(signal);
    else pass(signal, signal === 'SIGINT' && onTerminal);
  };
}

/** The exit code of a container that was killed by so many signals, after saying so; any other failure is thrown on. */
export function afterStop(terminal: Terminal, stop: AbortController, error: unknown): { code: number } {
  if (!stop.signal.aborted) throw error;
  terminal.err(`dobos: killed after ${MANY_SIGNALS} signals\n`);
  return { code: stop.signal.reason === 'SIGTERM' ? 143 : 130 };
}
