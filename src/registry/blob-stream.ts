import type { ByteStream } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { HttpClock, HttpResponse } from '../http/types.ts';
import type { Descriptor } from '../oci/types.ts';
import { registryError } from './errors.ts';
import { foreignText } from './foreign-text.ts';
import type { Place } from './place.ts';
import type { RegistryEvent } from './types.ts';

/** Bytes after which a broken connection may be made anew without counting: a line that brings this much brings the rest. */
const PROGRESS_BYTES = 1024 * 1024;
/** Broken connections in a row with less than that between them. */
const MAX_FRUITLESS = 5;
/** Milliseconds waited before the first new connection; doubled for each fruitless one, with chance, up to the bound. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** Times that one blob is read from its start again, where a server knows no ranges. */
const MAX_RESTARTS = 5;
/** Bytes read and dropped to get at a part in the middle, where a server knows no ranges. */
const MAX_DROPPED = 8 * 1024 * 1024;
/** Answers after which a later try may do: the registry could not just now. */
const PASSING = new Set([408, 425, 429, 499, 500, 502, 503, 504, 522, 524]);

/** Which bytes of a blob. */
export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface BlobStreamParts {
  readonly clock: HttpClock;
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** Counts bytes as they come, dropped ones too. */
  readonly onBytes: (size: number) => void;
}

/**
 * A part of a blob, or all of it, from one place, in chunks as they come; not verified, but never more or less than `span`.
 * When the connection breaks it goes on with a Range from what was handed over, through the registry's own address: tokens and signed addresses may have
 * run out meanwhile. A server that knows no ranges is read from the start again and what was handed over is dropped; for a part in the middle of a blob only
 * up to `MAX_DROPPED`. Breaks may happen any number of times as long as each brings 1 MiB, else 5 times.
 * @throws REGISTRY_NOT_FOUND, REGISTRY_DENIED, REGISTRY_SIZE, REGISTRY_RANGE, REGISTRY_CUT, and errors of http/
 */
export async function* streamBlob(
  place: Place,
  wanted: Descriptor,
  span: Span,
  parts: BlobStreamParts,
  o: CallOptions,
): ByteStream {
  const { clock, onEvent, onBytes } = parts;
  const { digest, size } = wanted;
  let at = span.start;
  let mark = at;
  let fruitless = 0;
  let restarts = 0;
  for (let attempt = 0; ; attempt++) {
    let failure: unknown;
    let response: HttpResponse | undefined;
    try {
      response = await askFor(place, wanted, { start: at, end: span.end }, o);
    } catch (error) {
      if (attempt === 0 || !isPassing(error)) throw error;
      failure = error;
    }
    if (response !== undefined) {
      const from = response.status === 206 ? at : 0;
      if (from < at && attempt > 0) restarts++;
      if (from < at && (restarts > MAX_RESTARTS || (span.end < size && at > MAX_DROPPED))) {
        await response.discard();
        const facts = { digest, host: place.host, want: rangeOf(at, span.end, size), got: 'all of it' };
        throw registryError('REGISTRY_RANGE', facts);
      }
      try {
        const body = counted(response.body, onBytes);
        const rest = slice(
          body,
          { start: at - from, end: span.end - from },
          span.end === size,
          place,
          wanted,
        );
        for await (const chunk of rest) {
          o.signal?.throwIfAborted();
          at += chunk.length;
          yield chunk;
        }
        failure = new Error(`the answer ended after ${at} of ${span.end} bytes`);
      } catch (error) {
        if (isDobosError(error) && !isPassing(error)) throw error;
        failure = error;
      }
      if (at >= span.end) return;
    }
    o.signal?.throwIfAborted();
    fruitless = at - mark >= PROGRESS_BYTES ? 0 : fruitless + 1;
    mark = at;
    if (fruitless > MAX_FRUITLESS) {
      const facts = { digest, host: place.host, done: at, size, tries: fruitless };
      throw registryError('REGISTRY_CUT', facts, { cause: failure });
    }
    const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** fruitless);
    await clock.sleep(wait * (0.5 + clock.random() / 2), o);
    onEvent?.({ kind: 'resumed', digest, offset: at, why: messageOf(failure) });
  }
}

/** An answer whose headers fit what was asked: 200 with all of the blob, or 206 from `span.start` on. */
async function askFor(place: Place, wanted: Descriptor, span: Span, o: CallOptions): Promise<HttpResponse> {
  const { digest, size } = wanted;
  const { host } = place;
  const isPart = span.start > 0 || span.end < size;
  const want = rangeOf(span.start, span.end, size);
  // Packed anew on its way it would not be what the digest says.
  const headers = { 'accept-encoding': 'identity', ...(isPart && { range: want }) };
  const response = await place.ask(`blobs/${digest}`, { method: 'GET', headers }, o);
  const { status } = response;
  const bad = async (error: Error): Promise<Error> => {
    await response.discard();
    return error;
  };
  if (status === 200) {
    const got = wholeNumber(response.header('content-length'));
    if (got === undefined || got === size) return response;
    throw await bad(registryError('REGISTRY_SIZE', { digest, host, want: size, got }));
  }
  if (status === 206 || status === 416) {
    const header = response.header('content-range') ?? '';
    const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(header.trim()) ?? [];
    const got = wholeNumber(total);
    if (got !== undefined && got !== size) {
      throw await bad(registryError('REGISTRY_SIZE', { digest, host, want: size, got }));
    }
    const fits = Number(first) === span.start && Number(last) >= span.start && Number(last) < size;
    if (status === 206 && isPart && fits) return response;
    const what = header === '' ? `status ${status}` : `status ${status} with ${foreignText(header, 100)}`;
    throw await bad(registryError('REGISTRY_RANGE', { digest, host, want, got: what }));
  }
  throw await place.refused(response, digest);
}

function rangeOf(start: number, end: number, size: number): string {
  return `bytes=${start}-${end < size ? end - 1 : ''}`;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

/** True for what may pass: a connection that broke or could not be made, an overloaded registry. */
export function isPassing(error: unknown): boolean {
  if (isDobosError(error, 'REGISTRY_STATUS')) return PASSING.has(error.facts.status as number);
  return ['HTTP_CUT', 'HTTP_TIMEOUT', 'HTTP_UNREACHABLE', 'REGISTRY_RATE_LIMIT'].some((code) =>
    isDobosError(error, code),
  );
}

async function* counted(bytes: ByteStream, onBytes: (size: number) => void): ByteStream {
  for await (const part of bytes) {
    onBytes(part.length);
    yield part;
  }
}

/** The bytes from `start` to `end`. With `toEnd`, one byte more is an error; else the rest is not read. */
async function* slice(
  bytes: ByteStream,
  { start, end }: Span,
  toEnd: boolean,
  { host }: Place,
  { digest, size }: Descriptor,
): ByteStream {
  let at = 0;
  for await (const part of bytes) {
    const from = Math.max(0, start - at);
    const to = Math.min(part.length, end - at);
    at += part.length;
    if (from < to) yield part.subarray(from, to);
    if (at > end && toEnd) {
      throw registryError('REGISTRY_SIZE', { digest, host, want: size, got: size + at - end });
    }
    if (at >= end && !toEnd) return;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
