import { httpError } from './errors.ts';
import { bodyFailure } from './failures.ts';
import { SLOW_WINDOW_BYTES, SLOW_WINDOW_MS } from './limits.ts';
import { redactUrl } from './redact.ts';
import type { HttpClock, HttpMethod, HttpResponse, TransportResponse } from './types.ts';

export interface AnswerContext {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly clock: HttpClock;
  readonly signal: AbortSignal | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** An answer whose body is bounded, timed and no longer than announced. */
export function makeResponse(answer: TransportResponse, context: AnswerContext): HttpResponse {
  const { url } = context;
  const headers = (name: string): readonly string[] =>
    answer.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
  const header = (name: string): string | undefined => {
    const values = headers(name);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const source = answer.body[Symbol.asyncIterator]();
  const bodiless = context.method === 'HEAD' || answer.status === 204 || answer.status === 304;
  const announced = bodiless
    ? undefined
    : announcedLength(header('content-length'), header('transfer-encoding'));
  const guarded = guardBody(source, { ...context, announced, encoding: header('content-encoding') });
  const discard = async (): Promise<void> => {
    // A generator that never ran would not reach its `finally`.
    await guarded.return?.(undefined);
    await source.return?.(undefined);
  };
  return {
    status: answer.status,
    url: url.href,
    header,
    headers,
    retryAfterMs: context.retryAfterMs,
    body: { [Symbol.asyncIterator]: () => guarded },
    discard,
    async bytes(limit) {
      const tooLarge = (size: number | undefined) =>
        httpError('HTTP_BODY_TOO_LARGE', { url: redactUrl(url), limit, announced: size });
      if (announced !== undefined && announced > limit) {
        await discard();
        throw tooLarge(announced);
      }
      const parts: Uint8Array[] = [];
      let total = 0;
      for await (const part of { [Symbol.asyncIterator]: () => guarded }) {
        total += part.length;
        if (total > limit) throw tooLarge(undefined);
        parts.push(part);
      }
      return Buffer.concat(parts, total);
    },
  };
}

/** The bytes that an answer says it has; undefined when it does not say, as with chunks. */
function announcedLength(length: string | undefined, coding: string | undefined): number | undefined {
  return coding === undefined && length !== undefined && /^\d{1,15}$/.test(length)
    ? Number(length)
    : undefined;
}

interface Guard extends AnswerContext {
  readonly announced: number | undefined;
  readonly encoding: string | undefined;
}

/** Passes chunks on as they are. The speed is judged only over the time that the reader waited: a slow reader is not a slow server. */
async function* guardBody(
  source: AsyncIterator<Uint8Array>,
  guard: Guard,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, announced } = guard;
  const host = guard.url.host;
  let received = 0;
  let window = { waited: 0, received: 0 };
  try {
    checkEncoding(guard);
    for (;;) {
      guard.signal?.throwIfAborted();
      const start = clock.now();
      const next = await source.next();
      if (next.done === true) break;
      received += next.value.length;
      if (announced !== undefined && received > announced) {
        throw httpError('HTTP_CUT', { host, received, announced, why: 'body is longer than announced' });
      }
      window = { waited: window.waited + clock.now() - start, received: window.received + next.value.length };
      if (window.waited >= SLOW_WINDOW_MS) {
        if (window.received < SLOW_WINDOW_BYTES) {
          throw httpError('HTTP_TIMEOUT', {
            host,
            doing: `to send ${SLOW_WINDOW_BYTES} bytes of a body`,
            seconds: SLOW_WINDOW_MS / 1000,
          });
        }
        window = { waited: 0, received: 0 };
      }
      yield next.value;
    }
    if (announced !== undefined && received < announced) {
      throw httpError('HTTP_CUT', { host, received, announced, why: 'body is shorter than announced' });
    }
  } catch (error) {
    guard.signal?.throwIfAborted();
    throw bodyFailure(error, host, received, announced);
  } finally {
    await source.return?.(undefined);
  }
}

function checkEncoding({ encoding, method, url }: Guard): void {
  if (method === 'HEAD' || encoding === undefined || /^\s*(?:identity)?\s*$/i.test(encoding)) return;
  throw httpError('HTTP_ENCODING', {
    host: url.host,
    encoding: encoding.replace(/[^\x20-\x7e]/g, '?').slice(0, 40),
  });
}
