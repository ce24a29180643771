import type { Writable } from 'node:stream';
import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';

/** A stream being written to another. */
export interface Feeding {
  /** When the input is closed; never rejects. `size` is the bytes written. */
  readonly done: Promise<{ readonly size: number }>;
  /** Why the input could not be read, or the reason of the abort; undefined if neither. */
  failure(): unknown;
}

/** Writes all bytes to `sink` with backpressure and ends it. When the input fails or the signal aborts the sink is destroyed; when the sink closes the input is closed. */
export function feed(bytes: ByteStream, sink: Writable, o: CallOptions): Feeding {
  let failure: unknown;
  let size = 0;
  const onAbort = (): void => {
    failure ??= o.signal?.reason;
    sink.destroy(failure as Error);
  };
  const run = async (): Promise<{ readonly size: number }> => {
    try {
      if (o.signal?.aborted) onAbort();
      o.signal?.addEventListener('abort', onAbort, { once: true });
      for await (const chunk of bytes) {
        if (sink.destroyed) return { size };
        size += chunk.length;
        if (!sink.write(chunk)) await drained(sink);
      }
      if (!sink.destroyed) sink.end();
    } catch (error) {
      failure ??= error;
      sink.destroy(error as Error);
    } finally {
      o.signal?.removeEventListener('abort', onAbort);
    }
    return { size };
  };
  return { done: run(), failure: () => failure };
}

async function drained(sink: Writable): Promise<void> {
  if (sink.destroyed || !sink.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      sink.off('drain', settle);
      sink.off('close', settle);
      resolve();
    };
    sink.on('drain', settle);
    sink.on('close', settle);
  });
}
