import type { LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeClock, type Place, serveHttp, serveRaw } from '../../test/support/http-doubles.ts';
import { collect } from '../base/bytes.ts';
import { createHttp } from './http.ts';
import type { Http, HttpOptions, HttpRequest } from './types.ts';
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

function client(o: UndiciOptions = {}, options: Partial<HttpOptions> = {}): Http {
  const transport = createUndiciTransport(o);
  const http = createHttp({ userAgent: 'dobos/test', clock: fakeClock(), transport, ...options });
  ends.push(() => http.close());
  return http;
}

const ask = (http: Http, url: string, more: Partial<HttpRequest> = {}) =>
  http.request({ method: 'GET', url, retry: false, ...more });

/** A lookup that answers from a table. */
const names =
  (table: Readonly<Record<string, readonly string[]>>): LookupFunction =>
  (name, _, callback) => {
    const found = (table[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (found.length > 0) callback(null, found);
    else callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
  };

describe('an exchange', () => {
  it('sends what it is given and gives back what comes', async () => {
    const { base, host } = await place(
      serveHttp((request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part) => parts.push(part));
        request.on('end', () => {
          response.writeHead(201, { 'x-method': request.method, link: ['<a>', '<b>'] });
          response.end(
            `${request.url} ${request.headers.host} ${request.headers.range} ${Buffer.concat(parts)}`,
          );
        });
      }),
    );
    const body = Buffer.from('body');
    const headers = { range: 'bytes=1-' };
    const response = await ask(client(), `${base}/a%20b?c=d`, { method: 'PUT', body, headers });
    expect([response.status, response.header('x-method'), response.headers('link')]).toEqual([
      201,
      'PUT',
      ['<a>', '<b>'],
    ]);
    expect((await response.bytes(999)).toString()).toBe(`/a%20b?c=d ${host} bytes=1- body`);
  });

  it('uses a connection again', async () => {
    const server = await place(serveHttp((_, response) => response.end('x')));
    const http = client();
    for (let i = 0; i < 5; i++) await (await ask(http, server.base)).bytes(9);
    expect(server.sockets).toHaveLength(1);
  });

  it('passes a large body on unchanged, however slowly it is read, without holding it', async () => {
    const size = 32 * 1024 * 1024;
    const block = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => i ^ (i >> 8)));
    let written = 0;
    const server = await place(
      serveHttp((_, response) => {
        response.writeHead(200, { 'content-length': size });
        const more = (): void => {
          while (written < size) {
            written += block.length;
            if (!response.write(block)) {
              response.once('drain', more);
              return;
            }
          }
          response.end();
        };
        more();
      }),
    );
    const response = await ask(client(), server.base);
    let read = 0;
    let ahead = 0;
    for await (const chunk of response.body) {
      if (read === 0) {
        // Whoever does not read stops the sender, once what lies between is full.
        let last = -1;
        for (let still = 0; still < 50; still++) {
          if (last !== written) still = 0;
          last = written;
          await new Promise((resolve) => setImmediate(resolve));
        }
        ahead = written;
      }
      for (let i = 0; i < chunk.length; i += 4093) expect(chunk[i]).toBe(block[(read + i) % block.length]);
      read += chunk.length;
    }
    expect(read).toBe(size);
    expect(ahead).toBeLessThan(size);
  });

  it('breaks the connection of a body that is left early, and keeps that of a small rest', async () => {
    const server = await place(
      serveHttp((request, response) => {
        const size = Number(request.url?.slice(1));
        response.writeHead(200, { 'content-length': size });
        response.end(Buffer.alloc(size));
      }),
    );
    const http = client();
    const small = await ask(http, `${server.base}/20000`);
    await small.discard();
    await (await ask(http, `${server.base}/10`)).bytes(10);
    expect(server.sockets).toHaveLength(1);
    const closed = server.closed();
    const large = await ask(http, `${server.base}/90000000`);
    for await (const _ of large.body) break;
    await closed;
    expect((await (await ask(http, `${server.base}/10`)).bytes(10)).length).toBe(10);
  });

  it('ends by a signal before, during and after the headers', async () => {
    const server = await place(
      serveHttp((request, response) => {
        if (request.url === '/body') response.write('begin');
      }),
    );
    const http = client();
    const reason = new Error('enough');
    const before = http.request({ method: 'GET', url: server.base }, { signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    for (const path of ['/headers', '/body']) {
      const stop = new AbortController();
      const closed = server.closed();
      const read = async () => {
        const asked = http.request({ method: 'GET', url: `${server.base}${path}` }, { signal: stop.signal });
        const iterator = path === '/body' ? (await asked).body[Symbol.asyncIterator]() : undefined;
        await iterator?.next();
        setImmediate(() => stop.abort(reason));
        await (iterator?.next() ?? asked);
      };
      await expect(read()).rejects.toBe(reason);
      if (path === '/body') await closed;
    }
  });

  it('ends when the client is closed', async () => {
    const server = await place(serveHttp(() => {}));
    const http = client();
    const asked = ask(http, server.base);
    const failed = expect(asked).rejects.toMatchObject({
      code: 'HTTP_UNREACHABLE',
      facts: { why: 'closed' },
    });
    while (server.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await http.close();
    await failed;
  });

  it('refuses a header that would begin another', async () => {
    const server = await place(serveHttp((_, response) => response.end()));
    const asked = ask(client(), server.base, { secretHeaders: { authorization: 'hunter2\r\nx: y' } });
    await expect(asked).rejects.toMatchObject({
      code: 'HTTP_REQUEST',
      message: expect.not.stringContaining('hunter2'),
    });
  });
});

describe('a hostile server', () => {
  const sends = (text: string, after: 'end' | 'stay' | 'reset' = 'end') =>
    place(
      serveRaw((socket) => {
        socket.write(text, 'latin1', () => {
          if (after === 'end') socket.end();
          if (after === 'reset') socket.resetAndDestroy();
        });
      }),
    );
  const answerOf = async (server: Place, o: UndiciOptions = {}) => ask(client(o), server.base);
  const ok = 'HTTP/1.1 200 OK\r\n';

  it.each([
    ['nonsense instead of a status', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'HTTP_PROTOCOL'],
    ['a status that is none', 'HTTP/1.1 abc OK\r\n\r\n', 'HTTP_PROTOCOL'],
    ['another version', 'HTTP/9.9 200 OK\r\n\r\n', 'HTTP_PROTOCOL'],
    ['TLS', '\x15\x03\x01\x00\x02\x02\x46', 'HTTP_PROTOCOL'],
    ['two lengths', `${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, 'HTTP_PROTOCOL'],
    ['a length that is none', `${ok}content-length: 12x\r\n\r\n`, 'HTTP_PROTOCOL'],
    [
      'a length beside chunks',
      `${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      'HTTP_PROTOCOL',
    ],
    ['a header without a name', `${ok}: x\r\n\r\n`, 'HTTP_PROTOCOL'],
    ['a bare line end in a header', `${ok}location: /a\rset-cookie: b\r\n\r\n`, 'HTTP_PROTOCOL'],
    ['a 100 out of turn', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP_UNREACHABLE'],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', 'HTTP_UNREACHABLE'],
    ['nothing', '', 'HTTP_UNREACHABLE'],
    ['half a header', `${ok}content-len`, 'HTTP_UNREACHABLE'],
    ['one header of 70 KiB', `${ok}x: ${'y'.repeat(70_000)}\r\n\r\n`, 'HTTP_HEADERS_TOO_LARGE'],
    ['many headers', `${ok}${'x: y\r\n'.repeat(40_000)}\r\n`, 'HTTP_HEADERS_TOO_LARGE'],
  ])('that sends %s', async (_, text, code) => {
    const server = await sends(text);
    await expect(answerOf(server)).rejects.toMatchObject({ code });
  });

  it('that sends headers without end is stopped', async () => {
    const server = await place(
      serveRaw((socket) => {
        socket.write(ok);
        const more = (): void => {
          while (socket.writable && socket.write('x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'));
          socket.once('drain', more);
        };
        more();
      }),
    );
    await expect(answerOf(server)).rejects.toMatchObject({ code: 'HTTP_HEADERS_TOO_LARGE' });
  });

  it('that says nothing, or "wait" for ever, runs out of time', async () => {
    const silent = await place(serveRaw(() => {}));
    await expect(answerOf(silent, { headersMs: 30 })).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
    const early = await place(
      serveRaw((socket) => {
        const more = (): void => {
          if (socket.writable) socket.write('HTTP/1.1 103 Early Hints\r\n\r\n', () => setImmediate(more));
        };
        more();
      }),
    );
    await expect(answerOf(early, { headersMs: 30 })).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  it('that stops within a body runs out of time', async () => {
    const server = await sends(`${ok}content-length: 9\r\n\r\nabc`, 'stay');
    const response = await answerOf(server, { bodyIdleMs: 30 });
    await expect(response.bytes(9)).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  it.each([
    ['a short body', 'content-length: 9\r\n\r\nabc', 'end', 'HTTP_CUT', 9],
    ['a body cut by a reset', 'content-length: 9\r\n\r\nabc', 'reset', 'HTTP_CUT', 9],
    ['a chunk cut short', 'transfer-encoding: chunked\r\n\r\n5\r\nabc', 'end', 'HTTP_CUT', undefined],
    ['chunks without an end', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n', 'end', 'HTTP_CUT', undefined],
    [
      'a chunk size that is none',
      'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n',
      'end',
      'HTTP_PROTOCOL',
      undefined,
    ],
    [
      'a chunk size without end',
      `transfer-encoding: chunked\r\n\r\n${'f'.repeat(40)}\r\n`,
      'stay',
      'HTTP_PROTOCOL',
      undefined,
    ],
  ] as const)('that sends %s is found out', async (_, text, after, code, announced) => {
    const response = await answerOf(await sends(`${ok}${text}`, after));
    const failed = await response.bytes(99).catch((error) => error);
    expect(failed).toMatchObject({ code });
    if (code === 'HTTP_CUT') expect(failed.facts.announced).toBe(announced);
  });

  it('that sends more than it announced is not believed, and not listened to again', async () => {
    const server = await sends(
      `${ok}content-length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil`,
      'stay',
    );
    const http = client();
    expect((await (await ask(http, server.base)).bytes(9)).toString()).toBe('abc');
    expect((await (await ask(http, server.base)).bytes(9)).toString()).toBe('abc');
    expect(server.sockets).toHaveLength(2);
  });

  it('that ends a body without a length by closing is believed', async () => {
    const response = await answerOf(await sends(`${ok}\r\nabc`));
    expect((await response.bytes(9)).toString()).toBe('abc');
  });

  it('that sends a body without end is left at the limit', async () => {
    const server = await place(
      serveRaw((socket) => {
        socket.write(`${ok}transfer-encoding: chunked\r\n\r\n`);
        const more = (): void => {
          while (socket.writable && socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`));
          socket.once('drain', more);
        };
        more();
      }),
    );
    const closed = server.closed();
    const response = await answerOf(server);
    await expect(response.bytes(4 * 1024 * 1024)).rejects.toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' });
    await closed;
  });

  it.each([
    ['/a\r\n\tset-cookie: x', 'HTTP_P'],
    ['http://169.254.169.254/latest/', 'HTTP_P'],
    ['http://[::ffff:169.254.169.254]/', 'HTTP_P'],
    ['file:///etc/passwd', 'HTTP_REDIRECT'],
    ['/', 'HTTP_REDIRECT'],
  ])('that redirects to %j is refused', async (location, code) => {
    const server = await sends(`HTTP/1.1 302 Found\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`);
    await expect(ask(client(), `${server.base}/`)).rejects.toMatchObject({
      code: expect.stringContaining(code),
    });
    expect(server.sockets).toHaveLength(1);
  });
});

describe('the address of a name', () => {
  it('is checked when the connection is made: a name that turns private is refused', async () => {
    const server = await place(serveHttp((_, response) => response.end('secret')));
    const lookup = names({
      'cdn.example': ['127.0.0.1'],
      'mixed.example': ['93.184.216.34', '127.0.0.1'],
      'mapped.example': ['::ffff:127.0.0.1'],
      'home.example': ['127.0.0.1'],
      'meta.example': ['169.254.169.254'],
    });
    const plain = () => true;
    const http = client({ lookup }, { plain });
    for (const name of ['cdn.example', 'mixed.example', 'mapped.example']) {
      const asked = ask(http, `http://${name}:${server.port}/`, { home: 'r.example' });
      await expect(asked, name).rejects.toMatchObject({
        code: 'HTTP_PRIVATE_ADDRESS',
        facts: { kind: 'loopback' },
      });
    }
    expect(server.sockets).toHaveLength(0);
    const own = await ask(http, `http://home.example:${server.port}/`);
    expect((await own.bytes(9)).toString()).toBe('secret');
    const meta = ask(http, 'http://meta.example/');
    await expect(meta).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS', facts: { kind: 'link-local' } });
  });

  it('is checked for each rule anew: a connection for one home is not used for another', async () => {
    const server = await place(serveHttp((_, response) => response.end('secret')));
    const http = client({ lookup: names({ 'a.example': ['127.0.0.1'] }) }, { plain: () => true });
    await (await ask(http, `http://a.example:${server.port}/`)).bytes(9);
    const asked = ask(http, `http://a.example:${server.port}/`, { home: 'b.example' });
    await expect(asked).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
    expect(server.sockets).toHaveLength(1);
  });

  it('is the next one when the first does not answer', async () => {
    const server = await place(serveHttp((_, response) => response.end('x')));
    const http = client(
      { lookup: names({ 'a.example': ['127.0.0.2', '127.0.0.1'] }) },
      { plain: () => true },
    );
    expect((await (await ask(http, `http://a.example:${server.port}/`)).bytes(9)).toString()).toBe('x');
  });

  it('that is not found, or not in time, is told', async () => {
    const http = client({ lookup: names({}) }, { plain: () => true });
    await expect(ask(http, 'http://a.example/')).rejects.toMatchObject({
      code: 'HTTP_UNREACHABLE',
      facts: { why: 'not-found' },
    });
    const never = client({ lookup: () => {}, connectMs: 30 }, { plain: () => true });
    await expect(ask(never, 'http://a.example/')).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });
});

describe('a transport by itself', () => {
  const send = (url: string, more: object = {}) => {
    const transport = createUndiciTransport();
    ends.push(() => transport.close());
    const request = {
      method: 'GET' as const,
      headers: {},
      acceptAddress: () => true,
      insecure: false,
      ...more,
    };
    return transport.send({ ...request, url: new URL(url) });
  };

  it('asks whether an address is acceptable also when it stands in the URL', async () => {
    const server = await place(serveHttp((_, response) => response.end()));
    const refused = send(server.base, { acceptAddress: (address: string) => address !== '127.0.0.1' });
    await expect(refused).rejects.toMatchObject({ code: 'HTTP_PRIVATE_ADDRESS' });
    expect(server.sockets).toHaveLength(0);
  });

  it('keeps connections by another proxy, or with another care, apart', async () => {
    const server = await place(serveHttp((request, response) => response.end(request.url)));
    const proxy = await place(serveHttp((_, response) => response.end('by proxy')));
    const transport = createUndiciTransport();
    ends.push(() => transport.close());
    const acceptAddress = () => true;
    const read = async (more: object) => {
      const request = { method: 'GET' as const, url: new URL('/x', server.base), headers: {}, acceptAddress };
      const { body } = await transport.send({ ...request, insecure: false, ...more });
      return (await collect(body, 99)).toString();
    };
    expect(await read({})).toBe('/x');
    expect(await read({ proxy: proxy.base })).toBe('by proxy');
    expect(await read({ insecure: true })).toBe('/x');
    expect(await read({})).toBe('/x');
    expect(server.sockets).toHaveLength(2);
  });

  it('breaks connections that are being made when it is closed', async () => {
    const silent = await place(serveRaw(() => {}));
    const transport = createUndiciTransport();
    const request = { method: 'GET' as const, headers: {}, acceptAddress: () => true, insecure: false };
    const sent = transport.send({ ...request, url: new URL(`https://${silent.host}/`) });
    const failed = expect(sent).rejects.toThrow();
    while (silent.sockets.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const closed = silent.closed();
    await transport.close();
    await failed;
    await closed;
  });
});

describe('a proxy for plain HTTP', () => {
  it('gets the whole URL and its own password, and the server never does', async () => {
    const seen: unknown[] = [];
    const proxy = await place(
      serveHttp((request, response) => {
        seen.push([request.url, request.headers.host, request.headers['proxy-authorization']]);
        response.end('by proxy');
      }),
    );
    const http = client({}, { plain: () => true, proxies: { http: `http://user:p%40ss@${proxy.host}` } });
    const response = await ask(http, 'http://a.example/x?y=z');
    expect((await response.bytes(99)).toString()).toBe('by proxy');
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(seen).toEqual([['http://a.example/x?y=z', 'a.example', basic]]);
  });

  it('that wants a password is told from a server that does', async () => {
    const proxy = await place(serveHttp((_, response) => response.writeHead(407).end()));
    const http = client({}, { plain: () => true, proxies: { http: `http://${proxy.host}` } });
    await expect(ask(http, 'http://a.example/')).rejects.toMatchObject({
      code: 'HTTP_PROXY',
      facts: { proxy: proxy.host },
    });
  });

  it('that is not there is named', async () => {
    const http = client({}, { plain: () => true, proxies: { http: 'http://u:hunter2@127.0.0.1:1' } });
    const failed = await ask(http, 'http://a.example/').catch((error) => error);
    expect(failed).toMatchObject({
      code: 'HTTP_UNREACHABLE',
      facts: { proxy: '127.0.0.1:1', host: 'a.example' },
    });
    expect(`${failed.message} ${failed.hint}`).not.toContain('hunter2');
  });
});
