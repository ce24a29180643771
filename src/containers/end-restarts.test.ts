import { expect, it } from 'vitest';
import { isLastWord } from './end-restarts.ts';

it.each<[NodeJS.Signals, string | undefined, boolean]>([
  ['SIGKILL', 'SIGQUIT', true],
  ['SIGHUP', undefined, true],
  ['SIGHUP', '', true],
  ['SIGQUIT', 'SIGQUIT', true],
  ['SIGQUIT', 'quit', true],
  ['SIGQUIT', '3', true],
  ['SIGHUP', 'SIGQUIT', false],
  ['SIGHUP', '3', false],
  ['SIGHUP', 'no signal', false],
])('%s is the last word of a container with the stop signal %s: %s', (signal, StopSignal, last) =>
  expect(isLastWord(signal, { StopSignal })).toBe(last),
);
