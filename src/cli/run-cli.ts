/**
 * The command line: words in, text and an exit code out.
 * @module
 */

import type { Ahead, App } from '../app/app.ts';
import type { Settings } from '../app/settings.ts';
import { isDobosError } from '../base/errors.ts';
import { createPaint } from './colour.ts';
import type { CommandRow } from './command-row.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { cliError } from './errors.ts';
import { formatError } from './format-error.ts';
import { LATER } from './later.ts';
import type { Terminal } from './terminal.ts';

export interface Surroundings {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** The exit code once `signal` is aborted. */
  readonly interruptExit: () => number;
  readonly settings: () => Settings;
  readonly version: string;
  /** What the launcher has made ready. */
  readonly ahead?: Ahead | undefined;
  /** Opened ahead with those settings; the caller closes it too. */
  readonly app?: App | undefined;
  /** From now on signals are this function's business, not an interruption. */
  readonly takeSignals: (take: (signal: NodeJS.Signals) => void) => void;
}

/** Runs one command line; the exit code. Prints, never exits. */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  const { terminal } = around;
  const debug = argv[0] === '--debug' || argv[0] === '-D';
  const words = debug ? argv.slice(1) : argv;
  let failedUsage = 2;
  let failed: number | undefined;
  try {
    const [first] = words;
    if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
      await terminal.out(await helpFor(words.slice(1)));
      return 0;
    }
    if (first === '--version' || first === '-v') {
      await terminal.out(`dobos ${around.version}\n`);
      return 0;
    }
    const found = findCommand(words);
    if (found === undefined) throw unknownCommand(words);
    const spec = await found.command.load();
    failedUsage = spec.usageExit ?? 2;
    const [{ parseArguments }, { refuseTypography }] = await Promise.all([
      import('./parse-arguments.ts'),
      import('./typography.ts'),
    ]);
    refuseTypography(found.rest);
    const { args, options } = await parseArguments(spec, found.rest);
    if (options.help === true) {
      await terminal.out((await import('./help.ts')).commandHelp(spec));
      return 0;
    }
    failed = spec.failureExit?.(options);
    const { createApp } = await import('../app/app.ts');
    const app = around.app ?? createApp(around.settings(), around.version, around.ahead);
    try {
      return await spec.run({
        app,
        terminal,
        args,
        options,
        signal: around.signal,
        takeSignals: around.takeSignals,
      });
    } finally {
      await app.close();
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'EPIPE') return 0;
    // Whatever the interruption made fail on its way, the person knows why.
    const told = around.signal.aborted && !debug ? around.signal.reason : error;
    terminal.err(formatError(told, createPaint(terminal.colour), debug));
    return failed !== undefined && !around.signal.aborted ? failed : exitCodeOf(error, failedUsage, around);
  }
}

function exitCodeOf(error: unknown, failedUsage: number, around: Surroundings): number {
  if (around.signal.aborted) return around.interruptExit();
  if (isDobosError(error) && /^(?:CLI|PROJECT|YAML)_/.test(error.code)) return failedUsage;
  return failedUsage === 2 ? 1 : failedUsage;
}

function unknownCommand(words: readonly string[]): Error {
  const [first = '', second] = words;
  const group = COMMANDS.flatMap(({ name, aliases }) => [name, ...aliases])
    .filter((name) => name.startsWith(`${first} `))
    .sort();
  if (group.length > 0) {
    const problem = second === undefined ? 'needs a command' : `has no command "${second}"`;
    return cliError(
      'CLI_USAGE',
      { command: first, problem: `${problem}; there is ${group.join(', ')}` },
      { hint: 'dobos --help lists the commands' },
    );
  }
  if (LATER.includes(first)) return cliError('CLI_LATER', { command: first });
  return cliError('CLI_UNKNOWN_COMMAND', { command: first, nearest: nearestCommand(first) });
}

function nearestCommand(word: string): string | undefined {
  const letters = (text: string): string => [...text].sort().join('');
  return COMMANDS.map(({ name }) => name).find(
    (name) =>
      letters(name) === letters(word) ||
      name.startsWith(word) ||
      word.startsWith(name) ||
      oneEdit(name, word),
  );
}

/** True if one letter added, dropped or changed makes one word of the other. */
function oneEdit(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end])
    end++;
  return Math.max(a.length, b.length) - start - end <= 1;
}

async function helpFor(words: readonly string[]): Promise<string> {
  const { commandHelp, overviewHelp } = await import('./help.ts');
  const found = findCommand(words);
  if (found !== undefined) return commandHelp(await found.command.load());
  if (words.length > 0) throw unknownCommand(words);
  const titles = [...new Set(COMMANDS.map(({ group }) => group))];
  const rows = (title: string): (readonly [string, string])[] =>
    COMMANDS.filter(({ group }: CommandRow) => group === title).map(
      ({ name, summary }) => [name, summary] as const,
    );
  return overviewHelp(titles.map((title) => ({ title, rows: rows(title) })));
}
