import { containerLog } from '../../app/container-log.ts';
import { readMoment } from '../../app/read-moment.ts';
import { endsLine } from '../../containers/read-log.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, flagOption, type OptionValues, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'logs',
  aliases: ['container logs'],
  summary: 'Print what a container printed in the background',
  usage: '[OPTIONS] CONTAINER',
  arity: [1, 1],
  options: [
    { flags: '-f, --follow', summary: 'go on until it ends', common: true },
    { flags: '-n, --tail <lines>', summary: 'only so many lines at the end', default: 'all', common: true },
    { flags: '-t, --timestamps', summary: 'with the time before each line', common: true },
    { flags: '--since <time>', summary: 'from then on: a date, or 10m for ten minutes ago' },
    { flags: '--until <time>', summary: 'up to then' },
  ],
  later: ['--details'],
  examples: ['dobos logs web', 'dobos logs -f --tail 10 web', 'dobos logs --since 10m -t web'],
  limits: [
    'What ran in the foreground has printed to its terminal, and has no log.',
    'The last 32 MiB are kept, and up to as much before.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const now = app.settings.now();
    const times = flagOption(options, 'timestamps');
    const open = { stdout: false, stderr: false };
    try {
      const entries = containerLog(app, args[0]!, {
        tail: tailOption(options),
        since: momentOption(options, 'since', now),
        until: momentOption(options, 'until', now),
        follow: flagOption(options, 'follow'),
        signal,
      });
      for await (const entry of entries) {
        const { stream, bytes, time } = entry;
        const stamp = times && !open[stream] ? `${formatTime(time)} ` : '';
        open[stream] = !endsLine(entry);
        const text = Buffer.concat([Buffer.from(stamp), bytes]);
        if (stream === 'stdout') await terminal.out(text);
        else terminal.err(text);
      }
    } catch (error) {
      // Ctrl-C is how one stops following.
      if (!signal.aborted) throw error;
      return 130;
    }
    return 0;
  },
};

/** docker's nanoseconds. */
const formatTime = (time: number): string => new Date(time).toISOString().replace('Z', '000000Z');

/** @throws CLI_USAGE */
function tailOption(options: OptionValues): number | undefined {
  const text = textOption(options, 'tail') ?? 'all';
  // As docker has it, a number that is none, or less than 0, is all.
  if (text === 'all' || /^-\d+$/.test(text)) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw cliError('CLI_USAGE', { command: 'logs', problem: `--tail is "${text}", want a number or all` });
  }
  return Number(text);
}

/** @throws CLI_USAGE */
function momentOption(options: OptionValues, name: string, now: number): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const moment = readMoment(text, now);
  if (moment !== undefined) return moment;
  const problem = `--${name} is "${text}", want a time such as 10m, 2026-01-31T12:00:00Z or seconds since 1970`;
  throw cliError('CLI_USAGE', { command: 'logs', problem });
}
