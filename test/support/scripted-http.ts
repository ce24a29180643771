import { type ByteStream, streamOf } from '../../src/base/bytes.ts';
import { createHttp } from '../../src/http/http.ts';
import type { Http, HttpClock, HttpOptions, Transport } from '../../src/http/types.ts';

export type ScriptedRequest = Parameters<Transport['send']>[0];

/** An answer: a status alone, or with headers and a body. */
export interface ScriptedAnswer {
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly body?: string | Uint8Array | ByteStream | undefined;
}

export interface ScriptedHttp {
  readonly http: Http;
  readonly requests: readonly ScriptedRequest[];
  /** Milliseconds that were waited. */
  readonly waits: readonly number[];
  readonly clock: HttpClock & { pass(ms: number): void };
}

/** Time that passes only when somebody waits. */
export function createTestClock(): ScriptedHttp['clock'] & { readonly waits: number[] } {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    random: () => 0.5,
    async sleep(ms, { signal } = {}) {
      signal?.throwIfAborted();
      waits.push(ms);
      now += ms;
    },
    pass: (ms) => {
      now += ms;
    },
  };
}

/** The real policy of http/ over a network that is a function. */
export function scriptedHttp(
  answer: (request: ScriptedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>,
  o: Partial<HttpOptions> = {},
): ScriptedHttp {
  const clock = createTestClock();
  const requests: ScriptedRequest[] = [];
  const transport: Transport = {
    async send(request) {
      requests.push(request);
      const { status = 200, headers = {}, body = '' } = await answer(request);
      const isBytes = typeof body === 'string' || body instanceof Uint8Array;
      return {
        status,
        headers: Object.entries(headers).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value] as const] : value.map((each) => [name, each] as const),
        ),
        body: isBytes ? streamOf(Buffer.from(body)) : body,
      };
    },
    async close() {},
  };
  const http = createHttp({ userAgent: 'test', clock, transport, ...o });
  return { http, requests, clock, waits: clock.waits };
}
