import type { ByteStream } from '../base/bytes.ts';

/** Bytes that wait for the reader before the sender is told to pause. */
const MOST_WAITING_BYTES = 2 * 1024 * 1024;
/** Bytes below which a paused sender goes on. */
const RESUME_BYTES = 1024 * 1024;
/** Chunks that are smaller than this on average are joined: below, a copy costs less than one turn more for whoever hashes and writes. */
const SMALL_CHUNK_BYTES = 8 * 1024;
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

/** The queue of one body. Chunks pass as they came, without a copy. `length` is the number of bytes that are announced, if any. */
export function createBodyQueue(tap: Tap, length: number | undefined): BodyQueue {
  let chunks: Uint8Array[] = [];
  let waiting = 0;
  let paused = false;
  let received = 0;
  let outcome: { readonly error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  let alarm: NodeJS.Immediate | undefined;
  let dropped = false;
  let allowed = 0;
  let setOver: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    setOver = resolve;
  });

  const wakeReader = (): void => {
    clearImmediate(alarm);
    alarm = undefined;
    wake?.();
    wake = undefined;
  };
  const take = (): Uint8Array => {
    const small = chunks.length > 1 && waiting < chunks.length * SMALL_CHUNK_BYTES;
    const taken = small ? Buffer.concat(chunks.splice(0), waiting) : chunks.shift()!;
    waiting -= taken.length;
    if (paused && waiting < RESUME_BYTES && outcome === undefined) {
      paused = false;
      tap.resume();
    }
    return taken;
  };
  /** Done when the connection is free again, or broken. */
  const drop = async (): Promise<void> => {
    if (dropped) return;
    dropped = true;
    chunks = [];
    waiting = 0;
    wakeReader();
    if (outcome !== undefined) return;
    if (length !== undefined && length - received > SMALL_REST_BYTES) {
      tap.abort();
      return;
    }
    allowed = received + SMALL_REST_BYTES;
    const timer = setTimeout(() => tap.abort(), REST_MS).unref();
    if (paused) tap.resume();
    await over;
    clearTimeout(timer);
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
      await drop();
      return { done: true, value: undefined };
    },
  };
  return {
    body: { [Symbol.asyncIterator]: () => iterator },
    push(chunk) {
      received += chunk.length;
      if (dropped) {
        if (received > allowed) tap.abort();
        return;
      }
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
      setOver();
      wakeReader();
    },
    fail(error) {
      outcome ??= { error };
      setOver();
      wakeReader();
    },
  };
}
