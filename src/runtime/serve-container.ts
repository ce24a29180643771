import { readlinkSync } from 'node:fs';
import { runtimeError } from './errors.ts';
import { sendSignal } from './kill-tree.ts';
import { descendantsOf } from './process-table.ts';
import type { ExecProcess, ExitStatus, RunningContainer, RunWatch } from './types.ts';

/** Containers that run, by their folder. */
export type RunningContainers = Map<string, RunningContainer>;

/** More rounds than it takes to stop what forks while it is being stopped. */
const MAX_ROUNDS = 64;

/** @throws RUNTIME_NOT_INSIDE, and as the executor */
export function execIn(
  containers: RunningContainers,
  folder: string,
  process: ExecProcess,
  o: RunWatch,
): Promise<ExitStatus> {
  return find(containers, folder).exec(process, o);
}

/** Sends a signal to a container's first process, or to all; those that start meanwhile are found too. @throws RUNTIME_NOT_INSIDE */
export function signalIn(
  containers: RunningContainers,
  folder: string,
  signal: NodeJS.Signals,
  to: 'first' | 'all',
): void {
  const container = find(containers, folder);
  if (to === 'all') container.refuseAll?.();
  const first = container.first();
  if (to === 'first') {
    sendSignal(first, signal);
    return;
  }
  const told = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const fresh = processesOf(first).filter((pid) => !told.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      sendSignal(pid, signal);
      told.add(pid);
    }
  }
}

/** What lives in the pid namespace of the first process, and what that has started in others. */
function processesOf(first: number): number[] {
  const space = namespaceOf(first);
  const rows = descendantsOf(process.pid).filter(({ alive }) => alive);
  const inside = rows.filter(({ pid }) => namespaceOf(pid) === space).map(({ pid }) => pid);
  const below = descendantsOf(first)
    .filter(({ alive }) => alive)
    .map(({ pid }) => pid);
  return [...new Set([...inside, ...below])];
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return `gone ${pid}`;
  }
}

function find(containers: RunningContainers, folder: string): RunningContainer {
  const container = containers.get(folder);
  if (container === undefined) throw runtimeError('RUNTIME_NOT_INSIDE', { folder });
  return container;
}
