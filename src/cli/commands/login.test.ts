import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { helperScript } from '../../../test/support/credential-helper.ts';
import { fakeTerminal } from '../../../test/support/fake-terminal.ts';
import { type ServedStore, type ServeOptions, serveStore } from '../../../test/support/registry-server.ts';
import { readSettings } from '../../app/settings.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { runCli } from '../run-cli.ts';
import type { Terminal } from '../terminal.ts';

let home: string;
let served: ServedStore | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dobos-login-'));
});
afterEach(async () => {
  await served?.close();
  served = undefined;
  rmSync(home, { recursive: true, force: true });
});

const ANN = { username: 'ann', password: 'p:w ü' };
const BASIC: ServeOptions = { auth: { basic: ANN } };
const TOKEN: ServeOptions = { auth: { token: ANN } };
const serve = async (o: ServeOptions): Promise<string> => {
  served = await serveStore(createMemoryStore(), o);
  return served.host;
};
const DOCKER = '.docker/config.json';
const at = (path: string): string => join(home, path);
const write = (path: string, content: string): string => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
};
const auths = (): Record<string, { auth?: string }> => JSON.parse(readFileSync(at(DOCKER), 'utf8')).auths;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface How extends Partial<Terminal> {
  readonly input?: string;
  readonly typed?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
async function run(words: string, { input = '', typed = [], env = {}, ...terminal }: How = {}) {
  const left = [...typed];
  const fake = fakeTerminal({
    stdin: async function* () {
      yield Buffer.from(input);
    },
    ...(typed.length > 0 && {
      inIsTty: true,
      listen: (_raw, take) => {
        setImmediate(() => take(left.length === 0 ? undefined : Buffer.from(left.shift()!)));
        return () => {};
      },
    }),
    ...terminal,
  });
  const code = await runCli(words.split(' '), {
    terminal: fake,
    signal: new AbortController().signal,
    interruptExit: () => 130,
    settings: () =>
      readSettings({
        env: { DOBOS_ROOT: at('store'), XDG_RUNTIME_DIR: at('run'), PATH: at('bin'), ...env },
        uid: 0,
        home,
        arch: 'x64',
        platform: 'linux',
        now: () => 1_700_000_000_000,
      }),
    version: '1.2.3',
    takeSignals: () => {},
  });
  return { code, out: fake.stdout(), err: fake.stderr() };
}
const pipe = (host: string, password = ANN.password) =>
  run(`login -u ann --password-stdin ${host}`, { input: `${password}\n` });

describe('login', () => {
  it.each([
    ['basic', BASIC],
    ['token', TOKEN],
  ])('to a registry with %s auth keeps what the registry took', async (_, o) => {
    const host = await serve(o);
    expect(await pipe(host)).toEqual({
      code: 0,
      out: 'Login Succeeded\n',
      err: `\nWARNING! Your password is stored unencrypted in '${at(DOCKER)}'.\nConfigure a credential helper to remove this warning: see docs/registries.md\n\n`,
    });
    expect(auths()).toEqual({ [host]: { auth: base64('ann:p:w ü') } });
    expect(existsSync(at('store'))).toBe(false);
  });
  it.each([
    ['basic', BASIC],
    ['token', TOKEN],
  ])('with a wrong password at %s auth keeps nothing', async (_, o) => {
    const { code, out, err } = await pipe(await serve(o), 'not-this-one');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('dobos: login: unauthorized: incorrect username or password\n');
    expect(err).not.toContain('not-this-one');
    expect(existsSync(at(DOCKER))).toBe(false);
  });
  it('shows the password only after it was asked for, and only in a header', async () => {
    await pipe(await serve(TOKEN));
    expect(served!.requests[0]?.headers.authorization).toBeUndefined();
    expect(served!.requests.map(({ url }) => decodeURIComponent(url)).join()).not.toContain(ANN.password);
  });
  it('never shows it to a token server of another domain', async () => {
    const host = await serve({
      before: (_req, res) => {
        const challenge = 'Bearer realm="https://elsewhere.example/token",service="x"';
        res.writeHead(401, { 'www-authenticate': challenge }).end();
        return true;
      },
    });
    const { code, err } = await pipe(host);
    expect(code).toBe(1);
    expect(err).toContain('elsewhere.example');
    expect(err).toContain('DOBOS_TRUSTED_HOSTS');
    expect(served!.requests.map(({ headers }) => headers.authorization).filter(Boolean)).toEqual([]);
    expect(existsSync(at(DOCKER))).toBe(false);
  });
  it('never follows a challenge that a redirect led to', async () => {
    const other = await serveStore(createMemoryStore(), BASIC);
    try {
      const host = await serve({
        before: (_req, res) => {
          res.writeHead(307, { location: `http://${other.host}/v2/` }).end();
          return true;
        },
      });
      expect((await pipe(host)).code).toBe(1);
      expect(other.requests.map(({ headers }) => headers.authorization).filter(Boolean)).toEqual([]);
    } finally {
      await other.close();
    }
  });
  it('fails clearly at what is no registry', async () => {
    const host = await serve({
      before: (_req, res) => {
        res.writeHead(404).end();
        return true;
      },
    });
    expect((await pipe(host)).err).toContain(`${host} answers with status 404`);
  });

  it('takes what is typed', async () => {
    const host = await serve(BASIC);
    const { code, err } = await run(`login ${host}`, { typed: ['ann\n', 'p:w ü\r'] });
    expect(code).toBe(0);
    expect(err).toMatch(/^Username: Password: \n/);
    expect(auths()[host]?.auth).toBe(base64('ann:p:w ü'));
  });
  it('is done when what is known is still good', async () => {
    const host = await serve(BASIC);
    await pipe(host);
    expect(await run(`login ${host}`)).toEqual({
      code: 0,
      out: 'Login Succeeded\n',
      err: 'Authenticating with existing credentials...\n',
    });
  });
  it('asks when what is known is refused, and offers the same user', async () => {
    const host = await serve(BASIC);
    write(DOCKER, JSON.stringify({ auths: { [host]: { auth: base64('ann:old') } } }));
    const { code, err } = await run(`login ${host}`, { typed: ['\n', 'p:w ü\r'] });
    expect(code).toBe(0);
    expect(err).toContain('Login did not succeed: the registry refuses them\nUsername (ann): Password: \n');
    expect((await run(`login ${host}`)).code).toBe(0);
    write(DOCKER, JSON.stringify({ auths: { [host]: { auth: base64('ann:old') } } }));
    expect((await run(`login ${host}`)).err).toContain('incorrect username or password');
  });
  it('warns of a password among the arguments', async () => {
    const { code, err } = await run(
      `login -u ann -p secret ${await serve({ auth: { basic: { username: 'ann', password: 'secret' } } })}`,
    );
    expect(code).toBe(0);
    expect(err).toContain('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  });
  it('gives the secret to the helper that is configured', async () => {
    const host = await serve(BASIC);
    chmodSync(write('bin/docker-credential-box', helperScript({ keeps: at('kept.json') })), 0o755);
    write(DOCKER, '{"credsStore":"box"}');
    expect(await pipe(host)).toEqual({ code: 0, out: 'Login Succeeded\n', err: '' });
    expect(JSON.parse(readFileSync(at('kept.json'), 'utf8'))).toEqual({ [host]: ['ann', 'p:w ü'] });
    expect(auths()).toEqual({ [host]: {} });
    expect((await run(`logout ${host}`)).out).toBe(`Removing login credentials for ${host}\n`);
    expect(JSON.parse(readFileSync(at('kept.json'), 'utf8'))).toEqual({});
  });

  it.each([
    ['login', 'cannot perform an interactive login from a non TTY device'],
    ['login -u ann', 'cannot perform an interactive login from a non TTY device'],
    ['login --password-stdin', 'must provide --username with --password-stdin'],
    ['login -p x', 'must provide --username with --password'],
    ['login -u ann -p x --password-stdin', 'mutually exclusive'],
    ['login -u ann --password-stdin', 'the password is empty'],
    ['login -u a:b -p x', 'a user name has no colon'],
    ['login --tls-verify=maybe', 'tls-verify'],
  ])('%s is wrong usage', async (words, problem) => {
    const { code, err } = await run(words);
    expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
  });
  it.each(['-', 'http://', 'a b', 'r.example:port', '../x', 'https://user:secret@r.example'])(
    'to %j is refused before anything is asked',
    async (server) => {
      const { code, err } = await run(`login -u ann -p secret -- ${server.replace(' ', '\u00a0')}`);
      expect(code).toBe(1);
      expect(err).toContain('is no registry, want a host');
      expect(err.replace('-p', '')).not.toContain('secret');
    },
  );
});

describe('logout', () => {
  it.each([
    ['logout', 'https://index.docker.io/v1/', 'https://index.docker.io/v1/'],
    ['logout docker.io', 'docker.io', 'https://index.docker.io/v1/'],
    ['logout https://r.example/v2/', 'r.example', 'r.example'],
    ['logout R.example:5000', 'http://r.example:5000', 'r.example:5000'],
    ['logout r.example/team', 'r.example/team', 'r.example/team'],
  ])('%s forgets %s', async (words, key, shown) => {
    write(DOCKER, JSON.stringify({ auths: { [key]: { auth: base64('ann:pw') }, 'other.example': {} } }));
    expect(await run(words)).toEqual({ code: 0, out: `Removing login credentials for ${shown}\n`, err: '' });
    expect(Object.keys(auths())).toEqual(['other.example']);
    expect(await run(words)).toEqual({ code: 0, out: `Not logged in to ${shown}\n`, err: '' });
  });
});
