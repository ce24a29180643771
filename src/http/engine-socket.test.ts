import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect } from '../base/bytes.ts';
import { getFromEngine } from './engine-socket.ts';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-engine-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((done) => (server === undefined ? done(undefined) : server.close(done)));
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function serve(answer: RequestListener, where: 'tcp' | 'unix' = 'tcp'): Promise<string> {
  const made = createServer(answer);
  server = made;
  const socket = join(folder, 's');
  await new Promise<void>(
    (done) => void (where === 'unix' ? made.listen(socket, done) : made.listen(0, '127.0.0.1', done)),
  );
  return where === 'unix' ? `unix://${socket}` : `tcp://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

const settings = (host: string | undefined) => ({ host, verify: false, certificates: folder });
const get = async (host: string, signal?: AbortSignal): Promise<string> =>
  (await collect(await getFromEngine(settings(host), '/images/app%3A1/get', { signal }), 1 << 20)).toString();

describe('a Docker engine', () => {
  it.each(['tcp', 'unix'] as const)('gives what it has over %s', async (where) => {
    const host = await serve(({ url }, response) => response.end(`body of ${url}`), where);
    expect(await get(host)).toBe('body of /images/app%3A1/get');
  });

  it.each([
    [404, '{"message":"No such image: app"}', 'says 404: No such image: app'],
    [500, 'not JSON', 'says 500: and no reason that can be read'],
    [400, 'x'.repeat(200_000), 'says 400: and no reason that can be read'],
    [302, '', 'says 302: and no reason that can be read'],
  ])('that answers %d is told with its reason', async (status, body, told) => {
    const host = await serve((_, response) => response.writeHead(status).end(body));
    await expect(get(host)).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
      message: expect.stringContaining(told),
    });
  });

  it('whose connection breaks in the middle is an error, not an end', async () => {
    const host = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    });
    await expect(get(host)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  it('is left when the signal comes', async () => {
    const abort = new AbortController();
    const host = await serve(() => abort.abort(new Error('stop')));
    await expect(get(host, abort.signal)).rejects.toThrow('stop');
  });

  it.each([
    ...['ssh://host', 'npipe:////./pipe/x', 'host:2375', 'tcp://', 'tcp://host/path/to'],
    ...['tcp://host:99999', 'tcp://host:0', 'tcp://host:', 'tcp://host:a', 'tcp://[::1'],
  ])('is not looked for at %s', async (host) => {
    await expect(get(host)).rejects.toMatchObject({ code: 'ENGINE_HOST' });
  });

  it('is looked for at the port that is written, also if that is usual for something else', async () => {
    const refused = await get('tcp://127.0.0.1:80').catch((error: Error) => error);
    expect(refused).toMatchObject({ message: expect.stringContaining('tcp://127.0.0.1:80') });
    // Unless somebody answers there.
    if ((refused as { code?: string }).code === 'ENGINE_UNREACHABLE')
      expect(refused).toMatchObject({ cause: { port: 80 } });
  });

  it('has no users: no password of one is printed', async () => {
    const refused = await get('tcp://me:secret@host:2375').catch((error: Error) => error);
    expect(refused).toMatchObject({
      code: 'ENGINE_HOST',
      message: expect.stringContaining('tcp://…@host:2375'),
    });
    expect(String(refused)).not.toContain('secret');
  });

  it('with TLS wants the certificates, and says which is missing', async () => {
    const wanted = getFromEngine({ host: 'tcp://127.0.0.1:1', verify: true, certificates: folder }, '/');
    await expect(wanted).rejects.toMatchObject({
      code: 'ENGINE_CERTIFICATE',
      message: `cannot read ${join(folder, 'ca.pem')}: there is no such file`,
    });
  });
});
