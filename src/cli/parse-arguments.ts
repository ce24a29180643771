import type { CommanderError, Option } from 'commander';
import { cliError } from './errors.ts';
import type { CommandSpec, OptionValues } from './spec.ts';

export interface ParsedArguments {
  readonly args: readonly string[];
  readonly options: OptionValues;
}

/** What was typed after the command's name, by its spec; `--help` gives `help: true` among the options. @throws CLI_USAGE */
export async function parseArguments(spec: CommandSpec, words: readonly string[]): Promise<ParsedArguments> {
  const parsed = words.length === 0 ? { args: [], options: defaults(spec) } : await parseWords(spec, words);
  const [least, most] = spec.arity;
  const { length } = parsed.args;
  if (parsed.options.help !== true && (length < least || length > most))
    throw cliError('CLI_USAGE', { command: spec.name, problem: arityProblem(spec, length) });
  return parsed;
}

/** The options of a command without words, as commander would tell them; it need not be loaded for that. */
function defaults(spec: CommandSpec): OptionValues {
  const values: Record<string, string | boolean> = {};
  for (const { flags, default: value } of spec.options) {
    const long = /--([a-z-]+)/.exec(flags)![1]!;
    const name = long.replace(/^no-/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (long.startsWith('no-')) values[name] = true;
    else if (value !== undefined) values[name] = value;
  }
  return values;
}

async function parseWords(spec: CommandSpec, words: readonly string[]): Promise<ParsedArguments> {
  const { Command, Option } = await import('commander');
  const commanderOption = (o: CommandSpec['options'][number]): Option => {
    const option = new Option(o.flags, o.summary);
    if (o.choices !== undefined) option.choices(o.choices);
    if (o.default !== undefined) option.default(o.default);
    if (o.repeat)
      // Of `--no-x <value>` commander's default is true.
      option.argParser((value: string, before: unknown) => [...(Array.isArray(before) ? before : []), value]);
    return option;
  };
  const command = new Command(spec.name)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .helpOption(false)
    .allowExcessArguments()
    .argument('[words...]');
  if (spec.passThrough) command.passThroughOptions();
  const help = spec.options.some(({ flags }) => flags.startsWith('-h,')) ? HELP : HELP_SHORT;
  for (const option of [...spec.options, help]) command.addOption(commanderOption(option));
  try {
    command.parse(withBareValues(spec, words), { from: 'user' });
  } catch (error) {
    throw usageError(spec, error);
  }
  return { args: command.args, options: command.opts() };
}

/** `--pull` as `--pull=always`, for options that may stand alone. */
function withBareValues(spec: CommandSpec, words: readonly string[]): string[] {
  const { options } = spec;
  const bare = new Map(
    options.flatMap(({ flags, bare }) => (bare === undefined ? [] : [[/--[a-z-]+/.exec(flags)![0], bare]])),
  );
  const end = words.indexOf('--');
  const last = Math.min(
    end < 0 ? words.length : end,
    spec.passThrough ? firstArgument(spec, words) : Infinity,
  );
  return words.map((word, at) => (at < last && bare.has(word) ? `${word}=${bare.get(word)}` : word));
}

/** Where the options of a command end whose arguments may look like options: they are another program's. */
function firstArgument({ options }: CommandSpec, words: readonly string[]): number {
  const valued = new Set(
    options.flatMap(({ flags, bare }) =>
      flags.includes('<') && bare === undefined ? (flags.match(/(?<![\w-])--?[a-z-]+/g) ?? []) : [],
    ),
  );
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('-') || word === '-') return at;
    if (word.startsWith('--')) {
      if (valued.has(word)) at++;
      continue;
    }
    const letters = [...word.slice(1)];
    const taker = letters.findIndex((letter) => valued.has(`-${letter}`));
    if (taker === letters.length - 1) at++;
  }
  return words.length;
}

const HELP = { flags: '--help', summary: 'show this help' };
const HELP_SHORT = { ...HELP, flags: '-h, --help' };

const isCommanderError = (error: unknown): error is CommanderError =>
  error instanceof Error && String((error as { code?: unknown }).code).startsWith('commander.');

/** commander's complaint in our words. */
function usageError(spec: CommandSpec, error: unknown): unknown {
  if (!isCommanderError(error)) return error;
  const unknown = /unknown option '([^'=]+)/.exec(error.message)?.[1];
  const flag = unknown?.startsWith('--') ? unknown : unknown?.slice(0, 2);
  if (flag !== undefined && spec.later?.includes(flag))
    return cliError('CLI_LATER', { command: `${spec.name} ${flag}` });
  const [first = '', second = ''] = error.message.replace(/^error: /, '').split('\n');
  const nearest = /Did you mean (?:one of )?([^?,)]+)/.exec(second)?.[1];
  return cliError('CLI_USAGE', { command: spec.name, problem: first.replaceAll("'", '"'), nearest });
}

function arityProblem(spec: CommandSpec, got: number): string {
  const [least, most] = spec.arity;
  const wanted =
    least === most
      ? `exactly ${least} argument${least === 1 ? '' : 's'}`
      : got < least
        ? `at least ${least} argument${least === 1 ? '' : 's'}`
        : `at most ${most} argument${most === 1 ? '' : 's'}`;
  return `needs ${wanted}, got ${got} (usage: dobos ${spec.name} ${spec.usage})`;
}
