import { readFileSync } from 'node:fs';
import type { Child } from '../linux/spawn.ts';

/** Programs on the person's own streams, with how a signal reaches what they run. */
const foreground = new Map<Child, SignalWay>();

/** `itself`: an OCI runtime in the foreground passes signals on. `children`: the program ignores them, what it started does not. */
export type SignalWay = 'itself' | 'children';

/** Signals go to this program until the returned function is called. */
export function takeSignals(child: Child, way: SignalWay): () => void {
  foreground.set(child, way);
  return () => foreground.delete(child);
}

/** Passes a signal to every program in the foreground. */
export function passSignal(signal: NodeJS.Signals): void {
  for (const [child, way] of foreground) {
    if (way === 'itself') child.kill(signal);
    else for (const pid of childrenOf(child.pid)) send(pid, signal);
  }
}

/** proc(5): the children of a process's first thread. */
export function childrenOf(pid: number | undefined): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text
      .split(' ')
      .filter((word) => word !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}
