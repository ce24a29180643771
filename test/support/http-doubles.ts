import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Server, type Socket } from 'node:net';
import type { ByteStream } from '../../src/base/bytes.ts';
import { streamOf } from '../../src/base/bytes.ts';
import type { HttpClock, Transport, TransportResponse } from '../../src/http/types.ts';

/** A clock that stands still; sleeping moves it at once and is remembered. */
export function fakeClock(o: { readonly random?: number } = {}): HttpClock & {
  readonly slept: number[];
  tick(ms: number): void;
} {
  let time = Date.parse('2026-11-20T12:00:00Z');
  const slept: number[] = [];
  return {
    slept,
    now: () => time,
    random: () => o.random ?? 1,
    tick(ms) {
      time += ms;
    },
    async sleep(ms, call = {}) {
      call.signal?.throwIfAborted();
      slept.push(ms);
      time += ms;
    },
  };
}

export type Sent = Parameters<Transport['send']>[0];

/** A transport that answers by a function and remembers what it was sent. */
export function fakeTransport(
  answer: (sent: Sent, index: number) => TransportResponse | Promise<TransportResponse>,
): Transport & { readonly sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    async send(request) {
      sent.push(request);
      return answer(request, sent.length - 1);
    },
    async close() {},
  };
}

/** An answer of a fake transport. */
export function reply(
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  body: string | ByteStream = '',
): TransportResponse {
  const pairs = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
  );
  return { status, headers: pairs, body: typeof body === 'string' ? streamOf(Buffer.from(body)) : body };
}

/** A system error as a failed connection throws it. */
export const networkError = (code: string): Error => Object.assign(new Error(code), { code });

export interface Place {
  /** `http://127.0.0.1:PORT` */
  readonly base: string;
  readonly host: string;
  readonly port: number;
  /** Connections that were made, first to last. */
  readonly sockets: readonly Socket[];
  /** Resolves when the next connection closes. */
  closed(): Promise<unknown>;
  close(): Promise<void>;
}

/** An HTTP server on loopback. */
export const serveHttp = (answer: RequestListener): Promise<Place> => listen(createServer(answer), 'http');

/** A server that sends what it likes once a request came; `answer` gets the socket and the request's head. */
export function serveRaw(answer: (socket: Socket, head: string) => void): Promise<Place> {
  const server = createNetServer((socket) => {
    let head = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const whole = head.slice(0, end);
      head = '';
      answer(socket, whole);
    });
  });
  return listen(server, 'http');
}

/** Starts a server on a free port of loopback; `close` breaks what is still open. */
export async function listen(server: Server, scheme: string): Promise<Place> {
  const sockets: Socket[] = [];
  const events = new EventEmitter();
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('close', () => events.emit('closed'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    base: `${scheme}://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    sockets,
    closed: () => once(events, 'closed'),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
