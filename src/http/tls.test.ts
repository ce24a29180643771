import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeClock, listen, type Place, serveHttp, serveRaw } from '../../test/support/http-doubles.ts';
import { makeCertificate } from '../../test/support/make-certificate.ts';
import { createHttp } from './http.ts';
import type { Http, HttpOptions, HttpRequest } from './types.ts';
import { createUndiciTransport } from './undici-transport.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function place(started: Promise<Place>): Promise<Place> {
  const found = await started;
  ends.push(found.close);
  return found;
}

/** Answers `hello NAME` to a client that shows a certificate of that name. */
const secureServer = (options: ServerOptions): Promise<Place> =>
  place(
    listen(
      createServer(options, (request, response) => {
        const subject = (request.socket as TLSSocket).getPeerCertificate().subject;
        response.end(`hello ${subject?.CN ?? ''}`);
      }),
      'https',
    ),
  );

function client(options: Partial<HttpOptions> = {}): Http {
  const lookup = (
    _: string,
    __: object,
    callback: (error: null, found: { address: string; family: number }[]) => void,
  ) => callback(null, [{ address: '127.0.0.1', family: 4 }]);
  const transport = createUndiciTransport({ lookup: lookup as never });
  const http = createHttp({ userAgent: 'dobos/test', clock: fakeClock(), transport, ...options });
  ends.push(() => http.close());
  return http;
}

const ask = (http: Http, url: string, more: Partial<HttpRequest> = {}) =>
  http.request({ method: 'GET', url, retry: false, ...more });
const read = async (http: Http, url: string, more: Partial<HttpRequest> = {}) =>
  (await (await ask(http, url, more)).bytes(99)).toString();

const authority = makeCertificate({ name: 'authority', ca: true });
const DAY = 86_400_000;
const past = new Date(Date.now() - 2 * DAY);
const future = new Date(Date.now() + 2 * DAY);

describe('a certificate', () => {
  it.each([
    ['that signed itself', makeCertificate({ hosts: ['127.0.0.1'] }), 'self-signed'],
    [
      'of an unknown authority',
      makeCertificate({ hosts: ['127.0.0.1'], issuer: authority }),
      'unknown-issuer',
    ],
  ])('%s is refused, with the folder where its authority belongs', async (_, certificate, trouble) => {
    const { base, host } = await secureServer(certificate);
    const failed = await ask(client(), base).catch((error) => error);
    expect(failed).toMatchObject({ code: 'HTTP_TLS', facts: { host, trouble } });
    expect(failed.hint).toContain(`/etc/docker/certs.d/${host}/ca.crt`);
  });

  it.each([
    [
      'that has expired',
      { hosts: ['127.0.0.1'], notBefore: new Date(past.getTime() - DAY), notAfter: past },
      'expired',
    ],
    [
      'that is not valid yet',
      { hosts: ['127.0.0.1'], notBefore: future, notAfter: new Date(future.getTime() + DAY) },
      'not-yet-valid',
    ],
    ['of another host', { hosts: ['other.example'] }, 'wrong-host'],
  ])('%s is refused though its authority is known', async (_, options, trouble) => {
    const { base } = await secureServer(makeCertificate({ ...options, issuer: authority }));
    const http = client({ tls: async () => ({ ca: [authority.cert] }) });
    await expect(ask(http, base)).rejects.toMatchObject({ code: 'HTTP_TLS', facts: { trouble } });
  });

  it('of an authority that is given for its host is good there, and nowhere else', async () => {
    const certificate = makeCertificate({
      hosts: ['127.0.0.1', 'a.example', 'b.example'],
      issuer: authority,
    });
    const server = await secureServer(certificate);
    const http = client({
      tls: async (host) => (host === `a.example:${server.port}` ? { ca: [authority.cert] } : undefined),
    });
    expect(await read(http, `https://a.example:${server.port}/`)).toBe('hello ');
    await expect(ask(http, `https://b.example:${server.port}/`)).rejects.toMatchObject({ code: 'HTTP_TLS' });
  });

  it('is not looked at where the host is insecure, and only there', async () => {
    const server = await secureServer(makeCertificate({ hosts: ['other.example'] }));
    const http = client({ insecure: (host) => host === server.host });
    expect(await read(http, server.base)).toBe('hello ');
    await expect(ask(http, `https://localhost:${server.port}/`)).rejects.toMatchObject({ code: 'HTTP_TLS' });
  });
});

describe('a client certificate', () => {
  const mine = makeCertificate({ name: 'me', issuer: authority });
  const certificate = makeCertificate({ hosts: ['127.0.0.1', 'a.example', 'b.example'], issuer: authority });
  const files = { ca: [authority.cert], cert: mine.cert, key: mine.key };
  const mutual = (rejectUnauthorized: boolean) =>
    secureServer({ ...certificate, ca: authority.cert, requestCert: true, rejectUnauthorized });

  it('is shown to the host that it is for', async () => {
    const server = await mutual(true);
    expect(await read(client({ tls: async () => files }), server.base)).toBe('hello me');
  });

  it('is not shown to a host that a redirect leads to', async () => {
    const target = await mutual(false);
    const first = await place(
      listen(
        createServer({ ...certificate }, (_, response) =>
          response.writeHead(307, { location: `https://a.example:${target.port}/` }).end(),
        ),
        'https',
      ),
    );
    const http = client({ tls: async () => files, trustedHosts: ['a.example'] });
    expect(await read(http, `https://b.example:${first.port}/`)).toBe('hello ');
    expect(await read(http, `https://a.example:${target.port}/`)).toBe('hello me');
  });

  it('that cannot be used is told before anything is sent', async () => {
    const server = await mutual(true);
    const http = client({ tls: async () => ({ cert: 'nonsense', key: 'nonsense' }) });
    await expect(ask(http, server.base)).rejects.toMatchObject({
      code: 'HTTP_TLS',
      facts: { trouble: 'bad-files' },
    });
    expect(server.sockets).toHaveLength(0);
  });
});

describe('a server without TLS', () => {
  it('is recognised', async () => {
    const server = await place(serveHttp((_, response) => response.end()));
    const asked = ask(client(), `https://127.0.0.1:${server.port}/`);
    await expect(asked).rejects.toMatchObject({ code: 'HTTP_TLS', facts: { trouble: 'not-tls' } });
  });

  it('that accepts and says nothing runs out of time', async () => {
    const server = await place(serveRaw(() => {}));
    const transport = createUndiciTransport({ connectMs: 30 });
    const http = createHttp({ userAgent: 'x', transport });
    ends.push(() => http.close());
    const closed = server.closed();
    await expect(ask(http, `https://${server.host}/`)).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    await closed;
  });
});

describe('a proxy for TLS', () => {
  const certificate = makeCertificate({
    hosts: ['127.0.0.1', 'a.example', 'proxy.example'],
    issuer: authority,
  });
  const tls = async () => ({ ca: [authority.cert] });

  /** A proxy that connects every tunnel to `port` of loopback. */
  const tunnelProxy = (port: number, seen: IncomingMessage[]) => {
    const server = createHttpServer();
    server.on('connect', (request: IncomingMessage, socket: Socket) => {
      seen.push(request);
      const on = connect(port, '127.0.0.1', () =>
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n'),
      );
      on.pipe(socket).pipe(on);
      for (const one of [on, socket]) one.on('error', () => on.destroy());
    });
    return place(listen(server, 'http'));
  };

  it('is asked for a tunnel with its own password, and sees no request', async () => {
    const target = await secureServer(certificate);
    const seen: IncomingMessage[] = [];
    const proxy = await tunnelProxy(target.port, seen);
    const http = client({ tls, proxies: { https: `http://user:p%40ss@${proxy.host}` } });
    const secretHeaders = { authorization: 'Bearer hunter2' };
    expect(await read(http, 'https://a.example/', { secretHeaders })).toBe('hello ');
    expect(await read(http, 'https://a.example/', { secretHeaders })).toBe('hello ');
    expect(seen.map(({ url, headers }) => [url, headers.host, headers['proxy-authorization']])).toEqual([
      ['a.example:443', 'a.example:443', `Basic ${Buffer.from('user:p@ss').toString('base64')}`],
    ]);
    expect(JSON.stringify(seen[0]?.headers)).not.toContain('hunter2');
  });

  it('does not loosen the check of the certificate', async () => {
    const target = await secureServer(makeCertificate({ hosts: ['evil.example'], issuer: authority }));
    const proxy = await tunnelProxy(target.port, []);
    const http = client({ tls, proxies: { https: `http://${proxy.host}` } });
    await expect(ask(http, 'https://a.example/')).rejects.toMatchObject({
      code: 'HTTP_TLS',
      facts: { trouble: 'wrong-host' },
    });
  });

  it('is not used to reach an address that may not be reached', async () => {
    const seen: IncomingMessage[] = [];
    const proxy = await tunnelProxy(1, seen);
    const http = client({ tls, proxies: { https: `http://${proxy.host}` } });
    const asked = ask(http, 'https://169.254.169.254/', { home: 'r.example' });
    await expect(asked).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
    expect(seen).toEqual([]);
  });

  it.each([
    ['HTTP/1.1 407 Auth\r\n\r\n', 'wants a user and password'],
    ['HTTP/1.1 403 No\r\n\r\n', 'answered 403 to a tunnel to a.example'],
    ['SSH-2.0\r\n\r\n', 'does not speak HTTP/1.1'],
    ['HTTP/1.1 200 OK\r\n\r\nearly', 'sent bytes before the tunnel was used'],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}`, 'sent an endless answer to CONNECT'],
    ['', 'closed the connection instead of a tunnel to a.example'],
  ])('that answers %j is named', async (text, problem) => {
    const proxy = await place(serveRaw((socket) => socket.end(text, 'latin1')));
    const http = client({ tls, proxies: { https: `http://u:hunter2@${proxy.host}` } });
    const failed = await ask(http, 'https://a.example/').catch((error) => error);
    expect(failed).toMatchObject({ code: 'HTTP_PROXY', facts: { proxy: proxy.host, problem } });
    expect(failed.message).not.toContain('hunter2');
  });
});
