import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { createTarDecoder, type TarDecodeOptions } from './decoder.ts';
import { tarError } from './errors.ts';
import type { TarHeader, TarPlace } from './header.ts';

/** An entry of an archive that is being read. */
export interface TarEntry {
  readonly header: TarHeader;
  readonly place: TarPlace;
  /** The content, once, and before the next entry is asked for; what is not read is skipped. @throws TAR_BODY_GONE */
  readonly body: ByteStream;
}

type TarEvent =
  | { readonly kind: 'entry'; readonly header: TarHeader; readonly place: TarPlace }
  | { readonly kind: 'data'; readonly chunk: Buffer }
  | { readonly kind: 'end' };

/** The entries of an archive in order, and the whole stream is read, also after the archive's end. An async step per entry and chunk: not for hot loops. @throws what the decoder throws */
export async function* readTar(
  bytes: ByteStream,
  o: TarDecodeOptions & CallOptions = {},
): AsyncGenerator<TarEntry, void, void> {
  let events: TarEvent[] = [];
  let at = 0;
  let failure: { readonly error: unknown } | undefined;
  const decoder = createTarDecoder(
    {
      onEntry: (header, place) => void events.push({ kind: 'entry', header, place }),
      onData: (chunk) => void events.push({ kind: 'data', chunk }),
      onEntryEnd: () => void events.push({ kind: 'end' }),
    },
    o,
  );
  const input = bytes[Symbol.asyncIterator]();
  let done = false;
  const next = async (): Promise<TarEvent | undefined> => {
    while (at === events.length) {
      if (failure !== undefined) throw failure.error;
      if (done) return undefined;
      o.signal?.throwIfAborted();
      events = [];
      at = 0;
      const part = await input.next();
      // What was decoded before an error is still handed out.
      try {
        if (part.done === true) {
          done = true;
          decoder.end();
        } else decoder.write(part.value);
      } catch (error) {
        failure = { error };
      }
    }
    return events[at++];
  };

  try {
    for (let event = await next(); event !== undefined; event = await next()) {
      if (event.kind !== 'entry') continue;
      const { header, place } = event;
      /** The entry's end was seen; its body belongs to a past entry. */
      let ended = false;
      let gone = false;
      const body = async function* (): ByteStream {
        while (!ended) {
          const part = gone ? undefined : await next();
          if (part === undefined) throw tarError('TAR_BODY_GONE', { entry: header.name });
          if (part.kind === 'data') yield part.chunk;
          else ended = true;
        }
      };
      yield { header, place, body: body() };
      gone = !ended;
      for (let part = ended ? undefined : await next(); part?.kind === 'data'; ) part = await next();
    }
  } finally {
    if (!done) await input.return?.();
  }
}
