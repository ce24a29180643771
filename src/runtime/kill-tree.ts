import { descendantsOf } from './process-table.ts';

/** More rounds than any runtime forks while it starts; each round kills all that it finds. */
const MAX_ROUNDS = 64;

/**
 * Kills a process and all its descendants, also those in deeper pid namespaces (the death of such a namespace's first process kills the rest of it).
 * The process is stopped first, so that nothing new starts behind the search. Synchronous: a few milliseconds.
 */
export function killTree(pid: number): void {
  sendSignal(pid, 'SIGSTOP');
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const found = descendantsOf(pid).filter(({ alive }) => alive);
    if (found.length === 0) break;
    for (const each of found) sendSignal(each.pid, 'SIGKILL');
  }
  sendSignal(pid, 'SIGKILL');
}

/** Sends a signal to a process that may have ended by itself. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
