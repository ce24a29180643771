import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  describeTop,
  dir,
  file,
  makeBase,
  makeFolder,
  topLayer,
} from '../../../test/support/build.ts';
import { tarOf } from '../../../test/support/images.ts';
import { collect } from '../../base/bytes.ts';
import { isDobosError } from '../../base/errors.ts';
import { createHttp } from '../../http/http.ts';
import type { Http } from '../../http/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { DOWNLOAD, fetchUrl } from './fetch-url.ts';

const MODIFIED = 'Tue, 14 Jul 2020 02:40:00 GMT';
const MODIFIED_SECONDS = 1_594_694_400;

describe('ADD of a URL', () => {
  let store: LocalStore;
  let http: Http;
  let server: Server;
  let at: string;
  /** What is answered by path; requests as `METHOD path validator`. */
  let pages: Map<string, (request: IncomingMessage, response: ServerResponse) => void>;
  let asked: string[];
  beforeEach(async () => {
    store = createMemoryStore();
    pages = new Map();
    asked = [];
    server = createServer((request, response) => {
      const validator = request.headers['if-none-match'] ?? request.headers['if-modified-since'] ?? '';
      asked.push(`${request.method} ${request.url} ${validator}`.trim());
      const page = pages.get(request.url ?? '');
      if (page === undefined) response.writeHead(404).end('no such page');
      else page(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    http = createHttp({ userAgent: 'dobos/test' });
  });
  afterEach(async () => {
    await http.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const page = (
    path: string,
    body: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
  ): void => {
    pages.set(path, (request, response) => {
      const same =
        (headers.etag !== undefined && request.headers['if-none-match'] === headers.etag) ||
        (headers['last-modified'] !== undefined &&
          request.headers['if-modified-since'] === headers['last-modified']);
      if (same) response.writeHead(304).end();
      else response.writeHead(200, headers).end(body);
    });
  };
  const built = (lines: string, more: Parameters<typeof build>[2] = {}) =>
    build(store, `FROM scratch\n${lines}\n`, { http: async () => http, ...more });
  const add = async (lines: string, more: Parameters<typeof build>[2] = {}): Promise<string> => {
    try {
      return (await describeTop(store, (await built(lines, more)).image)).join(', ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return `${error.code} ${error.message.replaceAll(at, 'AT')}`;
    }
  };
  const digest = (algorithm: string, text: string): string =>
    `${algorithm}:${createHash(algorithm).update(text).digest('hex')}`;

  it('is a file of root alone, as old as the server says', async () => {
    page('/d/file.txt', 'text', { 'last-modified': MODIFIED });
    const { image } = await built(`ADD ${at}/d/file.txt /x/`);
    expect(await describeTop(store, image)).toEqual(['x/ 755 0:0', 'x/file.txt 600 0:0']);
    const entry = (await topLayer(store, image)).get('x/file.txt');
    expect(entry?.mtime.seconds).toBe(MODIFIED_SECONDS);
    expect(entry?.contentDigest).toBe(digest('sha256', 'text'));
  });

  it('is as old as 1970 if the server does not say, or as SOURCE_DATE_EPOCH if that is earlier', async () => {
    page('/new', 'text');
    page('/old', 'text', { 'last-modified': MODIFIED });
    const timeOf = async (name: string, epoch?: number) => {
      const { image } = await built(`ADD ${at}/${name} /x`, { epoch });
      return (await topLayer(store, image)).get('x')?.mtime.seconds;
    };
    expect([await timeOf('new'), await timeOf('new', 7), await timeOf('old', 7)]).toEqual([0, 0, 7]);
  });

  it.each<[string, string]>([
    ['ADD AT/d/f /x', 'x 600 0:0'],
    ['ADD AT/d/f /x/', 'x/ 755 0:0, x/f 600 0:0'],
    ['ADD AT/d/f?q=1#part /x/', 'x/ 755 0:0, x/f 600 0:0'],
    ['ADD AT /x/', 'x/ 755 0:0, x/__unnamed__ 600 0:0'],
    ['ADD AT/d/ /x/', 'x/ 755 0:0, x/d 600 0:0'],
    ['ADD AT/a%20b%2fc /x/', 'x/ 755 0:0, x/c 600 0:0'],
    ['ADD --chmod=u=rw,go=r --chown=5:6 AT/d/f /x/', 'x/ 755 5:6, x/f 644 5:6'],
    ['ADD --link AT/d/f /x/', 'x/ 755 0:0, x/f 600 0:0'],
    ['ADD AT/d/f AT/d/g /x/', 'x/ 755 0:0, x/f 600 0:0, x/g 600 0:0'],
    [
      'ADD AT/d/f AT/d/g /x',
      'BUILD_DEST_NEEDS_SLASH 2 sources copied to "/x": with several sources the destination must be a directory and end in /',
    ],
    ['ADD AT/none /x', 'BUILD_DOWNLOAD ADD AT/none failed: the server answers with status 404, want 200'],
    [
      'ADD ftp://127.0.0.1/x /x',
      'PLAN_INVALID ADD cannot fetch "ftp://127.0.0.1/x": its scheme is ftp, want http or https',
    ],
    ['ADD http://[ /x', 'PLAN_INVALID ADD cannot fetch "http://[": it cannot be parsed as a URL'],
    ['COPY AT/d/f /x', "PLAN_INVALID source can't be a URL for COPY"],
  ])('%s', async (line, want) => {
    for (const path of ['/d/f', '/d/g', '/d/f?q=1', '/', '/d/', '/a%20b%2fc']) page(path, 'text');
    expect(await add(line.replaceAll('AT', at))).toBe(want);
  });

  it('goes beside files of the context, and into a folder that the image has', async () => {
    page('/f', 'text');
    const folder = makeFolder({ mine: 'x' });
    const base = await makeBase(store, [dir('opt', { mode: 0o700 }), file('opt/f', 'old')]);
    try {
      const { image } = await build(store, `FROM base\nADD mine ${at}/f /opt\n`, {
        base,
        http: async () => http,
        contextFolder: folder.path,
      });
      expect(await describeTop(store, image)).toEqual(['opt/ 700 0:0', 'opt/f 600 0:0', 'opt/mine 644 0:0']);
    } finally {
      folder.remove();
    }
  });

  it('is unpacked only with --unpack', async () => {
    page('/a.tgz', gzipSync(tarOf([['inside', 'x']])));
    expect(await add(`ADD ${at}/a.tgz /x/`)).toBe('x/ 755 0:0, x/a.tgz 600 0:0');
    expect(await add(`ADD --unpack=true ${at}/a.tgz /x`)).toMatch(/^x\/ 755 0:0, x\/inside \d+ 0:0$/);
    page('/plain', 'x');
    expect(await add(`ADD --unpack ${at}/plain /x`)).toBe('x 600 0:0');
  });

  it('asks whether the file is still the same, and runs again only when it is not', async () => {
    page('/f', 'one', { etag: '"1"', 'last-modified': MODIFIED });
    const cached = async (more = {}) => (await built(`ADD ${at}/f /x`, more)).steps.at(-1)?.cached;
    expect([await cached(), await cached()]).toEqual([false, true]);
    page('/f', 'one', { etag: '"2"' });
    expect(await cached()).toBe(true);
    page('/f', 'two', { 'last-modified': MODIFIED });
    expect([await cached(), await cached()]).toEqual([false, true]);
    expect(await cached({ useCache: false })).toBe(false);
    expect(asked).toEqual([
      'GET /f',
      'GET /f "1"',
      'GET /f "1"',
      'GET /f "2"',
      `GET /f ${MODIFIED}`,
      'GET /f',
    ]);
  });

  it('holds the file to its --checksum', async () => {
    page('/f', 'text', { etag: '"1"' });
    const with_ = (checksum: string) => add(`ADD --checksum=${checksum} ${at}/f /x`);
    expect(await with_(digest('sha512', 'other'))).toBe(
      `BUILD_CHECKSUM ADD AT/f failed: digest mismatch ${digest('sha512', 'text')}: ${digest('sha512', 'other')}`,
    );
    // What was refused is not kept.
    for await (const root of store.roots.list(DOWNLOAD)) throw new Error(`${root.id} is kept`);
    for (const algorithm of ['sha512', 'sha384', 'sha256'])
      expect(await with_(digest(algorithm, 'text'))).toBe('x 600 0:0');
    expect(await with_(digest('sha384', 'other'))).toMatch(/^BUILD_CHECKSUM /);
  });

  it('asks nobody for a file that --checksum names and that is there', async () => {
    page('/f', 'text');
    const line = `ADD --checksum=${digest('sha256', 'text')} ${at}/f /x`;
    await built(line);
    await built(line);
    expect(asked).toEqual(['GET /f']);
  });

  it.each([
    [
      'ADD --checksum=sha256:00 AT/f /x',
      'ADD cannot fetch "AT/f": its --checksum is "sha256:00", want sha256:, sha384: or sha512: and hexadecimal digits',
    ],
    ['ADD --checksum=sha256:00 f /x', 'checksum requires HTTP(S) or Git sources'],
    [
      `ADD --checksum=sha256:${'0'.repeat(64)} AT/f g /x/`,
      "checksum can't be specified for multiple sources",
    ],
    ['ADD --keep-git-dir AT/f /x', '--keep-git-dir is for git repositories, and no source is one'],
  ])('%s is an error before anything runs', async (line, want) => {
    expect(await add(line.replaceAll('AT', at))).toBe(`PLAN_INVALID ${want}`);
    expect(asked).toEqual([]);
  });

  it('shows no password and no query in errors, and sends the password', async () => {
    const url = at.replace('//', '//ada:secret@');
    pages.set('/f?token=secret', (request, response) => {
      response.writeHead(request.headers.authorization === `Basic ${btoa('ada:secret')}` ? 403 : 500).end();
    });
    expect(await add(`ADD ${url}/f?token=secret /x`)).toBe(
      'BUILD_DOWNLOAD ADD AT/f?token=… failed: the server answers with status 403, want 200',
    );
  });

  it('follows a redirect and keeps the name of the first address', async () => {
    page('/real', 'text');
    pages.set('/f', (_, response) => void response.writeHead(302, { location: '/real' }).end());
    expect(await add(`ADD ${at}/f /x/`)).toBe('x/ 755 0:0, x/f 600 0:0');
  });

  it('ends when more comes than is accepted, and keeps nothing of it', async () => {
    page('/f', 'x'.repeat(100));
    const writing = <T>(work: () => Promise<T>): Promise<T> => work();
    const tools = { store, http: async () => http, useCache: true, now: Date.now, writing, maxBytes: 99 };
    const url = `${at}/f`;
    const source = { kind: 'url', url, name: 'f' } as const;
    await expect(fetchUrl(source, tools)).rejects.toMatchObject({ code: 'BUILD_DOWNLOAD_SIZE' });
    const { blob } = await fetchUrl(source, { ...tools, maxBytes: 100 });
    expect((await collect(store.open(blob), 100)).length).toBe(100);
  });

  it('says so when nothing can fetch', async () => {
    expect(await add(`ADD ${at}/f /x`, { http: undefined })).toMatch(/^BUILD_NO_NETWORK /);
  });

  it('shows a token to the host that it is for, never to where that leads, and keeps nothing of it', async () => {
    const host = new URL(at).host;
    const seen: string[] = [];
    const other = createServer((request, response) => {
      seen.push(`other ${request.headers.authorization}`);
      response.end('led away');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const away = `http://127.0.0.1:${(other.address() as AddressInfo).port}/f`;
    const tell = (request: IncomingMessage): number =>
      seen.push(`${request.url} ${request.headers.authorization}`);
    pages.set('/private', (request, response) => {
      tell(request);
      if (request.headers.authorization !== 'Bearer t0ken') response.writeHead(401).end();
      else response.writeHead(200, { etag: '"1"' }).end('private');
    });
    pages.set('/near', (request, response) => {
      tell(request);
      response.writeHead(302, { location: '/private' }).end();
    });
    pages.set('/away', (request, response) => {
      tell(request);
      response.writeHead(302, { location: away }).end();
    });
    const ids = {
      secrets: new Map([[`HTTP_AUTH_TOKEN_${host}`, Buffer.from('t0ken\n')]]),
      agents: new Map(),
    };
    try {
      expect(await add(`ADD ${at}/near /f`, { secrets: ids })).toBe('f 600 0:0');
      expect(await add(`ADD ${at}/away /f`, { secrets: ids })).toBe('f 600 0:0');
      expect(seen).toEqual([
        '/near Bearer t0ken',
        '/private Bearer t0ken',
        '/away Bearer t0ken',
        'other undefined',
      ]);
      expect(await add(`ADD ${at}/private /f`)).toBe(
        'BUILD_DOWNLOAD ADD AT/private failed: the server answers with status 401, want 200',
      );
      const { events, ...rest } = await built(`ADD ${at}/private /f`, { secrets: ids });
      expect(JSON.stringify([events, rest.steps, rest.image.config])).not.toContain('t0ken');
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });
});
