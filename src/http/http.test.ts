import { describe, expect, it } from 'vitest';
import { fakeClock, fakeTransport, networkError, reply, type Sent } from '../../test/support/http-doubles.ts';
import { createHttp } from './http.ts';
import type { HttpEvent, HttpOptions, HttpRequest, TransportResponse } from './types.ts';

/** A client over a function that answers. */
function setUp(
  answer: (sent: Sent, index: number) => TransportResponse | Promise<TransportResponse>,
  o: Partial<HttpOptions> = {},
) {
  const clock = fakeClock();
  const transport = fakeTransport(answer);
  const events: HttpEvent[] = [];
  const http = createHttp({
    userAgent: 'dobos/test',
    clock,
    transport,
    onEvent: (event) => events.push(event),
    ...o,
  });
  const ask = (url: string, more: Partial<HttpRequest> = {}) => http.request({ method: 'GET', url, ...more });
  return { clock, sent: transport.sent, events, http, ask };
}

/** Answers by URL; a string is a location to go to. */
const places = (map: Readonly<Record<string, string | TransportResponse>>) => (sent: Sent) => {
  const place = map[sent.url.href];
  if (place === undefined) return reply(404);
  return typeof place === 'string' ? reply(307, { location: place }) : place;
};
const secretHeaders = { authorization: 'Bearer hunter2', cookie: 'hunter2' };
const shownSecrets = (sent: readonly Sent[]) =>
  sent.filter(({ headers }) => JSON.stringify(headers).includes('hunter2')).map(({ url }) => url.href);

describe('secrets', () => {
  it('go to the origin that was asked, and nowhere else', async () => {
    const hops = {
      'https://r.example/1': 'https://r.example/2',
      'https://r.example/2': 'https://r.example:8443/3',
      'https://r.example:8443/3': 'https://cdn.example/4',
      'https://cdn.example/4': reply(200),
    };
    const { ask, sent } = setUp(places(hops));
    const response = await ask('https://r.example/1', { secretHeaders, headers: { accept: 'a/b' } });
    expect(response.url).toBe('https://cdn.example/4');
    expect(shownSecrets(sent)).toEqual(['https://r.example/1', 'https://r.example/2']);
    expect(sent.map(({ headers }) => headers.accept)).toEqual(['a/b', 'a/b', 'a/b', 'a/b']);
  });

  it('are not shown again when a foreign host leads back', async () => {
    const hops = {
      'https://r.example/1': 'https://evil.example/2',
      'https://evil.example/2': 'https://r.example/admin',
      'https://r.example/admin': reply(200),
    };
    const { ask, sent } = setUp(places(hops));
    await ask('https://r.example/1', { secretHeaders });
    expect(shownSecrets(sent)).toEqual(['https://r.example/1']);
  });

  it('in the URL become a header of that kind', async () => {
    const hops = { 'https://r.example/1': 'https://cdn.example/2', 'https://cdn.example/2': reply(200) };
    const { ask, sent } = setUp(places(hops));
    await ask('https://user:p%40ss@r.example/1#part');
    const basic = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    expect(sent.map(({ url, headers }) => [url.href, headers.authorization])).toEqual([
      ['https://r.example/1', basic],
      ['https://cdn.example/2', undefined],
    ]);
  });

  it('of TLS are found once per host, and a client certificate is shown to the origin that was asked only', async () => {
    const hops = {
      'https://r.example/1': 'https://cdn.example/2',
      'https://cdn.example/2': reply(200),
      'https://cdn.example/3': reply(200),
    };
    const asked: string[] = [];
    const { ask, sent } = setUp(places(hops), {
      tls: async (host) => {
        asked.push(host);
        return { ca: [`ca of ${host}`], cert: `cert of ${host}`, key: `key of ${host}` };
      },
    });
    await ask('https://r.example/1');
    await ask('https://r.example/1');
    await ask('https://cdn.example/3');
    expect(asked).toEqual(['r.example', 'cdn.example']);
    expect(sent.map(({ tls }) => [tls?.ca?.[0], tls?.key])).toEqual([
      ['ca of r.example', 'key of r.example'],
      ['ca of cdn.example', undefined],
      ['ca of r.example', 'key of r.example'],
      ['ca of cdn.example', undefined],
      ['ca of cdn.example', 'key of cdn.example'],
    ]);
    expect(sent[0]?.tls).toBe(sent[2]?.tls);
    expect(sent[1]?.tls).toBe(sent[3]?.tls);
  });

  it('stand in no error and no event', async () => {
    const { ask, events } = setUp(() => {
      throw networkError('ECONNRESET');
    });
    const failed = await ask('https://user:hunter2@r.example/x?sig=hunter2', { secretHeaders }).catch(
      (e) => e,
    );
    expect(failed).toMatchObject({ code: 'HTTP_UNREACHABLE' });
    expect(events).toHaveLength(4);
    expect(`${failed.message} ${failed.hint} ${JSON.stringify([failed.facts, events])}`).not.toContain(
      'hunter2',
    );
  });
});

describe('every hop', () => {
  it.each([
    ['http://169.254.169.254/latest/meta-data/', 'HTTP_DOWNGRADE'],
    ['https://169.254.169.254/latest/meta-data/', 'HTTP_PRIVATE_ADDRESS'],
    ['https://2852039166/', 'HTTP_PRIVATE_ADDRESS'],
    ['https://[::ffff:169.254.169.254]/', 'HTTP_PRIVATE_ADDRESS'],
    ['https://localhost:2375/containers/json', 'HTTP_PRIVATE_ADDRESS'],
    ['http://cdn.example/', 'HTTP_DOWNGRADE'],
    ['file:///etc/shadow', 'HTTP_REDIRECT'],
    ['https://u:p@cdn.example/', 'HTTP_REDIRECT'],
    ['https://r.example/1', 'HTTP_REDIRECT'],
  ])('to %s is refused before anything is sent', async (location, code) => {
    const { ask, sent } = setUp(places({ 'https://r.example/1': location }));
    await expect(ask('https://r.example/1', { secretHeaders })).rejects.toMatchObject({ code });
    expect(sent).toHaveLength(1);
  });

  it('is checked on behalf of the home, which may be another host than the first', async () => {
    const { ask, sent } = setUp(
      places({ 'https://r.example/1': 'https://10.0.0.5/2', 'https://10.0.0.5/2': reply(200) }),
    );
    await expect(ask('https://r.example/1', { home: '10.0.0.5:5000' })).resolves.toMatchObject({
      status: 200,
    });
    await expect(ask('https://10.0.0.6/realm', { home: '10.0.0.5:5000' })).rejects.toMatchObject({
      code: 'HTTP_PRIVATE_ADDRESS',
    });
    expect(sent.map(({ url, acceptAddress }) => [url.host, acceptAddress('10.9.9.9')])).toEqual([
      ['r.example', false],
      ['10.0.0.5', true],
    ]);
  });

  it('stops after ten', async () => {
    const { ask, sent } = setUp(({ url }) =>
      reply(302, { location: `/${Number(url.pathname.slice(1)) + 1}` }),
    );
    await expect(ask('https://r.example/0')).rejects.toMatchObject({ code: 'HTTP_REDIRECT' });
    expect(sent).toHaveLength(11);
  });

  it('chooses its own proxy, and is insecure only where that is meant', async () => {
    const hops = { 'https://r.example/1': 'https://cdn.example/2', 'https://cdn.example/2': reply(200) };
    const { ask, sent } = setUp(places(hops), {
      proxies: { https: 'http://proxy:1', none: 'r.example' },
      insecure: (host) => host === 'r.example',
    });
    await ask('https://r.example/1');
    expect(sent.map(({ insecure, proxy }) => [insecure, proxy])).toEqual([
      [true, undefined],
      [false, 'http://proxy:1/'],
    ]);
  });

  it('of a method that writes is led only within its origin, with its body', async () => {
    const body = Buffer.from('x');
    const hops = {
      'https://r.example/1': '/2',
      'https://r.example/2': reply(201),
      'https://r.example/3': 'https://cdn.example/',
    };
    const { ask, sent } = setUp(places(hops));
    await expect(ask('https://r.example/1', { method: 'PUT', body })).resolves.toMatchObject({ status: 201 });
    expect(sent.map(({ method, body: sentBody }) => [method, sentBody])).toEqual([
      ['PUT', body],
      ['PUT', body],
    ]);
    await expect(ask('https://r.example/3', { method: 'POST', body })).rejects.toMatchObject({
      code: 'HTTP_REDIRECT',
    });
  });

  it('asks for bytes as they are, whatever the caller says', async () => {
    const { ask, sent } = setUp(() => reply(200));
    await ask('https://r.example/', { headers: { 'accept-encoding': 'gzip', 'user-agent': 'other' } });
    expect(sent[0]?.headers).toEqual({ 'accept-encoding': 'identity', 'user-agent': 'other' });
  });

  it.each(['', 'nonsense', 'https://', 'ftp://r.example/'])('is a URL, which %j is not', async (url) => {
    await expect(setUp(() => reply(200)).ask(url)).rejects.toMatchObject({ code: 'HTTP_URL' });
  });
});

describe('another try', () => {
  const failing = (times: number, fail: () => TransportResponse) => (_: Sent, index: number) =>
    index < times ? fail() : reply(200, {}, 'done');

  it('follows a passing failure, and is told', async () => {
    const { ask, clock, events } = setUp(failing(2, () => reply(503, {}, 'busy')));
    const response = await ask('https://r.example/x?sig=abc');
    expect((await response.bytes(9)).toString()).toBe('done');
    expect(clock.slept).toEqual([1000, 2000]);
    const url = 'https://r.example/x?sig=…';
    expect(events).toEqual([
      { kind: 'retry', url, attempt: 1, waitMs: 1000, why: '503 Service Unavailable' },
      { kind: 'retry', url, attempt: 2, waitMs: 2000, why: '503 Service Unavailable' },
    ]);
  });

  it('ends with the last answer, or with the last failure', async () => {
    const busy = setUp(() => reply(503, {}, 'busy'));
    const response = await busy.ask('https://r.example/');
    expect([response.status, (await response.bytes(9)).toString()]).toEqual([503, 'busy']);
    expect(busy.sent).toHaveLength(5);
    const broken = setUp(() => {
      throw networkError('ECONNRESET');
    });
    await expect(broken.ask('https://r.example/')).rejects.toMatchObject({
      code: 'HTTP_UNREACHABLE',
      facts: { why: 'reset' },
    });
    expect(broken.sent).toHaveLength(5);
  });

  it('is made only of GET and HEAD, and not when it is not wanted', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const { ask, sent } = setUp(() => reply(503));
      expect((await ask('https://r.example/', { method })).status).toBe(503);
      expect(sent).toHaveLength(1);
    }
    const { ask, sent } = setUp(() => reply(503));
    expect((await ask('https://r.example/', { retry: false })).status).toBe(503);
    expect(sent).toHaveLength(1);
    const head = setUp(failing(1, () => reply(503)));
    expect((await head.ask('https://r.example/', { method: 'HEAD' })).status).toBe(200);
  });

  it('waits as long as the server asks, and everybody else for that origin with it', async () => {
    const { ask, clock, sent } = setUp((_, index) =>
      index === 0 ? reply(429, { 'retry-after': '20' }) : reply(200),
    );
    await Promise.all([
      ask('https://r.example/1'),
      ask('https://r.example/2'),
      ask('https://other.example/'),
    ]);
    const before = clock.slept.length;
    expect(sent.slice(0, 3).map(({ url }) => url.href)).toContain('https://other.example/');
    expect(clock.slept).toContain(21_000);
    await ask('https://r.example/3');
    expect(clock.slept).toHaveLength(before);
  });

  it('keeps requests back that start while the origin wants quiet', async () => {
    const { ask, clock } = setUp((_, index) =>
      index === 0 ? reply(429, { 'retry-after': '20' }) : reply(200),
    );
    await ask('https://r.example/1', { method: 'POST' });
    await ask('https://r.example/2');
    expect(clock.slept).toEqual([20_000]);
  });

  it('is given up when the server asks for too long, and how long is told', async () => {
    const { ask, sent } = setUp(() => reply(429, { 'retry-after': '3600' }));
    const response = await ask('https://r.example/');
    expect([response.status, response.retryAfterMs, sent.length]).toEqual([429, 3_600_000, 1]);
  });

  it('leaves the body of the failed answer, as a redirect does', async () => {
    let left = 0;
    const body = () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: Buffer.alloc(1) }),
        return: async () => {
          left++;
          return { done: true as const, value: undefined };
        },
      }),
    });
    const { ask } = setUp((_, index) => (index < 2 ? reply(500, {}, body()) : reply(200)));
    await ask('https://r.example/');
    expect(left).toBe(2);
    const led = setUp((_, index) => (index < 1 ? reply(302, { location: '/2' }, body()) : reply(200)));
    await led.ask('https://r.example/');
    expect(left).toBeGreaterThan(2);
  });

  it('is not made after an abort, whose reason is thrown', async () => {
    const stop = new AbortController();
    const { http, sent } = setUp(() => {
      stop.abort(new Error('enough'));
      throw networkError('ECONNRESET');
    });
    const asked = http.request({ method: 'GET', url: 'https://r.example/' }, { signal: stop.signal });
    await expect(asked).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });
});

describe('an origin', () => {
  it('has at most six requests that wait for an answer', async () => {
    let waiting = 0;
    let most = 0;
    const { ask } = setUp(async () => {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setImmediate(resolve));
      waiting--;
      return reply(200);
    });
    await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`https://r.example/${i}`)));
    expect(most).toBe(6);
  });
});

describe('warnings', () => {
  it('are told once, also those of redirects', async () => {
    const { ask, events } = setUp(({ url }) =>
      url.pathname === '/1'
        ? reply(302, { location: '/2', warning: '299 - "moved"' })
        : reply(200, { Warning: ['299 - "old"', '299 - "older"'] }),
    );
    await ask('https://r.example/1');
    await ask('https://r.example/1');
    expect(events.map((event) => event.kind === 'warning' && event.text)).toEqual(['moved', 'old', 'older']);
  });
});
