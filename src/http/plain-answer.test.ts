import { createServer, type ServerOptions } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeClock, listen, type Place, serveHttp, serveRaw } from '../../test/support/http-doubles.ts';
import { makeCertificate } from '../../test/support/make-certificate.ts';
import { createHttp } from './http.ts';
import type { HttpOptions } from './types.ts';
import { createUndiciTransport, type UndiciOptions } from './undici-transport.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function place(started: Promise<Place>): Promise<Place> {
  const found = await started;
  ends.push(found.close);
  return found;
}

const authority = makeCertificate({ name: 'authority', ca: true });
const tls = async () => ({ ca: [authority.cert] });
const secureServer = (more: ServerOptions = {}): Promise<Place> =>
  place(
    listen(
      createServer(
        { ...makeCertificate({ hosts: ['127.0.0.1'], issuer: authority }), ...more },
        (_, response) => response.end('hello'),
      ),
      'https',
    ),
  );

/** Asks a host over TLS that may well speak none. */
function asker(o: UndiciOptions = {}, options: Partial<HttpOptions> = {}) {
  const transport = createUndiciTransport(o);
  const http = createHttp({ userAgent: 'dobos/test', clock: fakeClock(), transport, ...options });
  ends.push(() => http.close());
  return (host: string, signal?: AbortSignal) =>
    http.request(
      { method: 'GET', url: `https://${host}/`, retry: false, mayBePlain: true },
      signal && { signal },
    );
}

describe('a host that may speak no TLS', () => {
  it('and speaks HTTP is recognised by its answer to a greeting, and sent nothing else', async () => {
    let requests = 0;
    const server = await place(serveHttp(() => requests++));
    await expect(asker()(server.host)).rejects.toMatchObject({
      code: 'HTTP_TLS',
      facts: { host: server.host, trouble: 'not-tls' },
    });
    expect([server.sockets.length, requests]).toEqual([1, 0]);
  });

  it('and speaks TLS is looked at once, and its certificate is checked', async () => {
    const server = await secureServer();
    const ask = asker({}, { tls });
    for (let i = 0; i < 3; i++) expect(String(await (await ask(server.host)).bytes(9))).toBe('hello');
    expect(server.sockets).toHaveLength(2);
    const stranger = await asker()(server.host).catch((error) => error);
    expect(stranger).toMatchObject({ code: 'HTTP_TLS', facts: { trouble: 'unknown-issuer' } });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('may speak %s only', async (version) => {
    const server = await secureServer({ minVersion: version, maxVersion: version });
    const answer = await asker({}, { tls })(server.host);
    expect(String(await answer.bytes(9))).toBe('hello');
  });

  it.each([
    ['says something else', 'SSH-2.0-x\r\n', { code: 'HTTP_TLS', facts: { trouble: 'not-tls' } }],
    [
      'refuses whoever asks',
      Buffer.from([21, 3, 1, 0, 2, 2, 40]),
      { code: 'HTTP_TLS', facts: { trouble: 'handshake' } },
    ],
    ['hangs up', '', { code: 'HTTP_UNREACHABLE' }],
  ])('and %s is judged by the handshake', async (_, words, error) => {
    const server = await place(
      listen(
        createNetServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(words))),
        'http',
      ),
    );
    await expect(asker()(server.host)).rejects.toMatchObject(error);
    expect(server.sockets).toHaveLength(2);
  });

  it('and says nothing runs out of time', async () => {
    const server = await place(serveRaw(() => {}));
    const closed = server.closed();
    await expect(asker({ connectMs: 30 })(server.host)).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    await closed;
    expect(server.sockets).toHaveLength(1);
  });

  it('is not looked at where it must not be reached', async () => {
    const server = await secureServer();
    const http = createHttp({ userAgent: 'x', transport: createUndiciTransport(), tls });
    ends.push(() => http.close());
    const request = { method: 'GET', url: server.base, home: 'registry.example', mayBePlain: true } as const;
    await expect(http.request(request)).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
    expect(server.sockets).toHaveLength(0);
  });
});
