#!/usr/bin/env node
import { homedir } from 'node:os';
import { createApp } from '../app/app.ts';
import { readSettings, type Settings } from '../app/settings.ts';
import { VERSION } from '../app/version.ts';
import type { SpawnedKeeper } from '../runtime/spawn-keeper.ts';
import { runCli } from './run-cli.ts';
import { startAhead } from './start-ahead.ts';
import { processTerminal } from './terminal.ts';

/** What the launcher gives (`ahead.ts`, scripts/launched.ts). */
declare const __ahead: SpawnedKeeper | undefined;

const words = process.argv.slice(2);
const settings = (): Settings =>
  readSettings({
    env: process.env,
    uid: process.getuid?.() ?? 0,
    home: homeFolder(),
    arch: process.arch,
    platform: process.platform,
    now: () => Date.now(),
  });

const interrupt = new AbortController();
let interruptedBy: NodeJS.Signals | undefined;
let taker: ((signal: NodeJS.Signals) => void) | undefined;
const onSignal = (signal: NodeJS.Signals): void => {
  if (taker !== undefined) {
    taker(signal);
    return;
  }
  // A second Ctrl-C does not wait for the tidy end.
  if (interruptedBy !== undefined) process.exit(interruptExit());
  interruptedBy = signal;
  interrupt.abort();
};
/** As a shell tells it: 128 and the number of the signal. */
const interruptExit = (): number => (interruptedBy === 'SIGTERM' ? 143 : 130);
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

/** Empty for a user without one. */
function homeFolder(): string {
  try {
    return homedir();
  } catch {
    return '';
  }
}

// Whatever ends this process before there is an answer is no success.
process.exitCode = 13;
void main();

async function main(): Promise<void> {
  const ahead = await startAhead(words, () => createApp(settings(), VERSION, __ahead));
  // Nobody reads the messages any more: the work goes on.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough is no failure. Any other is told by the write that failed.
    if (error.code === 'EPIPE') process.exit(0);
  });
  const code = await runCli(words, {
    terminal: processTerminal(process.env),
    signal: interrupt.signal,
    interruptExit,
    settings,
    version: VERSION,
    app: ahead,
    takeSignals: (take) => {
      taker = take;
    },
  });
  await ahead?.close();
  process.exitCode = code;
  // When nothing is left to do: V8's memory need not be tidied first, which takes milliseconds.
  process.once('beforeExit', () => process.exit());
}
