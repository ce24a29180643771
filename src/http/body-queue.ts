import type { ByteStream } from '../base/bytes.ts';

/** Bytes that wait for the reader before the sender is told to pause. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** A body that is left with at most this many bytes to come is read to its end, so that the connection can be used again. */
const SMALL_REST_BYTES = 64 * 1024;
/** Milliseconds that such a rest may take. */
const REST_MS = 1000;

/** Where the bytes come from. */
export interface Tap {
  pause(): void;
  resume(): void;
  /** Breaks the connection. */
  abort(): void;
}

/** Between callbacks that bring bytes and a reader that pulls them. */
export interface BodyQueue {
  readonly body: ByteStream;
  push(chunk: Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
}

/**
 * What came while the reader was busy, or in one turn of the event loop, is given as one chunk: sockets bring 16 to 64 KiB at a time, and who hashes and
 * writes pays for each chunk. `length` is the number of bytes that are announced, if any.
 */
export function createBodyQueue(tap: Tap, length: number | undefined): BodyQueue {
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  let paused = false;
  let received = 0;
  let outcome: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  let alarm: NodeJS.Immediate | undefined;
  let dropped = false;

  const wakeReader = (): void => {
    clearImmediate(alarm);
    alarm = undefined;
    wake?.();
    wake = undefined;
  };
  const take = (): Uint8Array => {
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, waiting);
    chunks = [];
    waiting = 0;
    if (paused && outcome === undefined) {
      paused = false;
      tap.resume();
    }
    return all;
  };
  const drop = (): void => {
    if (dropped) return;
    dropped = true;
    chunks = [];
    waiting = 0;
    if (outcome !== undefined) return;
    if (length === undefined || length - received > SMALL_REST_BYTES) {
      tap.abort();
      return;
    }
    setTimeout(() => outcome === undefined && tap.abort(), REST_MS).unref();
    if (paused) tap.resume();
  };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      while (waiting === 0 && outcome === undefined && !dropped) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (dropped) return { done: true, value: undefined };
      if (waiting > 0) return { done: false, value: take() };
      if (outcome?.error !== undefined) throw outcome.error;
      return { done: true, value: undefined };
    },
    async return() {
      drop();
      wakeReader();
      return { done: true, value: undefined };
    },
  };
  return {
    body: { [Symbol.asyncIterator]: () => iterator },
    push(chunk) {
      received += chunk.length;
      if (dropped) return;
      chunks.push(chunk);
      waiting += chunk.length;
      if (waiting >= MOST_WAITING_BYTES) {
        if (!paused) {
          paused = true;
          tap.pause();
        }
        wakeReader();
      } else if (wake !== undefined && alarm === undefined) {
        alarm = setImmediate(wakeReader);
      }
    },
    end() {
      outcome ??= {};
      wakeReader();
    },
    fail(error) {
      outcome ??= { error };
      wakeReader();
    },
  };
}
