import { readlinkSync } from 'node:fs';
import { reapChild } from '../linux/children.ts';
import { runtimeError } from './errors.ts';
import { sendSignal } from './kill-tree.ts';
import { descendantsOf, type ProcessRow, readProcess } from './process-table.ts';

/** Pause between looks at processes that are dying, and how long they may take, in milliseconds. */
const PAUSE_MS = 1;
const LONGEST_MS = 10_000;

/**
 * Ends every process that a step has left behind: where there is no pid namespace they are all descendants of this process, a subreaper. They are stopped until none is
 * new, then killed: so none of them can outrun the search. What this process started for
 * itself is left alone; the step's own process must have ended, and Node have heard of it.
 * @throws RUNTIME_STRAYS
 */
export async function endStrays(): Promise<void> {
  const began = performance.now();
  const ours = readProcess(process.pid)?.session;
  const stopped = new Set<number>();
  for (;;) {
    const strays = descendantsOf(process.pid).filter((row) => isStray(row, ours));
    const living = strays.filter(({ alive }) => alive);
    const fresh = living.filter(({ pid }) => !stopped.has(pid));
    for (const { pid } of fresh) {
      sendSignal(pid, 'SIGSTOP');
      stopped.add(pid);
    }
    if (fresh.length > 0) continue;
    for (const { pid } of living) sendSignal(pid, 'SIGKILL');
    // Those of others come to this process when their parents are gone.
    for (const { pid, parent } of strays) if (parent === process.pid) reapChild(pid);
    if (strays.length === 0) return;
    if (performance.now() - began > LONGEST_MS) {
      throw runtimeError('RUNTIME_STRAYS', { pids: strays.map(({ pid }) => pid) });
    }
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}

/** Steps run in sessions of their own, but for one on the person's own streams; helpers of this process have its session and its root. */
function isStray({ pid, session, alive }: ProcessRow, ours: number | undefined): boolean {
  return session !== ours || (alive && !hasOurRoot(pid));
}

/** False too where it may not be asked: then the process is another user's, which no helper is. */
function hasOurRoot(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/root`) === readlinkSync('/proc/self/root');
  } catch {
    return false;
  }
}
