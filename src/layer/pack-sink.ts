import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';
import { builtWorker } from '../base/pool.ts';
import { type SinkTask, STATE_FULL, sinkViews } from './sink-shared.ts';

/** Few large writes and hash updates. */
export const SINK_BUFFER_BYTES = 2 * 1024 * 1024;
/** On a machine that has much else to do. */
const LONGEST_START_MS = 60_000;

/** Where the bytes of a layer go: into a file, and into its digest. */
export interface PackSink {
  /** To be filled from its start; another one after each `flush`. */
  readonly buffer: Buffer;
  /** Takes the first so many bytes of the buffer. @throws system errors of writing, also those of earlier bytes */
  flush(filled: number): void;
  /** The sha256 of all, in hex, when all is written. @throws as `flush` */
  end(): string;
  /** Lets go of what it holds; after an error too. */
  close(): void;
}

let ownBuffer: Buffer | undefined;

/** Hashes and writes in this thread. One at a time. */
export function directSink(fd: number): PackSink {
  ownBuffer ??= Buffer.allocUnsafeSlow(SINK_BUFFER_BYTES);
  const buffer = ownBuffer;
  const whole = createHash('sha256');
  return {
    buffer,
    flush(filled) {
      whole.update(buffer.subarray(0, filled));
      for (let at = 0; at < filled; ) at += writeSync(fd, buffer, at, filled - at);
    },
    end: () => whole.digest('hex'),
    close() {},
  };
}

/**
 * Hashes and writes in a thread of its own, on another core, while the next bytes are read and hashed file by file: for layers that are large enough to be worth
 * the start of a thread. This thread waits without its event loop, so it is none for the main thread of a process.
 */
export function threadedSink(fd: number): PackSink {
  if (isMainThread) throw new Error('the main thread may not wait');
  const task: SinkTask = {
    fd,
    control: new SharedArrayBuffer(256),
    bytes: new SharedArrayBuffer(SINK_BUFFER_BYTES * 2),
  };
  const { states, filled: lengths, answer } = sinkViews(task);
  const halves = [0, 1].map((half) => Buffer.from(task.bytes, half * SINK_BUFFER_BYTES, SINK_BUFFER_BYTES));
  const thread = new Worker(builtWorker(new URL('./sink-worker.ts', import.meta.url)), { workerData: task });
  // Why it has ended is in the answer.
  thread.on('error', () => {});
  thread.unref();
  let half = 0;
  /** Without a bound once the thread runs: a disk may be slow. */
  const waitFor = (at: number): void => {
    if (Atomics.load(states, at) !== STATE_FULL) return;
    if (!answer.isStarted() && !answer.waitForStart(LONGEST_START_MS))
      throw new Error('the thread that writes a layer does not start');
    while (Atomics.load(states, at) === STATE_FULL) Atomics.wait(states, at, STATE_FULL);
  };
  const pass = (bytes: number): void => {
    lengths[half] = bytes;
    Atomics.store(states, half, STATE_FULL);
    Atomics.notify(states, half);
    half ^= 1;
    waitFor(half);
    const problem = answer.problem();
    if (problem !== undefined)
      throw Object.assign(new Error(problem.message), { code: problem.code, syscall: 'write' });
  };
  return {
    get buffer() {
      return halves[half]!;
    },
    flush: (bytes) => {
      if (bytes > 0) pass(bytes);
    },
    end() {
      // No bytes are the end; they are taken when all before them are.
      pass(0);
      waitFor(half ^ 1);
      return answer.digest();
    },
    close() {
      // The file may be closed next, and its number given to another one: nothing may be about to be written.
      if (answer.isStarted()) for (const at of [0, 1]) waitFor(at);
      void thread.terminate();
    },
  };
}
