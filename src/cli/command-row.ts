import type { CommandSpec } from './spec.ts';

/** One row of the list of commands; the command itself is loaded when it is asked for. */
export interface CommandRow {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly aliases: readonly string[];
  load(): Promise<CommandSpec>;
}

/** A row of the list of commands, without loading the command. */
export function row(
  name: string,
  group: string,
  summary: string,
  aliases: readonly string[],
  load: () => Promise<{ readonly command: CommandSpec }>,
): CommandRow {
  return { name, group, summary, aliases, load: async () => (await load()).command };
}
