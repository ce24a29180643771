/**
 * The keeper's program: first process of its own pid and mount namespaces, opened by keeper.ts. Store, snapshots, mounts and runtimes are used in here only, so
 * that all of it ends with this process, and this process ends with its client.
 */
import { type PlainError, plainError } from '../base/errors.ts';
import { becomeSubreaper } from '../linux/children.ts';
import { closeOthersOnExec, endAtOnce } from '../linux/process.ts';
import { adoptOwner } from '../store/owner.ts';
import type { FromKeeper, ToKeeper } from './keeper-messages.ts';
import { settleInNamespace } from './keeper-namespace.ts';
import { openKeeperTools } from './keeper-tools.ts';
import { reapOrphans } from './reap-orphans.ts';
import { createCallServer } from './serve-calls.ts';
import { executorFacts, type KeeperTools } from './serve-keeper.ts';

let tools: KeeperTools | undefined;
const server = createCallServer(() => tools, send);
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
  if (message.kind === 'open') await open(message);
  else if (message.kind === 'close') server.onIdle(() => void end());
  else await server.receive(message);
}

async function open(message: Extract<ToKeeper, { readonly kind: 'open' }>): Promise<void> {
  adoptOwner(message.owner);
  unisolated = message.unisolated;
  if (unisolated !== undefined) becomeSubreaper();
  else if (!(await settle())) return;
  reapOrphans();
  tools = await openKeeperTools(message.options, { unisolated, clientProc, path: process.env.PATH });
  // Why there is none, the call that needs it says.
  await send({
    kind: 'ready',
    executor: message.ahead ? await executorFacts(tools, 'plain').catch(() => undefined) : undefined,
  });
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
  server.abort();
  server.onIdle(() => void end());
  setTimeout(() => process.exit(0), LEAVE_MS);
}

async function end(): Promise<void> {
  await server.release();
  // With the first process all of the namespace ends, and `unshare` then.
  if (unisolated === undefined) endAtOnce(0);
  process.exit(0);
}

/** Returns when the message is on its way. */
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
