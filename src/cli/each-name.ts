import { createPaint } from './colour.ts';
import { formatError } from './format-error.ts';
import type { Terminal } from './terminal.ts';

/** Does the work for each name and prints what it returns, a line each; a failure is told and the rest goes on. Exit code 1 if any failed. */
export async function eachName(
  terminal: Terminal,
  names: readonly string[],
  work: (name: string) => Promise<string>,
): Promise<number> {
  let failed = 0;
  for (const name of names) {
    try {
      await terminal.out(`${await work(name)}\n`);
    } catch (error) {
      failed = 1;
      terminal.err(formatError(error, createPaint(terminal.colour), false));
    }
  }
  return failed;
}
