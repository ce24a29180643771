import { afterEach, describe, expect, it } from 'vitest';
import { type Place, serveHttp, serveRaw } from '../../test/support/http-doubles.ts';
import { createHttp } from './http.ts';
import type { Http, SentBody } from './types.ts';
import { createUndiciTransport } from './undici-transport.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});
const kept = <T extends { close(): Promise<void> }>(each: T): T => {
  open.push(each);
  return each;
};
const client = (o: Parameters<typeof createUndiciTransport>[0] = {}): Http =>
  kept(createHttp({ userAgent: 'test', transport: createUndiciTransport(o) }));

/** So many bytes in pieces of 1 MiB; how often it was opened. */
function body(size: number): SentBody & { opened: number } {
  return {
    size,
    opened: 0,
    async *open() {
      this.opened++;
      for (let at = 0; at < size; at += 1 << 20) yield Buffer.alloc(Math.min(1 << 20, size - at), 7);
    },
  };
}

/** Counts what comes, then answers. */
const sink = (): Promise<Place & { readonly got: { length?: string | undefined; bytes: number }[] }> => {
  const got: { length?: string | undefined; bytes: number }[] = [];
  return serveHttp(async (request, response) => {
    const one = { length: request.headers['content-length'], bytes: 0 };
    got.push(one);
    if (request.url === '/first') return void response.writeHead(307, { location: '/second' }).end();
    for await (const part of request) one.bytes += (part as Buffer).length;
    response.writeHead(201).end();
  }).then((place) => Object.assign(place, { got }));
};

describe('a body that is sent as it comes', () => {
  it('has its length, and none of it is kept', async () => {
    const place = kept(await sink());
    const answer = await client().request({ method: 'PUT', url: place.base, body: body(10_000_000) });
    expect(answer.status).toBe(201);
    expect(place.got).toEqual([{ length: '10000000', bytes: 10_000_000 }]);
  });

  it('is made again where a redirect within the origin leads', async () => {
    const place = kept(await sink());
    const sent = body(1000);
    const answer = await client().request({ method: 'PUT', url: `${place.base}/first`, body: sent });
    expect([answer.status, sent.opened]).toEqual([201, 2]);
    expect(place.got.at(-1)?.bytes).toBe(1000);
  });

  it('whose source fails fails as that does, and the server gets no whole body', async () => {
    const place = kept(await sink());
    const broken: SentBody = {
      size: 10_000_000,
      async *open() {
        yield Buffer.alloc(1000);
        throw new Error('the disk is gone');
      },
    };
    await expect(client().request({ method: 'PUT', url: place.base, body: broken })).rejects.toThrow(
      'the disk is gone',
    );
  });

  it('that nobody takes runs out of time; a slow source does not', async () => {
    const deaf = kept(await serveRaw((socket) => void socket.pause()));
    const error = await client({ sendMs: 150 })
      .request({ method: 'PUT', url: deaf.base, body: body(50_000_000) })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'HTTP_TIMEOUT',
      message: expect.stringContaining('to take more of a body'),
    });
    const place = kept(await sink());
    const slow: SentBody = {
      size: 20,
      async *open() {
        yield Buffer.alloc(10);
        await new Promise((resume) => setTimeout(resume, 1500));
        yield Buffer.alloc(10);
      },
    };
    expect(
      (await client({ sendMs: 1000 }).request({ method: 'PUT', url: place.base, body: slow })).status,
    ).toBe(201);
  });

  it('may be checked for longer than others are answered', async () => {
    const place = kept(
      await serveHttp((request, response) => {
        request.resume();
        setTimeout(() => response.writeHead(201).end(), 300);
      }),
    );
    const http = client({ headersMs: 100, slowHeadersMs: 5000 });
    const request = { method: 'PUT', url: place.base, body: body(10) } as const;
    expect((await http.request({ ...request, slowAnswer: true })).status).toBe(201);
    await expect(http.request(request)).rejects.toMatchObject({ code: 'HTTP_TIMEOUT' });
  });

  it.each([true, undefined])('is made again after a failure only where that was said: %s', async (retry) => {
    let left = 1;
    const place = kept(
      await serveHttp((request, response) => {
        request.resume();
        response.writeHead(left-- > 0 ? 503 : 201).end();
      }),
    );
    const clock = { now: Date.now, random: () => 0, sleep: async () => {} };
    const http = kept(createHttp({ userAgent: 'test', clock }));
    const answer = await http.request({ method: 'PUT', url: place.base, body: body(10), retry });
    expect(answer.status).toBe(retry === true ? 201 : 503);
  });
});
