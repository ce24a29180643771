/**
 * Worker threads for hot synchronous loops. A task is plain data in, plain data out; events go back while it runs.
 * Idle workers are unreferenced: a pool never keeps the process alive.
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type PlainError, reviveError } from './errors.ts';
import type { WatchOptions } from './options.ts';

/** Enough to use the cores of a build machine without a memory bill per core. */
const MAX_WORKERS = 8;
/** Of a thread's garbage at once: left alone V8 lets it grow to 48 MB in each thread, for a few percent of the time. */
const YOUNG_MB = 6;

export type PoolMessage =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: PlainError };

export interface Pool<Task, Result, Event = never> {
  /** The result of one task; tasks wait for a free worker in order. An aborted task ends its worker thread. */
  run(task: Task, o?: WatchOptions<Event>): Promise<Result>;
  close(): Promise<void>;
}

/** A pool over the worker file at `url`, written as `new URL('./x-worker.ts', import.meta.url)`. Nothing starts before the first task. */
export function createPool<Task, Result, Event = never>(
  url: URL,
  size: number = Math.min(MAX_WORKERS, availableParallelism()),
): Pool<Task, Result, Event> {
  const idle: Worker[] = [];
  const waiting: (() => void)[] = [];
  let running = 0;

  const acquire = async (): Promise<Worker> => {
    if (running >= size) await new Promise<void>((resume) => waiting.push(resume));
    else running++;
    const worker =
      idle.pop() ?? new Worker(builtWorker(url), { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    worker.ref();
    return worker;
  };
  const release = (worker: Worker, alive: boolean): void => {
    if (alive) {
      worker.unref();
      idle.push(worker);
    }
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };

  return {
    async run(task, o = {}) {
      o.signal?.throwIfAborted();
      const worker = await acquire();
      return new Promise<Result>((resolve, reject) => {
        let alive = true;
        const finish = (settle: () => void): void => {
          worker.off('message', onMessage);
          worker.off('error', onError);
          worker.off('exit', onExit);
          o.signal?.removeEventListener('abort', onAbort);
          release(worker, alive);
          settle();
        };
        const onMessage = (message: PoolMessage): void => {
          if (message.kind === 'event') o.onEvent?.(message.event as Event);
          else if (message.kind === 'done') finish(() => resolve(message.value as Result));
          else finish(() => reject(reviveError(message.error)));
        };
        const onError = (error: Error): void => {
          alive = false;
          finish(() => reject(error));
        };
        const onExit = (code: number): void => {
          alive = false;
          finish(() =>
            reject(o.signal?.aborted ? o.signal.reason : new Error(`worker stopped with code ${code}`)),
          );
        };
        const onAbort = (): void => {
          void worker.terminate();
        };
        worker.on('message', onMessage);
        worker.on('error', onError);
        worker.on('exit', onExit);
        if (o.signal?.aborted) onAbort();
        else {
          o.signal?.addEventListener('abort', onAbort, { once: true });
          worker.postMessage(task);
        }
      });
    },
    async close() {
      await Promise.all(idle.splice(0).map((worker) => worker.terminate()));
    },
  };
}

/** Where the built form of a worker or helper program stands: beside the bundle, or under dist/ when this runs from src/. */
export function builtWorker(url: URL): URL {
  const href = url.href.replace(/\.ts$/, '.js');
  return new URL(import.meta.url.endsWith('.ts') ? href.replace(/\/src\/(?!.*\/src\/)/, '/dist/') : href);
}

/** Where the built form of a program stands that is a process of its own, not a thread: beside the bundled command its launcher (`scripts/launched.ts`). */
export const builtProcess = (url: URL): URL => {
  const built = builtWorker(url);
  return import.meta.url.endsWith('.cjs') ? new URL(built.href.replace(/\.js$/, '.cjs')) : built;
};
