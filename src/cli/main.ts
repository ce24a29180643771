#!/usr/bin/env node
import { homedir } from 'node:os';
import { type Ahead, createApp } from '../app/app.ts';
import { readSettings, type Settings } from '../app/settings.ts';
import { VERSION } from '../app/version.ts';
import { hashShortBy } from '../base/bytes.ts';
import { isLibcLoaded } from '../linux/libc.ts';
import { endAtOnce } from '../linux/process.ts';
import { opensslSha256 } from '../linux/sha256.ts';
import { enterOwnMounts } from '../runtime/own-mounts.ts';
import type { SpawnedKeeper } from '../runtime/spawn-keeper.ts';
import { runCli } from './run-cli.ts';
import { mayBeKeeper, startAhead } from './start-ahead.ts';
import { hasStreams, processTerminal } from './terminal.ts';

/** What the launcher gives (`ahead.ts`, scripts/launched.ts). */
declare const __ahead: SpawnedKeeper | undefined;

const words = process.argv.slice(2);
// Before anything starts a thread.
const ready: Ahead = { spawned: __ahead, mounts: mayBeKeeper(words) ? enterOwnMounts() : undefined };
if (isLibcLoaded()) hashShortBy(opensslSha256());
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
  const ahead = await startAhead(words, () => createApp(settings(), VERSION, ready));
  const code = await runCli(words, {
    terminal: processTerminal(process.env, {
      // Nobody reads the messages any more: the work goes on.
      stderr: (error) => {
        if (error.code !== 'EPIPE') throw error;
      },
      // A reader that has seen enough is no failure. Any other is told by the write that failed.
      stdout: (error) => {
        if (error.code === 'EPIPE') process.exit(0);
      },
    }),
    signal: interrupt.signal,
    interruptExit,
    settings,
    version: VERSION,
    ahead: ready,
    app: ahead,
    takeSignals: (take) => {
      taker = take;
    },
  });
  await ahead?.close();
  process.exitCode = code;
  // When nothing is left to do: V8's memory need not be tidied first, which takes milliseconds, nor Node's own where it has nothing to set back.
  process.once('beforeExit', () => {
    if (isLibcLoaded() && !hasStreams() && process.execArgv.length === 0) process.on('exit', endAtOnce);
    process.exit();
  });
}
