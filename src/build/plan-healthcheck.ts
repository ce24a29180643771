import type { HealthcheckInstruction } from '../dockerfile/ast.ts';
import { parseDuration } from '../dockerfile/duration.ts';
import { flagValue } from '../dockerfile/flags.ts';
import type { Healthcheck } from '../oci/types.ts';

/** The health check that the instruction describes; times and counts that are 0 or not given are left to the engine. */
export function readHealthcheckConfig({ command, flags }: HealthcheckInstruction): Healthcheck {
  if (command === undefined) return { Test: ['NONE'] };
  const Test =
    command.form === 'shell'
      ? ['CMD-SHELL', command.text]
      : ['CMD', ...command.args.map((word) => word.text)];
  const numbers = {
    Interval: time('interval'),
    Timeout: time('timeout'),
    StartPeriod: time('start-period'),
    StartInterval: time('start-interval'),
    Retries: Number(flagValue(flags, 'retries') ?? 0),
  };
  return { Test, ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== 0)) };

  function time(name: string): number {
    return parseDuration(flagValue(flags, name) ?? '0') ?? 0;
  }
}
