import type { RunWatch } from './types.ts';

/** As much of a failed start's own words as an error repeats. */
const MAX_SAID_CHARACTERS = 4096;

/** The same options, with an ear for the first words on standard error: a program that cannot start says why there. */
export function hearWords(o: RunWatch): RunWatch & { said(): string } {
  let said = '';
  return {
    signal: o.signal,
    onStarted: o.onStarted,
    onEvent: (output) => {
      if (output.stream === 'stderr' && said.length < MAX_SAID_CHARACTERS)
        said += String(Buffer.from(output.bytes));
      return o.onEvent?.(output);
    },
    said: () => said.slice(0, MAX_SAID_CHARACTERS),
  };
}
