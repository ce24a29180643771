import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp } from './http.ts';
import type { Http } from './types.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(): Http {
  const http = createHttp({ userAgent: 'dobos/test' });
  ends.unshift(() => http.close());
  return http;
}

describe('a client', () => {
  it('follows a redirect within the origin and keeps its secrets there', async () => {
    const base = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(302, { location: '/b#part' }).end();
      else response.end(`${request.url} ${request.headers.authorization}`);
    });
    const response = await client().request({
      method: 'GET',
      url: `${base}/a`,
      secretHeaders: { authorization: 'Bearer x' },
    });
    expect(response.url).toBe(`${base}/b`);
    expect((await response.bytes(100)).toString()).toBe('/b Bearer x');
  });

  it('says so when nobody listens', async () => {
    const asked = client().request({ method: 'GET', url: 'http://127.0.0.1:1/', retry: false });
    await expect(asked).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE', facts: { why: 'refused' } });
  });
});
