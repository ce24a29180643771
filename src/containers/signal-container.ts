import { constants } from 'node:os';
import { isDobosError, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { awaitProcess } from './await-process.ts';
import type { ContainerRecords } from './container-records.ts';
import { endRestarts, isLastWord } from './end-restarts.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

/** Between two looks at a container, in milliseconds. */
const LOOK_EVERY_MS = 25;
/** So long a killed container may take to be gone: its command writes down how it ended. */
const KILL_WAIT_S = 10;

export interface SignalTools {
  readonly records: ContainerRecords;
}

/** The signal that a text means: `TERM`, `SIGTERM`, `15`. @throws CONTAINER_SIGNAL */
export function parseSignal(text: string): NodeJS.Signals {
  const wanted = /^\d+$/.test(text) ? Number(text) : `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  const found = Object.entries(constants.signals).find(
    ([name, number]) => name === wanted || number === wanted,
  );
  if (found === undefined) throw containerError('CONTAINER_SIGNAL', { signal: text });
  return found[0] as NodeJS.Signals;
}

/** Sends a signal to the container's first process. @throws CONTAINER_NOT_RUNNING, CONTAINER_ELSEWHERE, CONTAINER_UNREACHABLE, as `askContainer` for a process of another user */
export async function signalContainer(
  tools: SignalTools,
  container: Container,
  signal: NodeJS.Signals,
  o: CallOptions = {},
): Promise<void> {
  // What has just ended is looked at until that is written down.
  for (;;) {
    const first = await awaitProcess(tools.records, container, o);
    const answer = first === undefined ? 'refused' : send(first, signal);
    if (answer === 'sent') return;
    // It runs as another id of an ordinary user: the keeper, root among those ids, may. Or it is known to its keeper alone.
    if (answer === 'refused' && (await ask(tools, container, signal, o))) return;
    await pause(o);
  }
}

/** Has its keeper send the signal; false if the program has ended meanwhile. */
async function ask(
  { records }: SignalTools,
  container: Container,
  signal: NodeJS.Signals,
  o: CallOptions,
): Promise<boolean> {
  const { askContainer } = await import('./control-client.ts');
  try {
    await askContainer(records, container, { do: 'signal', signal, to: 'first' }, o);
    return true;
  } catch (error) {
    if (isDobosError(error) && ENDED.includes(error.code)) return false;
    throw error;
  }
}

/** What a keeper answers of a container whose program has ended, or cannot answer any more. */
const ENDED: readonly string[] = ['RUNTIME_NOT_INSIDE', 'RUNTIME_FAILED', 'CONTAINER_LOST'];

/** Sends a signal as a person does: if it is to end the container, that is not started again. @throws as `signalContainer` */
export async function killContainer(
  tools: SignalTools,
  container: Container,
  signal: NodeJS.Signals,
  o: CallOptions = {},
): Promise<void> {
  if (isLastWord(signal, container.config) && (await endRestarts(tools.records, container))) return;
  await signalContainer(tools, container, signal, o);
}

/** Sends the signal and, if the container still runs after the time, SIGKILL; it is not started again. One that ends by itself meanwhile has stopped as well. @throws as `signalContainer`, CONTAINER_DEAF */
export async function stopContainer(
  tools: SignalTools,
  container: Container,
  how: { readonly signal: NodeJS.Signals; readonly seconds: number },
  o: CallOptions = {},
): Promise<void> {
  if (await endRestarts(tools.records, container)) return;
  try {
    await signalContainer(tools, container, how.signal, o);
    if (how.signal !== 'SIGKILL') {
      if (await endsWithin(tools, container, how.seconds, o)) return;
      await signalContainer(tools, container, 'SIGKILL', o);
    }
  } catch (error) {
    if (isDobosError(error, 'CONTAINER_NOT_RUNNING')) return;
    throw error;
  }
  if (await endsWithin(tools, container, KILL_WAIT_S, o)) return;
  throw containerError('CONTAINER_DEAF', { name: container.name, seconds: KILL_WAIT_S });
}

/** Waits for the container to end for good; its exit code. One that is not running has ended already, or answers 0 if it never ran. @throws CONTAINER_GONE */
export async function waitForContainer(
  tools: SignalTools,
  container: Container,
  o: CallOptions = {},
): Promise<number> {
  for (;;) {
    const now = tools.records.get(container.id)?.state;
    if (now === undefined) throw containerError('CONTAINER_GONE', { name: container.name });
    if (now.kind === 'exited') return now.code;
    if (now.kind !== 'running' && now.kind !== 'restarting')
      return now.kind === 'created' ? (now.code ?? 0) : 0;
    await pause(o);
  }
}

async function endsWithin(
  tools: SignalTools,
  { id }: Container,
  seconds: number,
  o: CallOptions,
): Promise<boolean> {
  const began = performance.now();
  for (;;) {
    if (tools.records.get(id)?.state.kind !== 'running') return true;
    // Negative: for ever, as docker has it.
    if (seconds >= 0 && performance.now() - began > seconds * 1000) return false;
    await pause(o);
  }
}

function send(pid: number, signal: NodeJS.Signals): 'sent' | 'gone' | 'refused' {
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ESRCH') return 'gone';
    if (code === 'EPERM') return 'refused';
    throw error;
  }
}

async function pause({ signal }: CallOptions): Promise<void> {
  await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  signal?.throwIfAborted();
}
