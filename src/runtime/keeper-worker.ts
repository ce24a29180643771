/**
 * The keeper's program: first process of its own pid and mount namespaces, opened by keeper.ts. Store, snapshots, mounts and runtimes are used in here only, so
 * that all of it ends with this process, and this process ends with its client.
 */
import { type PlainError, plainError } from '../base/errors.ts';
import { becomeSubreaper } from '../linux/children.ts';
import { closeOthersOnExec, endAtOnce } from '../linux/process.ts';
import type { Lease } from '../store/contract.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { adoptOwner } from '../store/owner.ts';
import { chooseExecutor, chooseUnisolated, type ExecutorChoice } from './choose-executor.ts';
import type { FromKeeper, KeeperCall, ToKeeper } from './keeper-messages.ts';
import { settleInNamespace } from './keeper-namespace.ts';
import type { Networks } from './network/networks.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { passSignal } from './pass-signal.ts';
import { reapOrphans } from './reap-orphans.ts';
import { answerCall, executorFacts, type KeeperTools } from './serve-keeper.ts';
import type { ExecutorUse, KeeperOptions, Output, ProgramReach } from './types.ts';

const running = new Map<number, AbortController>();
/** Output on its way, by its call: what waits for the client to have dealt with it goes on. */
const waiting = new Map<number, () => void>();
/** Programs that run, by their call. */
const reached = new Map<number, ProgramReach>();
let tools: KeeperTools | undefined;
/** From the first call on, for life: what is committed here is nowhere else until the client has heard of it and named it. One that is given up before has nothing to leave behind. */
let lease: Promise<Lease> | undefined;
let closing = false;
/** Why there are no namespaces around this process; undefined when there are. */
let unisolated: string | undefined;
/** The client's /proc. */
let clientProc = '/proc';

process.umask(0o022);
closeOthersOnExec();
// A Ctrl-C reaches the whole foreground group: the client decides what it means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
// As first process of the pid namespace this takes everything in it along; without one it must end all of it.
process.on('disconnect', () => {
  // Node's own end would set the person's terminal back, which the shell has again by now.
  if (unisolated === undefined) endAtOnce(0);
  else leave();
});
process.on('message', (message: ToKeeper) => {
  void receive(message).catch((error) => unable(plainError(error)));
});

async function receive(message: ToKeeper): Promise<void> {
  switch (message.kind) {
    case 'open':
      adoptOwner(message.owner);
      unisolated = message.unisolated;
      if (unisolated !== undefined) becomeSubreaper();
      else if (!(await settle())) return;
      reapOrphans();
      tools = await openTools(message.options);
      // Why there is none, the call that needs it says.
      await send({
        kind: 'ready',
        executor: message.ahead ? await executorFacts(tools, 'plain').catch(() => undefined) : undefined,
      });
      return;
    case 'call':
      await answer(message.id, message.call);
      return;
    case 'cancel':
      running.get(message.id)?.abort();
      return;
    case 'input':
      await giveInput(message.id, message.bytes);
      return;
    case 'resize':
      reached.get(message.id)?.resize(message);
      return;
    case 'heard':
      waiting.get(message.id)?.();
      return;
    case 'signal':
      passSignal(message.signal);
      return;
    case 'close':
      closing = true;
      endIfIdle();
  }
}

/** False when these namespaces do not allow what a keeper needs. */
async function settle(): Promise<boolean> {
  try {
    clientProc = settleInNamespace().clientProc;
    return true;
  } catch (error) {
    await send({ kind: 'confined', message: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

/** How long runs that are ended may take to put caches back and remove their roots, in milliseconds. */
const LEAVE_MS = 10_000;

/** The client is dead: ends all that runs, and with the last of it this process. */
function leave(): void {
  for (const abort of running.values()) abort.abort();
  closing = true;
  endIfIdle();
  setTimeout(() => process.exit(0), LEAVE_MS);
}

async function answer(id: number, call: KeeperCall): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    if (tools === undefined) throw new Error('the keeper is not open yet');
    lease ??= tools.store.lease();
    await lease;
    const held = call.method === 'exec';
    const onEvent = async (output: Output): Promise<void> => {
      if (held) await turn(id);
      await send({ kind: 'output', id, output, held });
    };
    const onStarted = (program: ProgramReach): void => {
      reached.set(id, program);
      void send({ kind: 'started', id });
    };
    const result = await answerCall(tools, call, { signal: abort.signal, onEvent, onStarted });
    await send({ kind: 'done', id, result });
  } catch (error) {
    await send({ kind: 'failed', id, error: plainError(error) });
  } finally {
    running.delete(id);
    reached.delete(id);
    waiting.get(id)?.();
    waiting.delete(id);
    turns.delete(id);
    endIfIdle();
  }
}

/** Returns when the client has dealt with all output of the call that was sent before, in the order of the calls of this. */
async function turn(id: number): Promise<void> {
  const before = turns.get(id);
  let release = (): void => {};
  const mine = new Promise<void>((resolve) => {
    release = resolve;
  });
  turns.set(id, mine);
  await before;
  waiting.set(id, release);
}
const turns = new Map<number, Promise<void>>();

/** A program that has ended takes everything. */
async function giveInput(id: number, bytes: Uint8Array | undefined): Promise<void> {
  if (bytes === undefined) reached.get(id)?.end();
  else await reached.get(id)?.write(bytes);
  await send({ kind: 'taken', id });
}

function endIfIdle(): void {
  if (closing && running.size === 0) void end();
}

async function end(): Promise<void> {
  await (await lease)?.release();
  // With the first process all of the namespace ends, and `unshare` then.
  if (unisolated === undefined) endAtOnce(0);
  process.exit(0);
}

/** Returns when the message is on its way, so that a slow client slows the container and nothing piles up here. */
function send(message: FromKeeper): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

async function unable(error: PlainError): Promise<void> {
  await send({ kind: 'unable', error });
  process.exit(1);
}

async function openTools(options: KeeperOptions): Promise<KeeperTools> {
  const [{ createSnapshotter }, { createCacheMounts }] = await Promise.all([
    import('../rootfs/snapshotter.ts'),
    import('../rootfs/cache-mounts.ts'),
  ]);
  const store = createDirectoryStore(options.storeFolder);
  const why = unisolated;
  const snapshotter = await createSnapshotter(store, why === undefined ? {} : { format: 'whole' });
  const choices = new Map<ExecutorUse, Promise<ExecutorChoice>>();
  let networks: Promise<Networks> | undefined;
  const choose = async (use: ExecutorUse): Promise<ExecutorChoice> =>
    why !== undefined
      ? chooseUnisolated(why)
      : chooseExecutor({
          runtime: options.runtime,
          use,
          searchPath: searchPath(),
          notes: store.notes,
          async withEmptyRoot(take) {
            const root = await snapshotter.prepare([]);
            try {
              const merged = root.mount();
              try {
                return await take({ folder: root.folder, merged });
              } finally {
                root.unmount();
              }
            } finally {
              await root.dispose();
            }
          },
        });
  return {
    networks: () => {
      networks ??= import('./network/networks.ts').then(({ createNetworks }) =>
        createNetworks({
          unisolated: why,
          storeFolder: options.storeFolder,
          searchPath: searchPath(),
          isRootless: readOwnNamespace().isUserNamespace,
          clientProc,
        }),
      );
      return networks;
    },
    canMount: why === undefined,
    store,
    snapshotter,
    caches: () => createCacheMounts(options.storeFolder),
    staged: new Map(),
    containers: new Map(),
    executor: (use) => {
      const chosen = choices.get(use) ?? choose(use);
      choices.set(use, chosen);
      return chosen;
    },
  };
}

/** An ordinary user's PATH often lacks the folders where distributions put runtimes. */
const SYSTEM_FOLDERS = ':/usr/local/sbin:/usr/sbin:/sbin';

function searchPath(): string {
  const path = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return readOwnNamespace().isUserNamespace === false ? path : path + SYSTEM_FOLDERS;
}
