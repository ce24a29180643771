import { Command, CommanderError, Option } from 'commander';
import { cliError } from './errors.ts';
import type { CommandSpec, OptionValues } from './spec.ts';

export interface ParsedArguments {
  readonly args: readonly string[];
  readonly options: OptionValues;
}

/** What was typed after the command's name, by its spec; `--help` gives `help: true` among the options. @throws CLI_USAGE */
export function parseArguments(spec: CommandSpec, words: readonly string[]): ParsedArguments {
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
    command.parse([...words], { from: 'user' });
  } catch (error) {
    throw usageError(spec, error);
  }
  const options: OptionValues = command.opts();
  const args = command.args;
  const [least, most] = spec.arity;
  if (options.help !== true && (args.length < least || args.length > most)) {
    throw cliError('CLI_USAGE', { command: spec.name, problem: arityProblem(spec, args.length) });
  }
  return { args, options };
}

const HELP = { flags: '--help', summary: 'show this help' };
const HELP_SHORT = { ...HELP, flags: '-h, --help' };

function commanderOption(spec: CommandSpec['options'][number]): Option {
  const option = new Option(spec.flags, spec.summary);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.default !== undefined) option.default(spec.default);
  if (spec.repeat)
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** commander's complaint in our words. */
function usageError(spec: CommandSpec, error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
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
