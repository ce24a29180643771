import { afterEach, describe, expect, it } from 'vitest';
import { type ServeOptions, serveStore } from '../../test/support/registry-server.ts';
import { type ScriptedAnswer, type ScriptedRequest, scriptedHttp } from '../../test/support/scripted-http.ts';
import { createHttp } from '../http/http.ts';
import { putImage } from '../store/contract-fixtures.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createRegistry } from './registry.ts';
import type { Credential, FoundCredential, RegistryOptions, Repository } from './types.ts';

const ME: Credential = { kind: 'basic', username: 'me', password: 'hunter2' };
const MY_HEADER = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
const HOME = 'registry.example.org';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

/** A repository `app` of a registry that is a function. */
function scripted(
  answer: (request: ScriptedRequest, n: number) => ScriptedAnswer,
  find: (host: string) => FoundCredential = () => ({}),
  o: Partial<RegistryOptions> = {},
) {
  let n = 0;
  const { http, requests, clock } = scriptedHttp((request) => answer(request, ++n));
  const asked: string[] = [];
  const registry = createRegistry({
    http,
    clock,
    credentials: {
      find: async (host) => {
        asked.push(host);
        return find(host);
      },
    },
    endpoints: { find: async (host, repository) => [{ base: `https://${host}`, repository, mirror: false }] },
    ...o,
  });
  return { repository: registry.repository(HOME, 'app'), requests, asked };
}

/** A store that is served on loopback, and its repository `app`. */
async function served(o: ServeOptions, credential?: Credential) {
  const store = createMemoryStore();
  const { manifest } = await putImage(store, 'hello');
  await store.tag('app:1', manifest);
  const server = await serveStore(store, o);
  const http = createHttp({ userAgent: 'test' });
  cleanups.push(
    () => server.close(),
    () => http.close(),
  );
  const registry = createRegistry({
    http,
    credentials: { find: async () => ({ credential, origin: 'the test' }) },
    endpoints: { find: async (host, repository) => [{ base: `https://${host}`, repository, mirror: false }] },
  });
  return { repository: registry.repository(server.host, 'app'), server, manifest };
}

const pull = async (repository: Repository) =>
  copy(repository, createMemoryStore(), await repository.resolve('1'));

describe('proving who asks', () => {
  it.each<[string, ServeOptions['auth'], Credential | undefined]>([
    ['a token for anybody', { token: {} }, undefined],
    ['a token for a user', { token: { username: 'me', password: 'hunter2' } }, ME],
    [
      'a token by OAuth2',
      { token: { username: 'x', identity: 'refresh' } },
      { kind: 'identity', token: 'refresh' },
    ],
    ['user and password', { basic: { username: 'me', password: 'hunter2' } }, ME],
    ['tokens that are good for one request each', { token: { uses: 1 } }, undefined],
  ])('pulls with %s', async (_, auth, credential) => {
    const { repository } = await served({ auth }, credential);
    await pull(repository);
  });

  it('asks for one token for a whole image', async () => {
    const { repository, server } = await served({ auth: { token: {} } });
    await pull(repository);
    expect(server.requests.filter(({ url }) => url.startsWith('/token'))).toHaveLength(1);
    expect(server.requests.filter(({ headers }) => headers.authorization === undefined)).toHaveLength(2);
  });

  it('goes on when its token runs out in the middle', async () => {
    const { repository, server } = await served({ auth: { token: {} } });
    const root = await repository.resolve('1');
    server.expireTokens();
    await copy(repository, createMemoryStore(), root);
    expect(server.requests.filter(({ url }) => url.startsWith('/token'))).toHaveLength(2);
  });

  it('sends a ready token as it is', async () => {
    const { repository, requests } = scripted(
      ({ headers }) =>
        headers.authorization === 'Bearer ready'
          ? { status: 404 }
          : { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://auth.example.org/token"' } },
      () => ({ credential: { kind: 'bearer', token: 'ready' } }),
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    expect(new Set(requests.map(({ url }) => url.host))).toEqual(new Set([HOME]));
  });

  it('asks once more when the registry wants another scope, and no more than that', async () => {
    const challenge = (scope: string) => ({
      status: 401,
      headers: {
        'www-authenticate': `Bearer realm="https://auth.example.org/token",scope="${scope}",error="insufficient_scope"`,
      },
    });
    const { repository, requests } = scripted(({ url, headers }, n) => {
      if (url.host === 'auth.example.org') return { body: JSON.stringify({ token: `t${n}` }) };
      return challenge(
        headers.authorization === undefined ? 'repository:app:pull' : `repository:app${n}:pull`,
      );
    });
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(requests.map(({ url }) => url.host)).toEqual([
      HOME,
      'auth.example.org',
      HOME,
      'auth.example.org',
      HOME,
    ]);
    expect(requests[3]!.url.searchParams.getAll('scope')).toEqual([
      'repository:app:pull',
      'repository:app3:pull',
    ]);
  });

  it('never asks for more than reading', async () => {
    const { repository, requests } = scripted(({ url, headers }) => {
      if (url.host === 'auth.example.org') return { body: '{"token":"t"}' };
      if (headers.authorization !== undefined) return { status: 404 };
      const challenge =
        'Bearer realm="https://auth.example.org/token",scope="repository:app:pull,push,delete registry:catalog:*"';
      return { status: 401, headers: { 'www-authenticate': challenge } };
    });
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    expect(requests[1]!.url.searchParams.getAll('scope')).toEqual(['repository:app:pull']);
  });

  it('shows no credential before it is asked for one', async () => {
    const { repository, requests, asked } = scripted(
      () => ({ status: 404 }),
      () => ({ credential: ME }),
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    expect(requests.some(({ headers }) => 'authorization' in headers)).toBe(false);
    expect(asked).toEqual([]);
  });

  it('says that a login is needed, by the name of the registry', async () => {
    const { repository } = scripted(() => ({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="x"' },
    }));
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: `${HOME}/app does not exist or needs a login`,
      hint: `"dobos login ${HOME}" if it is private`,
    });
  });

  it('says whose credentials were refused', async () => {
    const { repository } = scripted(
      () => ({
        status: 401,
        headers: { 'www-authenticate': 'Basic realm="x"' },
        body: '{"errors":[{"code":"UNAUTHORIZED","message":"bad password"}]}',
      }),
      () => ({ credential: ME, origin: '~/.docker/config.json' }),
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_LOGIN',
      message: `${HOME} refuses the credentials for ${HOME} from ~/.docker/config.json: registry says UNAUTHORIZED: bad password`,
    });
  });

  it('asks anonymously when a helper is missing, and names it when that is refused', async () => {
    const failure = new Error('credential helper "pass" is not installed');
    let isPublic = true;
    const answer = ({ url }: ScriptedRequest, n: number): ScriptedAnswer => {
      if (url.host === 'auth.example.org') return isPublic ? { body: '{"token":"t"}' } : { status: 401 };
      return n === 1 || !isPublic
        ? { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://auth.example.org/token"' } }
        : { status: 404 };
    };
    const one = scripted(answer, () => ({ failure }));
    await expect(one.repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    isPublic = false;
    const two = scripted(answer, () => ({ failure }));
    await expect(two.repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: `${HOME}/app does not exist or needs a login, and credential helper "pass" is not installed`,
      cause: failure,
    });
  });

  it.each([
    ['no challenge', {}, 'no scheme named'],
    ['a scheme that is not known', { 'www-authenticate': 'Negotiate, Hawk x="y"' }, 'negotiate, hawk'],
    ['a token challenge without a realm', { 'www-authenticate': 'Bearer service="x"' }, 'bearer'],
  ])('says so when a 401 has %s', async (_, headers, said) => {
    const { repository } = scripted(() => ({ status: 401, headers }));
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_CHALLENGE',
      message: expect.stringContaining(said),
    });
  });

  it('finds one scheme that it knows among several', async () => {
    const { repository, requests } = scripted(
      ({ headers }) =>
        headers.authorization === MY_HEADER
          ? { status: 404 }
          : { status: 401, headers: { 'www-authenticate': ['Negotiate', 'Basic realm="x"'] } },
      () => ({ credential: ME }),
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
    expect(requests.at(-1)!.headers.authorization).toBe(MY_HEADER);
  });
});

describe('a token server elsewhere', () => {
  /** A registry that sends its askers to another domain, which gives tokens to anybody. */
  const led = (realm: string, find: (host: string) => FoundCredential, o: Partial<RegistryOptions> = {}) =>
    scripted(
      ({ url, headers }) => {
        if (url.host !== HOME) return { body: '{"token":"anonymous"}' };
        const allowed = headers.authorization === 'Bearer anonymous';
        return allowed
          ? { status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }
          : { status: 401, headers: { 'www-authenticate': `Bearer realm="${realm}",service="x"` } };
      },
      find,
      o,
    );
  const mine = (host: string): FoundCredential => (host === HOME ? { credential: ME } : {});
  const shown = (requests: readonly ScriptedRequest[]) =>
    requests.filter(({ headers }) => headers.authorization === MY_HEADER).map(({ url }) => url.host);

  it('is not shown the credentials, and is named when the registry then refuses', async () => {
    const { repository, requests } = led('https://collector.example.net/token', mine);
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('not sent to its token server collector.example.net'),
      hint: `name collector.example.net in DOBOS_TRUSTED_HOSTS if it belongs to ${HOME}`,
    });
    expect(shown(requests)).toEqual([]);
  });

  it('in the same domain is shown them', async () => {
    const { repository, requests } = led('https://auth.example.org/token', mine);
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      message: expect.stringContaining('may not be read by this user'),
    });
    expect(shown(requests)).toEqual(['auth.example.org']);
  });

  it('that is trusted is shown them', async () => {
    const { repository, requests } = led('https://auth.example.net/token', mine, {
      trustedRealms: ['auth.example.net'],
    });
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(shown(requests)).toEqual(['auth.example.net']);
  });

  it('that the user has a login for is shown those of the registry, never its own', async () => {
    const other: Credential = { kind: 'basic', username: 'me', password: 'of the other' };
    const { repository, requests } = led('https://auth.example.net/token', (host) => ({
      credential: host === HOME ? ME : other,
    }));
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(shown(requests)).toEqual(['auth.example.net']);
    const all = requests.map(({ headers }) => headers.authorization ?? '');
    expect(all).not.toContain(`Basic ${Buffer.from('me:of the other').toString('base64')}`);
  });

  it.each([
    'http://auth.example.org/token',
    'https://169.254.169.254/latest',
    'https://localhost:1/',
    'gopher://x/',
  ])('at %s is never asked', async (realm) => {
    const { repository, requests } = led(realm, mine);
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_REALM' });
    expect(requests).toHaveLength(1);
  });

  it('of a redirect target is not asked at all', async () => {
    const { repository, requests } = scripted(
      ({ url }) =>
        url.host === HOME
          ? { status: 307, headers: { location: 'https://cdn.example.net/x' } }
          : { status: 401, headers: { 'www-authenticate': 'Basic realm="give"' } },
      mine,
    );
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_DENIED' });
    expect(requests.some(({ headers }) => 'authorization' in headers)).toBe(false);
  });
});
