import type { LookupFunction } from 'node:net';
import type { Dispatcher, Pool } from 'undici';
import type { CallOptions } from '../base/options.ts';
import { type BodyQueue, createBodyQueue } from './body-queue.ts';
import { type Connector, createConnector } from './connector.ts';
import { httpError } from './errors.ts';
import { BODY_IDLE_MS, CONNECT_MS, MAX_HEADER_BYTES } from './limits.ts';
import { createPatience } from './patience.ts';
import { proxyHost } from './proxy.ts';
import { bodyOf } from './send-body.ts';
import { proxyAuthorization } from './tunnel.ts';
import type { Transport, TransportResponse } from './types.ts';

type TransportRequest = Parameters<Transport['send']>[0];

export interface UndiciOptions {
  /** A double for the name service. */
  readonly lookup?: LookupFunction | undefined;
  readonly connectMs?: number | undefined;
  readonly headersMs?: number | undefined;
  readonly bodyIdleMs?: number | undefined;
  readonly slowHeadersMs?: number | undefined;
  readonly sendMs?: number | undefined;
}

/**
 * The network: HTTP/1.1 over undici, which is loaded at the first request. Connections are kept and shared only by requests of the same origin,
 * certificates, rule for addresses and proxy. Errors are the network's own; the policy gives them words.
 */
export function createUndiciTransport(o: UndiciOptions = {}): Transport {
  const lines = new Map<string, Promise<Line>>();
  const identify = createIdentities();
  const lineFor = (request: TransportRequest): Promise<Line> => {
    const { url, tls, acceptAddress, insecure, proxy } = request;
    const key = [url.origin, insecure, identify(tls), identify(acceptAddress), proxy ?? ''].join(' ');
    const line = lines.get(key) ?? openLine(request, o);
    lines.set(key, line);
    return line;
  };
  return {
    async send(request, call = {}) {
      call.signal?.throwIfAborted();
      const line = await lineFor(request);
      return exchange(line.pool, request, o, call);
    },
    async close() {
      const open = [...lines.values()];
      lines.clear();
      await Promise.all(open.map(async (line) => (await line).close()));
    },
  };
}

/** The connections of one kind to one origin. */
interface Line {
  readonly pool: Pool;
  close(): Promise<void>;
}

async function openLine(request: TransportRequest, o: UndiciOptions): Promise<Line> {
  const { Pool } = await import('undici');
  const connector: Connector = createConnector(
    {
      url: request.url,
      acceptAddress: request.acceptAddress,
      tls: request.tls,
      insecure: request.insecure,
      proxy: request.proxy,
      mayBePlain: request.mayBePlain,
    },
    { lookup: o.lookup, connectMs: o.connectMs ?? CONNECT_MS },
  );
  const pool = new Pool(request.url.origin, {
    connect: (_, callback) => {
      connector.open().then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, null),
      );
    },
    maxHeaderSize: MAX_HEADER_BYTES,
    // The policy has its own deadline, which a server cannot put off by 1xx answers.
    headersTimeout: 0,
    bodyTimeout: o.bodyIdleMs ?? BODY_IDLE_MS,
  });
  return {
    pool,
    async close() {
      connector.close();
      await pool.destroy();
    },
  };
}

function exchange(
  pool: Pool,
  request: TransportRequest,
  o: UndiciOptions,
  call: CallOptions,
): Promise<TransportResponse> {
  const { url, proxy } = request;
  const byProxy = proxy !== undefined && url.protocol === 'http:';
  const path = `${url.pathname}${url.search}`;
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let queue: BodyQueue | undefined;
    const { signal } = call;
    const patience = createPatience(request, o, (error) => stop(error));
    const stop = (error: unknown): void => {
      controller?.abort(error as Error);
      finish();
      reject(error);
      queue?.fail(error);
    };
    const onAbort = (): void => stop(signal?.reason);
    const finish = (): void => {
      patience.end();
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    pool.dispatch(
      {
        method: request.method,
        path: byProxy ? `${url.origin}${path}` : path,
        headers: { host: url.host, ...request.headers, ...(byProxy ? proxyHeaders(proxy) : {}) },
        // undici takes any iterable, which its types do not say.
        body: bodyOf(request.body, patience) as Buffer | null,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (signal?.aborted === true) return started.abort(signal.reason);
          patience.start();
        },
        onResponseStart(started, status) {
          if (status < 200) return;
          patience.end();
          if (status === 407 && proxy !== undefined) {
            return stop(
              httpError('HTTP_PROXY', { proxy: proxyHost(proxy), problem: 'wants a user and password' }),
            );
          }
          const headers = headerPairs(started.rawHeaders);
          const tap = {
            pause: () => started.pause(),
            resume: () => started.resume(),
            abort: () => started.abort(new Error('dropped')),
          };
          queue = createBodyQueue(tap, lengthOf(headers));
          resolve({ status, headers, body: queue.body });
        },
        onResponseData: (_, chunk) => queue?.push(chunk),
        onResponseEnd() {
          finish();
          // undici takes the connection back two turns later; who asks again at once would get a new one.
          setImmediate(() => setImmediate(() => queue?.end()));
        },
        onResponseError(_, error) {
          finish();
          reject(error);
          queue?.fail(error);
        },
      },
    );
  });
}

function proxyHeaders(proxy: string): Readonly<Record<string, string>> {
  const authorization = proxyAuthorization(new URL(proxy));
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

function headerPairs(
  raw: Dispatcher.DispatchController['rawHeaders'],
): readonly (readonly [string, string])[] {
  if (!Array.isArray(raw)) return [];
  const texts = raw.map((part: Buffer | string) =>
    typeof part === 'string' ? part : part.toString('latin1'),
  );
  return Array.from(
    { length: texts.length >> 1 },
    (_, i) => [texts[2 * i]!.toLowerCase(), texts[2 * i + 1]!] as const,
  );
}

function lengthOf(headers: readonly (readonly [string, string])[]): number | undefined {
  const length = headers.find(([name]) => name === 'content-length')?.[1];
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** The same number for the same object. */
function createIdentities(): (object: object | undefined) => number {
  const known = new WeakMap<object, number>();
  let last = 0;
  return (object) => {
    if (object === undefined) return 0;
    const number = known.get(object) ?? ++last;
    known.set(object, number);
    return number;
  };
}
