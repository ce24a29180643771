/**
 * The supervisor's program: a process of its own session that looks after one container, so that it outlives the command that started it. It opens the
 * container's keeper, which dies with it or is this process itself, and writes down what the container prints and how it ends.
 */
import { plainError } from '../base/errors.ts';
import { enterOwnMounts } from '../runtime/own-mounts.ts';
import { supervise } from './supervise.ts';
import type { FromSupervisor, SupervisorOrder } from './supervisor-messages.ts';

// Before anything starts a thread.
const surroundings = { mounts: enterOwnMounts(), environment: process.env };
const stop = new AbortController();
// Its terminal is gone, or about to: that is what it is for.
process.on('SIGHUP', () => {});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
// The command may be gone before it has heard: the container runs on.
process.on('error', () => {});
process.once('message', (order: SupervisorOrder) => void look(order));

async function look(order: SupervisorOrder): Promise<void> {
  try {
    const exit = await supervise(order, {
      signal: stop.signal,
      surroundings,
      onWarning: (message) => tell({ kind: 'warning', message }),
      onStarted: () => tell({ kind: 'started' }),
    });
    if (exit !== undefined) tell({ kind: 'ended', exit });
  } catch (error) {
    tell({ kind: 'failed', error: plainError(error) });
  }
  if (process.connected) process.disconnect();
}

function tell(message: FromSupervisor): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
