import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { helperScript } from '../../test/support/credential-helper.ts';
import { createCredentialHelper } from './credential-helper.ts';
import { credentialPlaces } from './credential-places.ts';
import { createCredentials } from './credentials.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dobos-credentials-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const write = (path: string, content: unknown): string => {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const auth = (text: string) => ({ auth: base64(text) });
const runtime = () => ({ XDG_RUNTIME_DIR: join(home, 'run'), PATH: `${join(home, 'bin')}:/usr/bin` });
const credentials = (environment: Record<string, string> = {}) =>
  createCredentials({ home, uid: 1000, environment: { ...runtime(), ...environment } });
const find = (registry: string, repository = 'a/b', environment: Record<string, string> = {}) =>
  credentials(environment).find(registry, repository);
const user = async (registry: string, repository?: string, environment?: Record<string, string>) => {
  const { credential } = await find(registry, repository, environment);
  return credential?.kind === 'basic' ? `${credential.username}:${credential.password}` : credential;
};
const docker = (content: unknown): string => write('.docker/config.json', content);

describe('the files of credentials', () => {
  const paths = (environment: Record<string, string>, uid = 1000): readonly string[] =>
    credentialPlaces({ home: '/home/ann', uid, environment }).map(({ path }) => path);

  it('are asked podman first, then Docker', () =>
    expect(paths({ XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual([
      '/run/user/1000/containers/auth.json',
      '/home/ann/.config/containers/auth.json',
      '/home/ann/.docker/config.json',
      '/home/ann/.dockercfg',
    ]));
  it('are asked Docker first when its folder is named', () =>
    expect(paths({ DOCKER_CONFIG: '/d', XDG_CONFIG_HOME: '/c' }, 0)).toEqual([
      '/d/config.json',
      '/run/containers/0/auth.json',
      '/c/containers/auth.json',
      '/home/ann/.dockercfg',
    ]));
  it('are one when REGISTRY_AUTH_FILE names it', () =>
    expect(paths({ REGISTRY_AUTH_FILE: '/a.json', DOCKER_CONFIG: '/d' })).toEqual(['/a.json']));
  it('need no home', () =>
    expect(credentialPlaces({ home: '', uid: 7, environment: {} }).map(({ path }) => path)).toEqual([
      '/run/containers/7/auth.json',
    ]));

  it('need not exist', async () => expect(await find('r.example')).toEqual({ failure: undefined }));
  it('may be empty', async () => {
    docker('');
    expect(await find('r.example')).toEqual({ failure: undefined });
  });
  it('may be /dev/null, but no pipe', async () => {
    expect(await user('r.example', 'a', { REGISTRY_AUTH_FILE: '/dev/null' })).toBeUndefined();
    await expect(user('r.example', 'a', { REGISTRY_AUTH_FILE: '/dev/zero' })).rejects.toMatchObject({
      code: 'CREDENTIALS_FILE',
      message: 'credentials file /dev/zero: it is no regular file',
    });
  });
  it('win in their order, whatever is more specific in a later one', async () => {
    write('run/containers/auth.json', { auths: { 'r.example': auth('run:1') } });
    docker({ auths: { 'r.example/a/b': auth('docker:2'), 'only.example': auth('docker:3') } });
    expect(await user('r.example')).toBe('run:1');
    expect(await user('only.example')).toBe('docker:3');
    expect(await user('r.example', 'a/b', { DOCKER_CONFIG: join(home, '.docker') })).toBe('docker:2');
  });
  it('may have the oldest form', async () => {
    write('.dockercfg', { 'https://r.example/v1/': auth('old:1') });
    expect(await user('r.example')).toBe('old:1');
  });
  it('are read once', async () => {
    const file = docker({ auths: { 'r.example': auth('a:1') } });
    const reader = credentials();
    await reader.find('r.example', 'a');
    writeFileSync(file, 'not json');
    expect(await reader.find('r.example', 'b')).toMatchObject({ credential: { username: 'a' } });
  });
});

describe('an entry', () => {
  it.each([
    ['r.example', 'r.example'],
    ['R.Example', 'r.example'],
    ['https://r.example', 'r.example'],
    ['http://r.example/', 'r.example'],
    ['https://r.example/v1/', 'r.example'],
    ['https://r.example/v2', 'r.example'],
    ['r.example/v2/', 'r.example'],
    ['https://r.example/any/path', 'r.example'],
    ['r.example:5000', 'r.example:5000'],
    ['[::1]:5000', '[::1]:5000'],
    ['https://index.docker.io/v1/', 'docker.io'],
    ['docker.io', 'docker.io'],
    ['index.docker.io', 'docker.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['https://registry-1.docker.io/v2/', 'docker.io'],
  ])('under %s is for %s', async (key, registry) => {
    docker({ auths: { [key]: auth('ann:pw') } });
    expect(await user(registry, 'library/debian')).toBe('ann:pw');
  });
  it.each([
    ['r.example:5000', 'r.example'],
    ['r.example', 'r.example:5000'],
    ['r.example.org', 'r.example'],
    ['r.example/a/bc', 'r.example'],
    ['docker.io.example', 'docker.io'],
    ['sub.docker.io', 'docker.io'],
  ])('under %s is not for %s', async (key, registry) => {
    docker({ auths: { [key]: auth('ann:pw') } });
    expect(await user(registry)).toBeUndefined();
  });
  it('of the longest path wins, then the host', async () => {
    docker({
      auths: { 'r.example': auth('host:1'), 'r.example/a': auth('a:1'), 'r.example/a/b': auth('ab:1') },
    });
    expect(await user('r.example', 'a/b/c')).toBe('ab:1');
    expect(await user('r.example', 'a/bc')).toBe('a:1');
    expect(await user('r.example', 'x')).toBe('host:1');
  });
  it('written as Docker writes it wins over other spellings of the host', async () => {
    docker({
      auths: {
        'docker.io': auth('a:1'),
        'https://index.docker.io/v1/': auth('b:1'),
        'index.docker.io': auth('c:1'),
      },
    });
    expect(await user('docker.io')).toBe('b:1');
  });
  it.each([
    [{ auth: base64('ann:pw:with:colons') }, { kind: 'basic', username: 'ann', password: 'pw:with:colons' }],
    [{ auth: base64('ann:pw\0\0') }, { kind: 'basic', username: 'ann', password: 'pw' }],
    [{ auth: base64('ann:ü→') }, { kind: 'basic', username: 'ann', password: 'ü→' }],
    [{ auth: base64('ann:') }, { kind: 'basic', username: 'ann', password: '' }],
    [
      { username: 'ann', password: 'pw' },
      { kind: 'basic', username: 'ann', password: 'pw' },
    ],
    [
      { auth: base64('ann:'), identitytoken: 'tok' },
      { kind: 'identity', token: 'tok' },
    ],
    [{ registrytoken: 'tok' }, { kind: 'bearer', token: 'tok' }],
    [{}, undefined],
    [{ auth: '' }, undefined],
    [{ email: 'ann@example.org' }, undefined],
    [{ auth: 7 }, undefined],
  ])('%j is %j', async (entry, credential) => {
    docker({ auths: { 'r.example': entry } });
    expect((await find('r.example')).credential).toEqual(credential);
  });
  it('says where it is from, without what it is', async () => {
    docker({ auths: { 'r.example': auth('ann:pw') } });
    expect((await find('r.example')).origin).toBe('"r.example" of ~/.docker/config.json');
  });
  it.each(['***', base64('no colon'), base64(':nobody'), Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')])(
    'that is garbage (%s) is an error that names file and key only',
    async (garbage) => {
      const file = docker({ auths: { 'r.example': { auth: garbage }, 'other.example': auth('o:1') } });
      const error = await find('r.example').catch((caught: Error) => caught);
      expect(error).toMatchObject({
        code: 'CREDENTIALS_FILE',
        message: expect.stringMatching(`^credentials file ${file}: "auth" of "r.example" is not `),
      });
      expect(String((error as Error).stack)).not.toContain(garbage);
      expect(await user('other.example')).toBe('o:1');
    },
  );
});

describe('a file that cannot be understood', () => {
  it.each([
    ['{\n"auths": {"r.example": {"auth": "c2VjcmV0OnNlY3JldA=="}},\n}', ', line 3: it is not JSON'],
    ['["c2VjcmV0OnNlY3JldA=="]', ': it is not a JSON object'],
    ['null', ': it is not a JSON object'],
    ['{"auths": ["c2VjcmV0"]}', ': "auths" is not a JSON object'],
    [`{"x": "${'secret'.repeat(200_000)}"}`, ': 1200009 bytes are more than 1048576'],
    [Buffer.from([0x22, 0xff, 0x22]).toString('latin1'), ''],
  ])('is an error that names it, not what is in it (%#)', async (content, why) => {
    const file = docker('');
    writeFileSync(file, content, 'latin1');
    const error = (await find('r.example').catch((caught: Error) => caught)) as Error;
    expect(error).toMatchObject({ code: 'CREDENTIALS_FILE' });
    expect(error.message).toContain(`credentials file ${file}${why}`);
    expect(`${error.stack}${error.cause}`).not.toMatch(/c2VjcmV0|secret/);
  });
  it('is a folder', async () => {
    mkdirSync(join(home, '.docker/config.json'), { recursive: true });
    await expect(find('r.example')).rejects.toMatchObject({ code: 'CREDENTIALS_FILE' });
  });
});

describe('a helper', () => {
  const helper = (name: string, behaviour: Parameters<typeof helperScript>[0]): string => {
    const file = write(`bin/docker-credential-${name}`, helperScript(behaviour));
    chmodSync(file, 0o755);
    return file;
  };
  const asked = (): string[] => readFileSync(join(home, 'asked'), 'utf8').trim().split('\n');

  it('for the host comes before that for all hosts, and both before entries', async () => {
    helper('one', { log: join(home, 'asked'), known: { 'r.example': ['one', 'pw'] } });
    helper('all', {
      log: join(home, 'asked'),
      known: { 'other.example': ['all', 'pw'], 'https://index.docker.io/v1/': ['hub', 'pw'] },
    });
    docker({
      credHelpers: { 'r.example': 'one' },
      credsStore: 'all',
      auths: { 'r.example': auth('file:1'), 'last.example': auth('file:2') },
    });
    expect(await find('r.example')).toEqual({
      credential: { kind: 'basic', username: 'one', password: 'pw' },
      origin: 'docker-credential-one of ~/.docker/config.json',
    });
    expect(await user('other.example')).toBe('all:pw');
    expect(await user('docker.io')).toBe('hub:pw');
    expect(await user('last.example')).toBe('file:2');
    expect(asked()).toEqual([
      'one get r.example',
      'all get other.example',
      'all get https://index.docker.io/v1/',
      'all get last.example',
    ]);
  });
  it('is asked once for a host', async () => {
    helper('all', { log: join(home, 'asked'), known: {} });
    docker({ credsStore: 'all' });
    const reader = credentials();
    await Promise.all([reader.find('r.example', 'a'), reader.find('r.example', 'b')]);
    await reader.find('r.example', 'c');
    await reader.find('s.example', 'c');
    expect(asked()).toEqual(['all get r.example', 'all get s.example']);
  });
  it('gives an identity token under the user <token>', async () => {
    helper('all', { known: { 'r.example': ['<token>', 'refresh'] } });
    docker({ credsStore: 'all' });
    expect(await user('r.example')).toEqual({ kind: 'identity', token: 'refresh' });
  });
  it('that is missing is named, and the search goes on without it', async () => {
    const file = docker({
      credsStore: 'lost',
      credHelpers: { 'r.example': 'gone' },
      auths: { 'has.example': auth('a:1') },
    });
    const { credential, failure } = await find('r.example');
    expect(credential).toBeUndefined();
    expect(failure).toMatchObject({
      code: 'CREDENTIALS_HELPER_MISSING',
      message: `credential helper docker-credential-gone, which ${file} names in credHelpers["r.example"], is not in PATH`,
      hint: `install docker-credential-gone, or take credHelpers["r.example"] out of ${file}`,
    });
    expect((await find('s.example')).failure?.message).toContain(
      `docker-credential-lost, which ${file} names in credsStore`,
    );
    expect(await user('has.example')).toBe('a:1');
  });
  it.each(['../../bin/sh', 'a/b', '', 'x y', 'a\nb', 'ä'])(
    'of the name %j is never started',
    async (suffix) => {
      docker({ credsStore: suffix });
      const { failure } = await find('r.example');
      if (suffix === '') expect(failure).toBeUndefined();
      else
        expect(failure).toMatchObject({
          code: 'CREDENTIALS_FILE',
          message: expect.stringContaining('credsStore names no helper program'),
        });
    },
  );
  it('is not taken from the working folder', async () => {
    helper('here', { known: { 'r.example': ['a', 'b'] } });
    docker({ credsStore: 'here' });
    const before = process.cwd();
    process.chdir(join(home, 'bin'));
    try {
      expect((await find('r.example', 'a', { PATH: ':.:bin' })).failure).toMatchObject({
        code: 'CREDENTIALS_HELPER_MISSING',
      });
    } finally {
      process.chdir(before);
    }
  });
  it.each([
    [
      { exit: 1, out: 'error getting \u001b[31mcredentials\u0007\nsecond line' },
      'error getting [31mcredentials',
    ],
    [{ exit: 2, out: '', err: 'no bus' }, 'no bus'],
    [{ exit: 3, out: '{"Username":"a","Secret":"hidden"}' }, 'exit code 3'],
    [{ exit: 0, out: 'hidden' }, 'its answer is no JSON object with "Username" and "Secret"'],
    [{ exit: 0, out: '{"Secret":"hidden"}' }, 'its answer is no JSON object with "Username" and "Secret"'],
    [{ exit: 0, out: 'null' }, 'its answer is no JSON object with "Username" and "Secret"'],
    [{ exit: 0, out: 'x'.repeat(70_000) }, 'more than 65536 bytes of answer'],
    [{ exit: 0, out: '', err: 'x'.repeat(70_000) }, 'more than 65536 bytes of answer'],
    [{ exit: 1, out: `y${'x'.repeat(500)}` }, `y${'x'.repeat(199)}`],
  ])('that fails (%#) is a failure, and the pull goes on', async (behaviour, why) => {
    helper('bad', behaviour);
    docker({ credsStore: 'bad' });
    const { credential, failure } = await find('r.example');
    expect(credential).toBeUndefined();
    expect(failure?.message).toBe(`credential helper docker-credential-bad failed at "get": ${why}`);
    expect(`${failure?.stack}${failure?.cause}`).not.toContain('hidden');
  });
  it.each([
    [{ exit: 1, out: 'credentials not found in native keychain\n' }],
    [{ exit: 0, out: '{"ServerURL":"","Username":"","Secret":""}' }],
  ])('that knows nothing is no failure (%#)', async (behaviour) => {
    helper('none', behaviour);
    docker({ credsStore: 'none' });
    expect(await find('r.example')).toEqual({ failure: undefined });
  });
  it('that never answers is killed after its time', async () => {
    helper('slow', { hang: join(home, 'pid') });
    const name = { suffix: 'slow', file: 'f', key: 'k' };
    const asking = createCredentialHelper(name, runtime(), 4000).get('r.example');
    await expect(asking).rejects.toMatchObject({
      code: 'CREDENTIALS_HELPER',
      message: 'credential helper docker-credential-slow failed at "get": no answer after 4 s',
    });
    const pid = readPid(join(home, 'pid'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
  it('that never answers is killed at the interruption, and is no failure', async () => {
    helper('slow', { hang: join(home, 'pid') });
    docker({ credsStore: 'slow' });
    const stop = new AbortController();
    const found = credentials().find('r.example', 'a', { signal: stop.signal });
    await expect.poll(() => readPid(join(home, 'pid'))).toBeGreaterThan(0);
    stop.abort();
    await expect(found).rejects.toThrow(/abort/);
    const pid = readPid(join(home, 'pid'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

const readPid = (file: string): number => {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
};
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
