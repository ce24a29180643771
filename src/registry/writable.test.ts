import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type PushServer, type PushServerOptions, servePushes } from '../../test/support/push-server.ts';
import { fail } from '../../test/support/registry-server.ts';
import { sha256, streamOf } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { createHttp } from '../http/http.ts';
import type { Descriptor } from '../oci/types.ts';
import { BLOB, describeBytes, expectCode, INDEX, putImage, toArray } from '../store/contract-fixtures.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createRegistry } from './registry.ts';
import type { Credential, RegistryEvent, WritableOptions, WritableRepository } from './types.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Never waits. */
const clock = { now: () => 1_700_000_000_000, random: () => 0.5, sleep: async () => {} };
const MB = 1024 * 1024;

interface World {
  readonly server: PushServer;
  readonly to: WritableRepository;
  readonly events: readonly RegistryEvent[];
  /** Requests in words: `PATCH upload-1`. */
  asked(): string[];
}

async function world(
  o: PushServerOptions = {},
  more: { readonly credential?: Credential; readonly writable?: WritableOptions } = {},
): Promise<World> {
  const server = await servePushes(o);
  open.push(() => server.close());
  const http = createHttp({ userAgent: 'test', clock });
  open.push(() => http.close());
  const events: RegistryEvent[] = [];
  const registry = createRegistry({
    http,
    clock,
    credentials: {
      find: async (host) => ({ credential: host === server.host ? more.credential : undefined }),
    },
    endpoints: {
      find: async (host, repository) => [
        { base: 'http://127.0.0.1:1', repository, mirror: true },
        { base: `http://${host}`, repository, mirror: false },
      ],
    },
    onEvent: (event) => events.push(event),
  });
  return {
    server,
    events,
    to: registry.writable(server.host, 'team/app', more.writable),
    asked: () =>
      server.seen.map(
        ({ method, url }) =>
          `${method} ${url.replace(/^\/v2\/team\/app\/(?:blobs\/uploads\/)?/, '').replace(/\?.*/, '')}`,
      ),
  };
}

const noise = (size: number): { readonly blob: Descriptor; readonly bytes: Buffer } => {
  const bytes = randomBytes(size);
  return { bytes, blob: { mediaType: BLOB, digest: sha256(bytes), size } };
};
const from = (bytes: Buffer) => (offset: number) => pieces(bytes.subarray(offset));
async function* pieces(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

describe('a blob', () => {
  it('that is small is looked for, and sent with the request that ends its upload', async () => {
    const { to, server, asked } = await world();
    const { blob, bytes } = noise(1000);
    await to.put(blob, from(bytes));
    expect(asked()).toEqual([`HEAD blobs/${blob.digest}`, 'POST ', 'PUT upload-1']);
    expect(server.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    // What the address had is kept, and the digest stands behind it.
    expect(server.seen.at(-1)?.url).toContain(`?_state=at-0&digest=sha256%3A`);
    await to.put(blob, from(bytes));
    expect(asked()).toHaveLength(3);
  });

  it('that is large is a stream of its own, then the upload ends', async () => {
    const { to, server, asked } = await world();
    const { blob, bytes } = noise(9 * MB);
    await to.put(blob, from(bytes));
    expect(asked().slice(1)).toEqual(['POST ', 'PATCH upload-1', 'PUT upload-1']);
    expect(server.seen.find(({ method }) => method === 'PATCH')).toMatchObject({
      bytes: 9 * MB,
      headers: { 'content-length': String(9 * MB) },
    });
    expect(server.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
  });

  it('of no bytes at all is sent too', async () => {
    const { to, server } = await world();
    const blob = describeBytes('');
    await to.put(blob, from(Buffer.alloc(0)));
    expect(server.blobs.has(blob.digest)).toBe(true);
  });

  it('that is there is neither sent nor read', async () => {
    const { to, server, asked } = await world();
    const { blob, bytes } = noise(1000);
    server.blobs.set(blob.digest, bytes);
    await to.put(blob, () => {
      throw new Error('read');
    });
    expect(asked()).toEqual([`HEAD blobs/${blob.digest}`]);
  });

  it('that the registry has elsewhere is there, also where only its bytes may be asked for', async () => {
    const store = await servePushes({
      before: (_, response) => {
        fail(response, 403, 'SignatureDoesNotMatch', '');
        return true;
      },
    });
    open.push(() => store.close());
    const { to, asked } = await world({
      before: ({ method, url }, response) => {
        if (method !== 'HEAD') return false;
        response.writeHead(307, { location: `http://${store.host}${url}` }).end();
        return true;
      },
    });
    const { blob, bytes } = noise(1000);
    await to.put(blob, from(bytes));
    expect(asked()).toHaveLength(1);
  });

  it('whose connection breaks again and again goes on where the registry is', async () => {
    let left = 3;
    const { to, server, events } = await world({
      cut: ({ method }, length) => (method === 'PATCH' && left-- > 0 ? Math.floor(length / 2) : undefined),
    });
    const { blob, bytes } = noise(40 * MB);
    await to.put(blob, from(bytes));
    expect(server.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    const patched = server.seen.filter(({ method }) => method === 'PATCH');
    expect(patched.map((each) => Math.round(each.bytes / MB))).toEqual([20, 10, 5, 5]);
    expect(patched[1]?.headers['content-range']).toBe(`${20 * MB}-${40 * MB - 1}`);
    expect(events.map((event) => event.kind === 'resumed' && Math.round(event.offset / MB))).toEqual([
      20, 30, 35,
    ]);
  });

  it('that the registry has forgotten is begun again', async () => {
    let first = true;
    const { to, server, asked } = await world({
      cut: ({ method }) => (method === 'PATCH' && first ? 5 * MB : undefined),
      before: ({ method, url = '' }, response) => {
        if (method !== 'GET' || !url.includes('upload-1')) return false;
        first = false;
        fail(response, 404, 'BLOB_UPLOAD_INVALID', 'blob upload invalid');
        return true;
      },
    });
    const { blob, bytes } = noise(9 * MB);
    await to.put(blob, from(bytes));
    expect(server.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    // Whether it was all sent, and so worth a look for the blob, is a matter of what connections hold.
    expect(asked().filter((each) => !each.startsWith('HEAD'))).toEqual([
      ...['POST ', 'PATCH upload-1', 'GET upload-1', 'DELETE upload-1'],
      ...['POST ', 'PATCH upload-2', 'PUT upload-2'],
    ]);
  });

  it('whose last answer was lost is found, and not sent again', async () => {
    const lost = { once: true };
    const { to, server, asked } = await world({
      before: ({ method, socket }, _, { url }) => {
        if (method !== 'PUT' || !lost.once) return false;
        lost.once = false;
        server.blobs.set(new URL(url, 'http://x').searchParams.get('digest')!, bytes);
        socket.destroy();
        return true;
      },
    });
    const { blob, bytes } = noise(1000);
    await to.put(blob, from(bytes));
    expect(asked().filter((each) => each.startsWith('PUT'))).toHaveLength(1);
  });

  it('that never gets through ends with an error, after a bounded number of tries', async () => {
    const { to, asked } = await world({ cut: ({ method }) => (method === 'PATCH' ? 1000 : undefined) });
    const { blob, bytes } = noise(9 * MB);
    await expectCode(to.put(blob, from(bytes)), 'REGISTRY_UPLOAD_CUT');
    expect(asked().filter((each) => each.startsWith('PATCH')).length).toBeLessThan(10);
    expect(asked().at(-1)).toMatch(/^DELETE/);
  });

  it.each([1000, 9 * MB])('of %d bytes that is not what its digest says never gets there', async (size) => {
    const { to, server, asked } = await world();
    const { blob } = noise(size);
    await expectCode(to.put(blob, from(randomBytes(size))), 'BYTES_MISMATCH');
    await expectCode(to.put(blob, from(randomBytes(size - 1))), 'BYTES_MISMATCH');
    await expectCode(to.put(blob, from(randomBytes(size + 1))), 'BYTES_MISMATCH');
    expect(server.blobs.size).toBe(0);
    expect(asked().at(-1)).toMatch(/^DELETE/);
  });

  it('from a stream that cannot be read again fails when it is cut', async () => {
    const { to } = await world({ cut: ({ method }) => (method === 'PATCH' ? 5 * MB : undefined) });
    const { blob, bytes } = noise(9 * MB);
    await expectCode(to.put(blob, streamOf(bytes)), 'HTTP_UNREACHABLE');
  });

  it('that is given up in the middle is taken back', async () => {
    const stop = new AbortController();
    const { to, asked, server } = await world();
    const { blob, bytes } = noise(9 * MB);
    const halting = async function* () {
      yield bytes.subarray(0, MB);
      stop.abort(new Error('enough'));
      yield bytes.subarray(MB);
    };
    await expect(to.put(blob, () => halting(), { signal: stop.signal })).rejects.toThrow('enough');
    expect(asked().at(-1)).toBe('DELETE upload-1');
    expect(server.blobs.size).toBe(0);
  });
});

describe('a blob that another repository has', () => {
  const sources = async () => ['team/base', 'team/app'];
  it('is mounted from there', async () => {
    const mounted: string[] = [];
    const onMounted = (_: string, where: string): unknown => mounted.push(where);
    const { to, server, asked } = await world({ mounts: true }, { writable: { sources, onMounted } });
    const { blob, bytes } = noise(1000);
    server.blobs.set(blob.digest, bytes);
    // Not visible in this repository yet.
    server.blobs.delete(blob.digest);
    const put = to.has(blob).then(() => {
      server.blobs.set(blob.digest, bytes);
      return to.put(blob, from(bytes));
    });
    await put;
    expect(mounted).toEqual(['team/base']);
    expect(asked()).toEqual([`HEAD blobs/${blob.digest}`, 'POST ']);
    expect(server.seen.at(-1)?.url).toBe(
      `/v2/team/app/blobs/uploads/?mount=sha256%3A${blob.digest.slice(7)}&from=team%2Fbase`,
    );
  });

  it('is sent in the upload that a registry begins instead, or in a new one where it refuses', async () => {
    const plain = await world({ mounts: false }, { writable: { sources } });
    const { blob, bytes } = noise(1000);
    await plain.to.put(blob, from(bytes));
    expect(plain.asked().slice(1)).toEqual(['POST ', 'PUT upload-1']);
    const strict = await world(
      {
        before: ({ url = '' }, response) => {
          if (!url.includes('mount=')) return false;
          fail(response, 403, 'DENIED', 'not yours');
          return true;
        },
      },
      { writable: { sources } },
    );
    await strict.to.put(blob, from(bytes));
    const other = noise(500);
    await strict.to.put(other.blob, from(other.bytes));
    expect(strict.server.seen.filter(({ url }) => url.includes('mount='))).toHaveLength(1);
    expect(strict.server.blobs.size).toBe(2);
  });
});

describe('an image', () => {
  it('is copied, tagged last, and the second time nothing is sent', async () => {
    const { to, server, asked } = await world();
    const store = createMemoryStore();
    const { manifest } = await putImage(store, 'layer');
    for (let time = 0; time < 2; time++) {
      await copy(store, to, manifest);
      await to.tag('1', manifest);
    }
    const sent = asked().filter((each) => !each.startsWith('HEAD'));
    expect(sent.at(-2)).toBe(`PUT manifests/${manifest.digest}`);
    expect(sent.at(-1)).toBe('PUT manifests/1');
    expect(sent.filter((each) => each === 'PUT manifests/1')).toHaveLength(1);
    expect(server.tags.get('team/app:1')).toBe(manifest.digest);
    expect(server.manifests.get(manifest.digest)?.type).toBe(manifest.mediaType);
  });

  it('is never tagged before its blobs are there', async () => {
    const { to, server } = await world();
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [describeBytes('no', INDEX)] }),
    );
    const error = await to
      .tag('1', describeBytes(bytes, INDEX), { bytes })
      .catch((caught: unknown) => caught);
    expect(isDobosError(error, 'REGISTRY_REFUSED') && error.hint).toContain('push again');
    expect([...server.tags]).toEqual([]);
  });

  it('that the registry stores as something else is an error', async () => {
    const { to } = await world({
      before: ({ method }, response) => {
        if (method !== 'PUT') return false;
        response.writeHead(201, { 'docker-content-digest': sha256('other') }).end();
        return true;
      },
    });
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }));
    await expectCode(to.tag('1', describeBytes(bytes, INDEX), { bytes }), 'REGISTRY_STORED');
    await expectCode(to.put(describeBytes(bytes, INDEX), streamOf(bytes)), 'REGISTRY_STORED');
  });

  it('is tried again when the registry is busy', async () => {
    let busy = 2;
    const { to, server } = await world({
      before: ({ method }, response) => {
        if (method !== 'PUT' || busy-- <= 0) return false;
        fail(response, 503, 'UNAVAILABLE', 'later');
        return true;
      },
    });
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] }));
    await to.tag('1', describeBytes(bytes, INDEX), { bytes });
    expect(await toArray(server.tags.keys() as never)).toEqual(['team/app:1']);
  });
});

describe('rights', () => {
  const credential: Credential = { kind: 'basic', username: 'ann', password: 'secret-4711' };
  const auth = { username: 'ann', password: 'secret-4711' };
  const tokensOf = ({ server }: World): string[] =>
    server.seen
      .filter(({ url }) => url.startsWith('/token'))
      .map(({ url }) => new URL(url, 'http://x').searchParams.getAll('scope').join(' '));

  it('to pull and push are asked for at once, by one token for looking and writing', async () => {
    const here = await world({ auth }, { credential });
    const store = createMemoryStore();
    const { manifest } = await putImage(store, 'layer');
    await copy(store, here.to, manifest, { lanes: 1 });
    await here.to.tag('1', manifest);
    expect(tokensOf(here)).toEqual(['repository:team/app:pull,push']);
  });

  it('to read where a blob is mounted from are asked for too', async () => {
    const here = await world(
      { auth, mounts: true },
      { credential, writable: { sources: async () => ['team/base'] } },
    );
    const { blob, bytes } = noise(100);
    await here.to.has(blob);
    here.server.blobs.set(blob.digest, bytes);
    await here.to.put(blob, from(bytes));
    expect(tokensOf(here).at(-1)).toBe('repository:team/app:pull,push repository:team/base:pull');
    expect(here.asked().some((each) => each.startsWith('PUT'))).toBe(false);
  });

  it('that run out in the middle of an upload are renewed, and the upload goes on', async () => {
    let expires = true;
    const here: World = await world(
      {
        auth,
        before: ({ method }) => {
          if (method === 'PATCH' && expires) here.server.expireTokens();
          expires &&= method !== 'PATCH';
          return false;
        },
      },
      { credential },
    );
    const { blob, bytes } = noise(9 * MB);
    await here.to.put(blob, from(bytes));
    expect(here.server.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    expect(tokensOf(here)).toHaveLength(2);
    expect(here.asked().filter((each) => each.startsWith('PATCH upload-1')).length).toBeGreaterThan(1);
    expect(here.asked().at(-1)).toBe('PUT upload-1');
  });

  it('that are missing are said, with what to do', async () => {
    const { blob, bytes } = noise(100);
    const anonymous = await world({ auth });
    const error = await anonymous.to.put(blob, from(bytes)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('/team/app needs a login to be written'),
      hint: expect.stringMatching(/^"dobos login 127\.0\.0\.1:\d+" as a user who may$/),
    });
  });
});

describe('the place of an upload', () => {
  it.each([
    ['ftp://example.org/upload', 'is not HTTP'],
    ['http://ann:pw@127.0.0.1/upload', 'has a user in its address'],
    ['http://[', 'is no address'],
  ])('%s is refused', async (location, why) => {
    const { to } = await world({ location: () => location });
    const { blob, bytes } = noise(10);
    const error = await to.put(blob, from(bytes)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'REGISTRY_LOCATION', message: expect.stringContaining(why) });
    expect(String(error)).not.toContain('ann:pw');
  });

  it.each(['http://127.0.0.2:9/upload', 'http://169.254.169.254/upload'])(
    'on a private address, %s, is not asked',
    async (location) => {
      const { to } = await world({ location: () => location });
      const { blob, bytes } = noise(10);
      await expectCode(to.put(blob, from(bytes)), 'HTTP_PRIVATE_ADDRESS');
    },
  );

  it('on another port gets the bytes and no proof of who asks, whatever it answers', async () => {
    const other = await servePushes({
      before: (_, response) => {
        response.setHeader('www-authenticate', 'Basic realm="mine"');
        fail(response, 401, 'UNAUTHORIZED', 'who are you?');
        return true;
      },
    });
    open.push(() => other.close());
    const auth = { username: 'ann', password: 'secret-4711' };
    const here = await world(
      { auth, location: (path) => `http://${other.host}${path}` },
      { credential: { kind: 'basic', ...auth } },
    );
    const { blob, bytes } = noise(10);
    await expectCode(here.to.put(blob, from(bytes)), 'REGISTRY_DENIED');
    expect(other.seen.length).toBeGreaterThan(0);
    for (const { headers } of other.seen) expect(headers.authorization).toBeUndefined();
  });
});

describe('a registry that refuses', () => {
  it.each([
    [
      403,
      'DENIED',
      'adding 1 MiB would exceed the configured upper limit',
      'REGISTRY_REFUSED',
      'space for this repository is used up',
    ],
    [404, 'NAME_UNKNOWN', 'repository name not known', 'REGISTRY_REFUSED', 'want a repository made before'],
    [405, 'UNSUPPORTED', 'read-only', 'REGISTRY_REFUSED', 'can only be read'],
    [413, '', '', 'REGISTRY_REFUSED', 'limits how much is sent at once'],
    [403, 'DENIED', 'requested access is denied', 'REGISTRY_DENIED', 'dobos login'],
    [429, 'TOOMANYREQUESTS', 'slow down', 'REGISTRY_RATE_LIMIT', 'wait'],
  ])('with %d %s is an error with advice', async (status, code, message, want, advice) => {
    const { to } = await world({
      before: ({ method }, response) => {
        if (method !== 'POST') return false;
        fail(response, status, code, message);
        return true;
      },
    });
    const { blob, bytes } = noise(10);
    const error = await to.put(blob, from(bytes)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: want, hint: expect.stringContaining(advice) });
  });
});
