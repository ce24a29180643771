import type { StopHow } from '../app/stop-container.ts';
import { cliError } from './errors.ts';
import { type OptionSpec, type OptionValues, textOption } from './spec.ts';

/** How a container is asked to end, for `stop` and `restart`. */
export const STOP_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-t, --time <seconds>',
    summary: 'how long to wait before killing; 10 unless the image says',
    common: true,
  },
  { flags: '-s, --signal <signal>', summary: "which signal asks; the image's, or TERM" },
];

/** @throws CLI_USAGE */
export function stopHow(command: string, options: OptionValues): StopHow {
  const time = textOption(options, 'time');
  if (time !== undefined && !/^-?\d{1,9}$/.test(time)) {
    throw cliError('CLI_USAGE', { command, problem: `--time is "${time}", want seconds` });
  }
  return { signal: textOption(options, 'signal'), seconds: time === undefined ? undefined : Number(time) };
}
