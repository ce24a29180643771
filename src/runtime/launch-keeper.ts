import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { reviveError, systemCode } from '../base/errors.ts';
import { ownerId } from '../store/owner.ts';
import { runtimeError } from './errors.ts';
import { CHANNEL_FD } from './inside-calls.ts';
import type { FromKeeper, ToKeeper } from './keeper-messages.ts';
import { missingRights } from './missing-rights.ts';
import {
  bareCommand,
  isolatedCommands,
  mayBeKilled,
  refer,
  type SpawnedKeeper,
  spawnKeeper,
} from './spawn-keeper.ts';
import type { ExecutorFacts, KeeperOptions } from './types.ts';
import { WORDS_OF_A_KILL } from './unshare-words.ts';

/** A keeper that has said that it is ready. */
export interface KeeperProcess {
  /** With `LaunchExtras`: the other end of its descriptor CHANNEL_FD. */
  readonly channel: Duplex | undefined;
  /** With `ahead`: what it has chosen, if it could. */
  readonly executor: ExecutorFacts | undefined;
  send(message: ToKeeper): void;
  /** While held, the keeper keeps this process alive; without it does not. */
  hold(): void;
  release(): void;
  /** Returns when it has ended; running calls end first. */
  close(): Promise<void>;
}

/** What a keeper has besides, for files that are copied in and out. */
export interface LaunchExtras {
  /** A directory that it gets as ROOT_FD; none if undefined. */
  readonly root: number | undefined;
}

export interface LaunchOptions {
  readonly extras?: LaunchExtras | undefined;
  /** Of the new process; this one's when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** It is to choose its executor for containers before it is asked. */
  readonly ahead?: boolean | undefined;
  /** Used in place of a new process, once, if it was started in the way that is tried. */
  readonly spawned?: SpawnedKeeper | undefined;
  /** Gives up one that is still starting; it ends by itself. */
  readonly signal?: AbortSignal | undefined;
}

/** As much of a failed start's own words as an error repeats. */
const MAX_SAID_BYTES = 4096;

/** Runtimes that do without namespaces where those are refused; the last one everywhere. */
const WITHOUT_NAMESPACES = ['auto', 'chroot', 'unisolated'];
/** Nobody goes without isolation because of a mishap: the kernel must have said no to the last try, which asks for least. */
const REFUSED =
  /Operation not permitted|Permission denied|\bEPERM\b|\bEACCES\b|^root has no |^--runtime unisolated$/;

/**
 * Starts the keeper: `setpriv` has it killed when this process dies, or it ends then by itself; `unshare` makes its namespaces. An ordinary user gets a user namespace, with the ids of /etc/subuid if
 * that works and else with one id only. Where root gets none, as in a container with docker's default rights, a keeper without any is started, which ends by itself.
 * @throws RUNTIME_PLATFORM, RUNTIME_PROGRAM_MISSING, RUNTIME_NAMESPACES, RUNTIME_NO_RIGHTS, RUNTIME_KEEPER_GONE when it is killed while it starts
 */
export async function launchKeeper(
  options: KeeperOptions,
  receive: (message: FromKeeper) => void,
  gone: (why: string) => void,
  o: LaunchOptions = {},
): Promise<KeeperProcess> {
  if (process.platform !== 'linux') throw runtimeError('RUNTIME_PLATFORM', { platform: process.platform });
  const uid = process.getuid?.() ?? 0;
  const problems: string[] = [];
  for (const command of isolatedCommands(uid, options.runtime, problems)) {
    const started = await start(command, undefined, options, receive, gone, o);
    if (typeof started !== 'string') return started;
    problems.push(started);
  }
  const message = [...new Set(problems)].join('; ');
  if (!WITHOUT_NAMESPACES.includes(options.runtime) || !REFUSED.test(problems.at(-1) ?? '')) {
    throw runtimeError('RUNTIME_NAMESPACES', { message });
  }
  const missing = missingRights(uid);
  if (missing.length > 0) throw runtimeError('RUNTIME_NO_RIGHTS', { message, missing });
  const started = await start(bareCommand(), message, options, receive, gone, o);
  if (typeof started !== 'string') return started;
  throw runtimeError('RUNTIME_KEEPER_GONE', { message: started });
}

/** The process that was started ahead, if it runs, waits for its first message, and was started so. */
function takeSpawned(
  spawned: SpawnedKeeper | undefined,
  command: readonly string[],
): SpawnedKeeper | undefined {
  if (spawned === undefined || taken.has(spawned)) return undefined;
  if (spawned.child.pid === undefined || spawned.command.join('\0') !== command.join('\0')) return undefined;
  taken.add(spawned);
  return spawned;
}
const taken = new WeakSet<SpawnedKeeper>();

/** The keeper, or why these namespaces cannot be had. */
function start(
  command: readonly string[],
  unisolated: string | undefined,
  options: KeeperOptions,
  receive: (message: FromKeeper) => void,
  gone: (why: string) => void,
  { extras, ahead = false, environment, signal, spawned }: LaunchOptions,
): Promise<KeeperProcess | string> {
  signal?.throwIfAborted();
  const { child } = takeSpawned(spawned, command) ?? spawnKeeper(command, environment, extraStreams(extras));
  refer(child, true);
  const kill = (): void => void child.kill('SIGKILL');
  let said = '';
  let ready = false;
  child.stderr?.on('data', (bytes: Buffer) => {
    if (said.length < MAX_SAID_BYTES) said += String(bytes);
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    const abandon = (): void => {
      if (mayBeKilled(command)) kill();
      if (child.connected) child.disconnect();
      child.stderr?.destroy();
      child.unref();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abandon, { once: true });
    child.once('error', (error) =>
      reject(
        systemCode(error) === 'ENOENT'
          ? runtimeError('RUNTIME_PROGRAM_MISSING', { program: command[0] ?? '' }, { cause: error })
          : error,
      ),
    );
    child.on('message', (message: FromKeeper) => {
      if (message.kind === 'unable') reject(reviveError(message.error));
      else if (message.kind === 'confined') resolve(message.message);
      else if (message.kind === 'ready') {
        ready = true;
        signal?.removeEventListener('abort', abandon);
        resolve(keeperOf(child, ended, message.executor));
      } else receive(message);
    });
    child.once('close', (code, signal) => {
      const killed = signal !== null || WORDS_OF_A_KILL.test(said);
      const why = killed ? 'it was killed' : said.trim() || `it ended with ${code}`;
      if (ready) gone(why);
      else if (killed) reject(runtimeError('RUNTIME_KEEPER_GONE', { message: why }));
      else resolve(why.replace(/^unshare: /, ''));
    });
    child.send({ kind: 'open', options, owner: ownerId(), unisolated, ahead } satisfies ToKeeper, () => {
      // A keeper that could not start has no ear; `close` says why.
    });
  });
}

/** In the order of CHANNEL_FD and ROOT_FD. */
const extraStreams = (extras: LaunchExtras | undefined): readonly ('pipe' | 'ignore' | number)[] =>
  extras === undefined ? [] : ['pipe', extras.root ?? 'ignore'];

function keeperOf(
  child: ChildProcess,
  ended: Promise<void>,
  executor: ExecutorFacts | undefined,
): KeeperProcess {
  let holders = 0;
  const hold = (): void => {
    if (holders++ === 0) refer(child, true);
  };
  const release = (): void => {
    if (--holders === 0) refer(child, false);
  };
  refer(child, false);
  const send = (message: ToKeeper): void => {
    if (child.connected) child.send(message, () => {});
  };
  return {
    executor,
    channel: ([...child.stdio][CHANNEL_FD] ?? undefined) as Duplex | undefined,
    send,
    hold,
    release,
    async close() {
      hold();
      send({ kind: 'close' });
      await ended;
      release();
    },
  };
}
