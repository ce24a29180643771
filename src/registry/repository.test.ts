import { describe, expect, it } from 'vitest';
import { type ScriptedAnswer, type ScriptedRequest, scriptedHttp } from '../../test/support/scripted-http.ts';
import { collect, sha256 } from '../base/bytes.ts';
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
} from '../oci/media-types.ts';
import type { Descriptor } from '../oci/types.ts';
import { describeBytes, expectCode, toArray } from '../store/contract-fixtures.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createRegistry } from './registry.ts';
import type { Credential, Endpoint, RegistryEvent } from './types.ts';

const HOME = 'registry.example.org';
const ORIGIN: Endpoint = { base: `https://${HOME}`, repository: 'app', mirror: false };
const LAYER = describeBytes('the layer', OCI_LAYER_GZIP);
const CONFIG = describeBytes('{}', OCI_CONFIG);
const document = (mediaType: string | undefined, more: object = { config: CONFIG, layers: [LAYER] }) =>
  JSON.stringify({ schemaVersion: 2, mediaType, ...more });
const MANIFEST = document(OCI_MANIFEST);
const BLOBS = new Map([
  [LAYER.digest, 'the layer'],
  [CONFIG.digest, '{}'],
]);

function repositoryOf(
  answer: (request: ScriptedRequest, n: number) => ScriptedAnswer,
  endpoints: readonly Endpoint[] = [ORIGIN],
  credentials: Readonly<Record<string, Credential>> = {},
) {
  let n = 0;
  const { http, requests, clock } = scriptedHttp((request) => answer(request, ++n));
  const events: RegistryEvent[] = [];
  const registry = createRegistry({
    http,
    clock,
    credentials: { find: async (host) => ({ credential: credentials[host] }) },
    endpoints: { find: async () => endpoints },
    onEvent: (event) => events.push(event),
  });
  return { repository: registry.repository(HOME, 'app'), requests, events };
}

/** A registry that has one image, by every tag. */
function image({ url: { pathname } }: ScriptedRequest): ScriptedAnswer {
  if (pathname.includes('/manifests/')) return { headers: { 'content-type': OCI_MANIFEST }, body: MANIFEST };
  const digest = pathname.slice(pathname.lastIndexOf('/') + 1);
  const body = BLOBS.get(digest as Descriptor['digest']);
  return body === undefined ? { status: 404 } : { body };
}

describe('resolving a name', () => {
  it.each([
    ['an OCI manifest', OCI_MANIFEST, document(OCI_MANIFEST)],
    ['an OCI index', OCI_INDEX, document(OCI_INDEX, { manifests: [] })],
    ['a Docker manifest', DOCKER_MANIFEST, document(DOCKER_MANIFEST)],
    ['a Docker list', DOCKER_LIST, document(DOCKER_LIST, { manifests: [] })],
    ['an OCI manifest that does not say so itself', OCI_MANIFEST, document(undefined)],
  ])('finds %s by tag and by digest, byte for byte', async (_, type, body) => {
    const want = describeBytes(body, type);
    const { repository, requests } = repositoryOf(() => ({
      headers: { 'content-type': `${type}; charset=utf-8`, 'docker-content-digest': want.digest },
      body,
    }));
    expect(await repository.resolve('1.0')).toEqual(want);
    expect(await repository.resolve(want.digest)).toEqual(want);
    expect((await collect(repository.open(want), 10_000)).toString()).toBe(body);
    expect(requests.map(({ url }) => url.href)).toEqual([
      `https://${HOME}/v2/app/manifests/1.0`,
      `https://${HOME}/v2/app/manifests/${want.digest}`,
    ]);
    expect(requests[0]!.headers.accept).toBe(
      [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST].join(', '),
    );
  });

  it.each([
    ['nothing', {}, document(undefined), OCI_MANIFEST],
    ['plain JSON', { 'content-type': 'application/json' }, document(undefined, { manifests: [] }), OCI_INDEX],
    ['nothing, but the document does', {}, document(DOCKER_MANIFEST), DOCKER_MANIFEST],
  ])('takes the type from the document when the header says %s', async (_, headers, body, mediaType) => {
    const { repository } = repositoryOf(() => ({ headers, body }));
    expect(await repository.resolve('1')).toMatchObject({ mediaType });
  });

  it.each<[string, ScriptedAnswer, string]>([
    [
      'another type than it says itself',
      { headers: { 'content-type': OCI_INDEX }, body: MANIFEST },
      'REGISTRY_MEDIA_TYPE',
    ],
    [
      'a type by header that its content is not',
      { headers: { 'content-type': OCI_INDEX }, body: document(undefined) },
      'OCI_DOCUMENT_CONFUSED',
    ],
    [
      'two kinds at once',
      { headers: { 'content-type': OCI_INDEX }, body: document(OCI_INDEX, { manifests: [], layers: [] }) },
      'OCI_DOCUMENT_CONFUSED',
    ],
    [
      "Docker's schema 1",
      {
        headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
        body: '{"schemaVersion":1}',
      },
      'OCI_SCHEMA1',
    ],
    [
      "Docker's schema 1 under another name",
      { headers: { 'content-type': DOCKER_MANIFEST }, body: '{"schemaVersion":1}' },
      'OCI_SCHEMA1',
    ],
    [
      'another digest than announced',
      { headers: { 'content-type': OCI_MANIFEST, 'docker-content-digest': sha256('x') }, body: MANIFEST },
      'REGISTRY_DIGEST',
    ],
    [
      'a digest with a path in it',
      {
        headers: { 'content-type': OCI_MANIFEST, 'docker-content-digest': 'sha256:../../x' },
        body: MANIFEST,
      },
      'REGISTRY_DIGEST',
    ],
    [
      'digests with paths inside',
      {
        body: document(OCI_MANIFEST, {
          config: { ...CONFIG, digest: 'sha256:../../etc/passwd' },
          layers: [],
        }),
      },
      'OCI_DOCUMENT_INVALID',
    ],
    [
      '100 MB, announced',
      { headers: { 'content-length': '100000000' }, body: MANIFEST },
      'REGISTRY_TOO_LARGE',
    ],
    ['100 MB', { body: Buffer.alloc(100_000_000, ' ') }, 'REGISTRY_TOO_LARGE'],
    ['no JSON', { headers: { 'content-type': OCI_MANIFEST }, body: '<html>' }, 'OCI_DOCUMENT_INVALID'],
    [
      'a limit',
      {
        status: 429,
        headers: { 'retry-after': '86400' },
        body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
      },
      'REGISTRY_RATE_LIMIT',
    ],
    ['no rights', { status: 403 }, 'REGISTRY_DENIED'],
    ['a failure', { status: 501 }, 'REGISTRY_STATUS'],
  ])('refuses a manifest with %s', async (_, answer, code) => {
    const { repository } = repositoryOf(() => answer);
    await expectCode(repository.resolve('1'), code);
  });

  it('takes a sha512 header that fits', async () => {
    const said = `sha512:${(await import('node:crypto')).createHash('sha512').update(MANIFEST).digest('hex')}`;
    const headers = { 'content-type': OCI_MANIFEST, 'docker-content-digest': said };
    const { repository } = repositoryOf(() => ({ headers, body: MANIFEST }));
    expect((await repository.resolve('1')).digest).toBe(sha256(MANIFEST));
  });

  it('refuses other content than a digest names, and other sizes than a descriptor says', async () => {
    const { repository } = repositoryOf(() => ({
      headers: { 'content-type': OCI_MANIFEST },
      body: MANIFEST,
    }));
    await expectCode(repository.resolve(sha256('other')), 'BYTES_MISMATCH');
    const wanted = { ...describeBytes(MANIFEST, OCI_MANIFEST), size: MANIFEST.length + 1 };
    await expectCode(collect(repository.open(wanted), 10_000), 'BYTES_MISMATCH');
    await expectCode(collect(repository.open({ ...wanted, size: 5e6 }), 10_000), 'REGISTRY_TOO_LARGE');
  });

  it("goes by a descriptor's type when the digest is right, whatever the header says", async () => {
    const { repository } = repositoryOf(() => ({
      headers: { 'content-type': 'text/plain' },
      body: MANIFEST,
    }));
    const bytes = await collect(repository.open(describeBytes(MANIFEST, OCI_MANIFEST)), 10_000);
    expect(bytes.toString()).toBe(MANIFEST);
  });

  it.each(['', '.x', '-x', 'a/b', '../x', 'a b', 'x'.repeat(129), 'a?b', 'a#b', 'a%2e'])(
    'refuses the tag %j before it stands in an address',
    async (tag) => {
      const { repository, requests } = repositoryOf(() => ({}));
      await expectCode(repository.resolve(tag), 'REGISTRY_TAG');
      expect(requests).toEqual([]);
    },
  );

  it.each(['sha256:../../x', 'sha256:', 'a:b', 'md5:00'])(
    'refuses the digest %j likewise',
    async (digest) => {
      const { repository, requests } = repositoryOf(() => ({}));
      await expectCode(repository.resolve(digest), 'OCI_DIGEST_INVALID');
      expect(requests).toEqual([]);
    },
  );

  it('offers the nearest tags for one that is not there', async () => {
    const { repository } = repositoryOf(({ url }) =>
      url.pathname.endsWith('/tags/list')
        ? { body: JSON.stringify({ tags: ['3.18', '3.19', '3.20', '3.20.1', 'edge', 'latest'] }) }
        : { status: 404, body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}' },
    );
    await expect(repository.resolve('3.2')).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      message: `${HOME}/app:3.2 is not in the registry: registry says MANIFEST_UNKNOWN: manifest unknown`,
      hint: 'tags near it: 3.20, 3.20.1, 3.18',
    });
  });

  it('does without them where tags cannot be listed', async () => {
    const { repository } = repositoryOf(({ url }) => ({
      status: url.pathname.endsWith('/list') ? 500 : 404,
    }));
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      hint: undefined,
    });
  });

  it('shows what a registry says on one line, bounded', async () => {
    const message = `\u001b]0;evil\u0007${'long '.repeat(1000)}\n\u202Eredrum`;
    const { repository } = repositoryOf(() => ({
      status: 400,
      body: JSON.stringify({ errors: [{ code: 'X', message }] }),
    }));
    const error = (await repository.resolve('1').catch((error: unknown) => error)) as Error;
    expect(error.message).toMatch(/registry says X: \]0;evil long/);
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(error.message.length).toBeLessThan(500);
  });

  it('advises a login when Docker Hub has had enough', async () => {
    const { http, clock } = scriptedHttp(() => ({ status: 429, headers: { 'retry-after': '86400' } }));
    const registry = createRegistry({
      http,
      clock,
      credentials: { find: async () => ({}) },
      endpoints: { find: async () => [{ ...ORIGIN, base: 'https://registry-1.docker.io' }] },
    });
    await expect(registry.repository('docker.io', 'library/debian').resolve('12')).rejects.toMatchObject({
      code: 'REGISTRY_RATE_LIMIT',
      hint: expect.stringContaining('dobos login docker.io'),
    });
  });
});

describe('has', () => {
  it('asks by HEAD, and compares the size', async () => {
    const { repository, requests } = repositoryOf(() => ({ headers: { 'content-length': '9' } }));
    expect(await repository.has(LAYER)).toBe(true);
    expect(await repository.has({ ...LAYER, size: 8 })).toBe(false);
    expect(requests.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual(
      Array(2).fill(`HEAD /v2/app/blobs/${LAYER.digest}`),
    );
  });

  it('is false for 404 and fails for everything else', async () => {
    expect(await repositoryOf(() => ({ status: 404 })).repository.has(LAYER)).toBe(false);
    await expectCode(repositoryOf(() => ({ status: 403 })).repository.has(LAYER), 'REGISTRY_DENIED');
  });

  it('never follows the urls of a foreign layer', async () => {
    const foreign = {
      ...LAYER,
      mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      urls: ['https://evil.example/layer'],
    };
    const { repository, requests } = repositoryOf(() => ({ status: 404 }));
    expect(await repository.has(foreign)).toBe(false);
    await expectCode(collect(repository.open(foreign), 10), 'REGISTRY_NOT_FOUND');
    expect(new Set(requests.map(({ url }) => url.host))).toEqual(new Set([HOME]));
  });
});

describe('mirrors', () => {
  const mirror = (name: string, more: Partial<Endpoint> = {}): Endpoint => ({
    base: `https://${name}.example.net`,
    repository: 'app',
    mirror: true,
    ...more,
  });
  const hosts = (requests: readonly ScriptedRequest[]) => requests.map(({ url }) => url.host);
  const pull = async (repository: ReturnType<typeof repositoryOf>['repository']) => {
    const to = createMemoryStore();
    const root = await repository.resolve('1');
    await copy(repository, to, root);
    return to.has(root);
  };

  it('serve everything, and the registry is not asked', async () => {
    const { repository, requests } = repositoryOf(image, [mirror('one'), ORIGIN]);
    expect(await pull(repository)).toBe(true);
    expect(new Set(hosts(requests))).toEqual(new Set(['one.example.net']));
  });

  it('are asked at their own path and name, with the name of the registry when they want it', async () => {
    const endpoint = mirror('x', {
      base: 'https://x.example.net/v2/hub',
      repository: 'other/app',
      namespace: 'docker.io',
    });
    const { repository, requests } = repositoryOf(image, [endpoint, ORIGIN]);
    await repository.resolve('1');
    expect(requests[0]!.url.href).toBe('https://x.example.net/v2/hub/other/app/manifests/1?ns=docker.io');
  });

  it.each<[string, (request: ScriptedRequest) => ScriptedAnswer]>([
    ['lacks it', () => ({ status: 404 })],
    ['is broken', () => ({ status: 500 })],
    ['refuses', () => ({ status: 403 })],
    ['wants a login', () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } })],
    ['gives wrong bytes', (r) => (r.url.pathname.includes('/manifests/') ? image(r) : { body: 'wrong' })],
    [
      'gives wrong bytes of the right length',
      (r) => (r.url.pathname.includes(LAYER.digest) ? { body: 'THE LAYER' } : image(r)),
    ],
    ['gives a manifest that is none', () => ({ body: 'hello' })],
    ['leads to a private address', () => ({ status: 307, headers: { location: 'https://10.0.0.1/' } })],
  ])('that %s are passed over, with a notice', async (_, answer) => {
    const { repository, events } = repositoryOf(
      (request) => (request.url.host === HOME ? image(request) : answer(request)),
      [mirror('one'), ORIGIN],
    );
    expect(await pull(repository)).toBe(true);
    expect(events[0]).toMatchObject({ kind: 'mirror-failed', mirror: 'one.example.net' });
  });

  it('that lied are not asked again', async () => {
    const { repository, requests } = repositoryOf(
      (request) =>
        request.url.host === HOME || request.url.pathname.includes('/manifests/')
          ? image(request)
          : { body: 'THE LAYER' },
      [mirror('one'), ORIGIN],
    );
    const wanted = { ...LAYER };
    await expectCode(collect(repository.open(wanted), 100), 'BYTES_MISMATCH');
    expect((await collect(repository.open(wanted), 100)).toString()).toBe('the layer');
    await repository.resolve('1');
    expect(hosts(requests)).toEqual(['one.example.net', HOME, HOME]);
  });

  it('that break off are gone on from', async () => {
    const { repository, requests } = repositoryOf(
      (request) => {
        const { url, headers } = request;
        if (url.host !== HOME) return headers.range === undefined ? { body: 'the ' } : { status: 404 };
        const body = 'the layer'.slice(4);
        return { status: 206, headers: { 'content-range': 'bytes 4-8/9' }, body };
      },
      [mirror('one'), ORIGIN],
    );
    expect((await collect(repository.open(LAYER), 100)).toString()).toBe('the layer');
    expect(requests.at(-1)!.headers.range).toBe('bytes=4-');
  });

  it('are asked only for what they are for', async () => {
    const { repository, requests } = repositoryOf(image, [
      mirror('digests', { only: 'digests' }),
      mirror('tags', { only: 'tags' }),
      ORIGIN,
    ]);
    await repository.resolve('1');
    await collect(repository.open(LAYER), 100);
    expect(hosts(requests)).toEqual(['tags.example.net', 'digests.example.net']);
  });

  it('never get the credentials of the registry', async () => {
    const basic = (password: string): Credential => ({ kind: 'basic', username: 'me', password });
    const credentials = { [HOME]: basic('home'), 'two.example.net': basic('two') };
    const { repository, requests } = repositoryOf(
      ({ headers }) =>
        headers.authorization === undefined
          ? { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
          : { status: 403 },
      [mirror('one'), mirror('two'), ORIGIN],
      credentials,
    );
    await expectCode(repository.resolve('1'), 'REGISTRY_DENIED');
    const shown = requests.map(({ url, headers }) => [
      url.host,
      Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString(),
    ]);
    expect(shown).toEqual([
      ['one.example.net', ''],
      ['two.example.net', ''],
      ['two.example.net', 'me:two'],
      [HOME, ''],
      [HOME, 'me:home'],
    ]);
  });

  it('that stand for the registry do not get its credentials either', async () => {
    const { repository, requests } = repositoryOf(
      () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
      [{ ...ORIGIN, base: 'https://moved.example.net' }],
      { [HOME]: { kind: 'basic', username: 'me', password: 'home' } },
    );
    await expectCode(repository.resolve('1'), 'REGISTRY_DENIED');
    expect(requests.some(({ headers }) => 'authorization' in headers)).toBe(false);
  });

  it('fail with what the registry itself says', async () => {
    const { repository } = repositoryOf(
      ({ url }) => ({ status: url.host === HOME ? 404 : 500 }),
      [mirror('one'), ORIGIN],
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_NOT_FOUND',
      facts: { host: HOME },
    });
  });
});

describe('tags', () => {
  const page = (tags: unknown, link?: string): ScriptedAnswer => ({
    body: JSON.stringify({ name: 'app', tags }),
    ...(link !== undefined && { headers: { link } }),
  });
  const all = (answer: (request: ScriptedRequest, n: number) => ScriptedAnswer, endpoints?: Endpoint[]) => {
    const { repository, requests } = repositoryOf(answer, endpoints);
    return { tags: toArray(repository.tags()), requests };
  };

  it('are read page by page', async () => {
    const { tags, requests } = all((_, n) =>
      n < 3 ? page([`v${n}`], `</v2/app/tags/list?n=1&last=v${n}>; rel="next"`) : page(['v3']),
    );
    expect(await tags).toEqual(['v1', 'v2', 'v3']);
    expect(requests.map(({ url }) => url.search)).toEqual(['?n=1000', '?n=1&last=v1', '?n=1&last=v2']);
  });

  it('are none for an empty repository', async () => {
    expect(await all(() => page(null)).tags).toEqual([]);
    expect(await all(() => page([])).tags).toEqual([]);
  });

  it('leave out what could not be pulled', async () => {
    expect(await all(() => page(['ok', '../x', 5, null, '', 'x\u001b[0m'])).tags).toEqual(['ok']);
  });

  it('come from the registry itself, not from mirrors', async () => {
    const { tags, requests } = all(
      () => page(['a']),
      [{ base: 'https://one.example.net', repository: 'app', mirror: true }, ORIGIN],
    );
    expect(await tags).toEqual(['a']);
    expect(requests[0]!.url.host).toBe(HOME);
  });

  it.each([
    '<https://evil.example/v2/app/tags/list>; rel="next"',
    `<http://${HOME}/v2/app/tags/list?last=a>; rel=next`,
    `<https://${HOME}:8443/v2/app/tags/list?last=a>; rel="next"`,
    '<//evil.example/x>; rel="next"',
    `<https://user:pw@${HOME}/v2/app/tags/list?last=a>; rel="next"`,
    '<http://169.254.169.254/latest>; rel="next"',
    '<file:///etc/passwd>; rel="next"',
    '<https://[>; rel="next"',
    '<>; rel="next"',
    '</v2/app/tags/list?n=1000>; rel="next"',
    `</v2/${'x'.repeat(5000)}>; rel="next"`,
  ])('are not read on at %s', async (link) => {
    const { tags, requests } = all(() => page(['a'], link));
    await expectCode(tags, 'REGISTRY_LINK');
    expect(requests).toHaveLength(1);
  });

  it.each(['</x>; rel="prev"', '</x>', 'next', '<x'])('end at the link %s', async (link) => {
    expect(await all(() => page(['a'], link)).tags).toEqual(['a']);
  });

  it('find the next page among several links', async () => {
    const link = '</first>; rel="first", </v2/app/tags/list?p=2>; title="x"; rel="last next"';
    const { tags, requests } = all((_, n) => page([`v${n}`], n === 1 ? link : undefined));
    expect(await tags).toEqual(['v1', 'v2']);
    expect(requests[1]!.url.search).toBe('?p=2');
  });

  it('end where pages have no end', async () => {
    const { tags, requests } = all((_, n) => page([], `</v2/app/tags/list?p=${n}>; rel="next"`));
    await expectCode(tags, 'REGISTRY_TAGS');
    expect(requests.length).toBeLessThan(10_100);
  });

  it.each<[string, ScriptedAnswer, string]>([
    ['too large', { body: Buffer.alloc(5_000_000, ' ') }, 'REGISTRY_TAGS'],
    ['not JSON', { body: '<html>' }, 'REGISTRY_TAGS'],
    ['not a list', page('v1'), 'REGISTRY_TAGS'],
    ['of a repository that is not there', { status: 404 }, 'REGISTRY_NOT_FOUND'],
  ])('are refused when the page is %s', async (_, answer, code) => {
    await expectCode(all(() => answer).tags, code);
  });
});
