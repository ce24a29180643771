/**
 * Commands as data: one file per command in commands/, read by the parser, the help, and the generated reference.
 * @module
 */
import type { App } from '../app/app.ts';
import type { Terminal } from './terminal.ts';

export interface OptionSpec {
  /** As commander writes it: `-t, --tag <name>`, `--no-cache`. */
  readonly flags: string;
  readonly summary: string;
  /** May be given several times; the value is a list. */
  readonly repeat?: boolean;
  /** Among the few that people use most: shown first in the help. */
  readonly common?: boolean;
  readonly choices?: readonly string[];
  readonly default?: string;
  /** The value when the option stands alone; another one is then given with `=` only, so that the next word is not taken for it. */
  readonly bare?: string;
}

/** Parsed options by their camel-case long name. */
export interface OptionValues {
  readonly [name: string]: string | boolean | readonly string[] | undefined;
}

export interface CommandCall {
  readonly app: App;
  readonly terminal: Terminal;
  /** Positional arguments in order. */
  readonly args: readonly string[];
  readonly options: OptionValues;
  readonly signal: AbortSignal;
  /** From now on signals are this function's business, not an interruption. */
  readonly takeSignals: (take: (signal: NodeJS.Signals) => void) => void;
}

export interface CommandSpec {
  /** `build`, or `system df`. */
  readonly name: string;
  /** The other forms that people type: `image build`, `buildx build`. */
  readonly aliases: readonly string[];
  /** One sentence, no full stop. */
  readonly summary: string;
  /** What follows the name: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly usage: string;
  /** Least and most positional arguments. */
  readonly arity: readonly [least: number, most: number];
  readonly options: readonly OptionSpec[];
  /** Flags of docker's and buildah's that come in a later version; they fail by name. */
  readonly later?: readonly string[];
  /** Three lines that run. */
  readonly examples: readonly string[];
  /** Options end at the first positional argument (`run`). */
  readonly passThrough?: boolean;
  /** Exit code of wrong usage; 2 unless docker has its own (`run`: 125). */
  readonly usageExit?: number;
  /** Exit code of whatever fails where 1 is an answer (`compare`: 2, as diff's); 1 when absent, or `usageExit`. */
  readonly failureExit?: (options: OptionValues) => number | undefined;
  /** What this version does not do, in the help. */
  readonly limits?: readonly string[];
  /** The exit code. */
  run(call: CommandCall): Promise<number>;
}

export const textOption = (options: OptionValues, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const flagOption = (options: OptionValues, name: string): boolean => options[name] === true;

export const listOption = (options: OptionValues, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? value : [];
};
