import { parentPort } from 'node:worker_threads';
import { plainError } from './errors.ts';
import type { PoolMessage } from './pool.ts';

/** Serves a pool's tasks in this worker thread, one after the other; call it once, at the end of an `x-worker.ts`. */
export function serveTasks<Task, Result, Event = never>(
  work: (task: Task, emit: (event: Event) => void) => Result | Promise<Result>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this file is a worker and runs only in a pool');
  const send = (message: PoolMessage): void => port.postMessage(message);
  port.on('message', async (task: Task) => {
    try {
      send({ kind: 'done', value: await work(task, (event) => send({ kind: 'event', event })) });
    } catch (error) {
      send({ kind: 'failed', error: plainError(error) });
    }
  });
}
