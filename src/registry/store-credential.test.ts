import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { helperScript } from '../../test/support/credential-helper.ts';
import { HUB_KEY } from './credential-keys.ts';
import { createCredentials } from './credentials.ts';
import { eraseCredential, storeCredential } from './store-credential.ts';
import type { Credential } from './types.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'dobos-store-credential-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const ANN: Credential = { kind: 'basic', username: 'ann', password: 'p:w ü' };
const AUTH = Buffer.from('ann:p:w ü').toString('base64');
const at = (path: string): string => join(home, path);
const write = (path: string, content: string): string => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
};
const read = (path: string): string => readFileSync(at(path), 'utf8');
const folders = (environment: Record<string, string> = {}) => ({
  home,
  uid: 0,
  environment: { XDG_RUNTIME_DIR: at('run'), PATH: at('bin'), ...environment },
});
const DOCKER = '.docker/config.json';

describe('a stored credential', () => {
  it('makes a file that only its owner can read, in a folder likewise, as Docker would write it', async () => {
    expect(await storeCredential(folders(), 'r.example:5000', ANN)).toEqual({
      file: at(DOCKER),
      helper: undefined,
    });
    expect(read(DOCKER)).toBe(
      `{\n\t"auths": {\n\t\t"r.example:5000": {\n\t\t\t"auth": "${AUTH}"\n\t\t}\n\t}\n}\n`,
    );
    expect(statSync(at(DOCKER)).mode & 0o777).toBe(0o600);
    expect(statSync(at('.docker')).mode & 0o777).toBe(0o700);
    expect(readdirSync(at('.docker'))).toEqual(['config.json']);
  });
  it('is found again', async () => {
    for (const key of ['docker.io', 'r.example', 'r.example/team'])
      await storeCredential(folders(), key, { ...ANN, username: key });
    const find = async (registry: string, repository: string) =>
      (await createCredentials(folders()).find(registry, repository)).credential;
    expect(await find('docker.io', 'library/debian')).toEqual({ ...ANN, username: 'docker.io' });
    expect(await find('r.example', 'a')).toEqual({ ...ANN, username: 'r.example' });
    expect(await find('r.example', 'team/a')).toEqual({ ...ANN, username: 'r.example/team' });
    expect(JSON.parse(read(DOCKER)).auths).toHaveProperty([HUB_KEY]);
  });
  it('changes nothing else in the file', async () => {
    const before =
      '{\n  "10": 1, "2": 12345678901234567890,\n  "auths": {\n    "a.example": { "auth" : "x" }\n  },\n  "credHelpers": {"h.example": ""} , "HttpHeaders": {"M": "1.0"}\n}';
    write(DOCKER, before);
    await storeCredential(folders(), 'r.example', ANN);
    const entry = `,\n    "r.example": {\n      "auth": "${AUTH}"\n    }`;
    expect(read(DOCKER)).toBe(before.replace('{ "auth" : "x" }', `{ "auth" : "x" }${entry}`));
    expect(await eraseCredential(folders(), 'r.example')).toBe(true);
    expect(read(DOCKER)).toBe(before);
  });
  it('takes the place of the one before, whatever its form and spelling', async () => {
    write(
      DOCKER,
      '{"auths":{"https://r.example/v1/":{"identitytoken":"t","email":"e","auth":"old","registrytoken":"x","username":"u","password":"p"}}}',
    );
    await storeCredential(folders(), 'r.example', ANN);
    expect(read(DOCKER)).toBe(`{"auths":{"https://r.example/v1/":{"email":"e","auth":"${AUTH}"}}}`);
    await storeCredential(folders(), 'r.example', { kind: 'identity', token: 'new' });
    expect(read(DOCKER)).toBe('{"auths":{"https://r.example/v1/":{"email":"e","identitytoken":"new"}}}');
  });
  it('goes where it is found first from now on', async () => {
    write('run/containers/auth.json', '{"auths":{"r.example":{"auth":"b2xkOjE="}}}');
    expect(await storeCredential(folders(), 'r.example', ANN)).toMatchObject({
      file: at('run/containers/auth.json'),
    });
    expect(await storeCredential(folders(), 's.example', ANN)).toMatchObject({ file: at(DOCKER) });
    expect((await createCredentials(folders()).find('r.example', 'a')).credential).toEqual(ANN);
    const named = at('named/auth.json');
    expect(await storeCredential(folders({ REGISTRY_AUTH_FILE: named }), 'r.example', ANN)).toMatchObject({
      file: named,
    });
    expect(await storeCredential(folders({ DOCKER_CONFIG: at('d') }), 'r.example', ANN)).toMatchObject({
      file: at('d/config.json'),
    });
  });
  it('replaces what a link leads to, also when that is not there yet', async () => {
    mkdirSync(at('.docker'));
    symlinkSync('../dotfiles/docker.json', at(DOCKER));
    mkdirSync(at('dotfiles'));
    symlinkSync('real.json', at('dotfiles/docker.json'));
    await storeCredential(folders(), 'r.example', ANN);
    await storeCredential(folders(), 's.example', ANN);
    expect(lstatSync(at(DOCKER)).isSymbolicLink()).toBe(true);
    expect(lstatSync(at('dotfiles/docker.json')).isSymbolicLink()).toBe(true);
    expect(Object.keys(JSON.parse(read('dotfiles/real.json')).auths)).toEqual(['r.example', 's.example']);
  });
  it('closes a file that others could read', async () => {
    chmodSync(write(DOCKER, '{}'), 0o644);
    await storeCredential(folders(), 'r.example', ANN);
    expect(statSync(at(DOCKER)).mode & 0o777).toBe(0o600);
  });
  it.each([
    ['{"auths":', 'CREDENTIALS_FILE'],
    ['[]', 'CREDENTIALS_FILE'],
    ['{"auths":[]}', 'CREDENTIALS_FILE'],
  ])('leaves a file that it does not understand alone: %j', async (content, code) => {
    write(DOCKER, content);
    await expect(storeCredential(folders(), 'r.example', ANN)).rejects.toMatchObject({ code });
    expect(read(DOCKER)).toBe(content);
  });
  it('says so when it cannot be written, and leaves nothing half-made', async () => {
    write('.docker', 'a file where the folder should be');
    await expect(storeCredential(folders(), 'r.example', ANN)).rejects.toMatchObject({
      code: 'CREDENTIALS_FILE_UNWRITABLE',
      message: expect.stringContaining(`cannot write credentials to ${at(DOCKER)} (E`),
    });
    await expect(
      storeCredential({ home: '', uid: 0, environment: { XDG_RUNTIME_DIR: at('run') } }, 'r.example', ANN),
    ).rejects.toMatchObject({
      code: 'CREDENTIALS_NO_PLACE',
    });
  });
});

describe('a helper', () => {
  const helper = (
    behaviour: Parameters<typeof helperScript>[0] = { keeps: at('kept.json'), log: at('asked') },
  ): void => {
    chmodSync(write('bin/docker-credential-box', helperScript(behaviour)), 0o755);
  };
  const kept = (): unknown => JSON.parse(read('kept.json'));

  it('for the host or all hosts keeps the secret; the file has none any more', async () => {
    helper();
    write(DOCKER, '{"credsStore":"box","auths":{"r.example":{"auth":"b2xkOjE=","email":"e"}}}');
    expect(await storeCredential(folders(), 'r.example', ANN)).toEqual({
      file: at(DOCKER),
      helper: 'docker-credential-box',
    });
    await storeCredential(folders(), 'docker.io', { kind: 'identity', token: 'refresh' });
    expect(kept()).toEqual({ 'r.example': ['ann', 'p:w ü'], [HUB_KEY]: ['<token>', 'refresh'] });
    expect(read(DOCKER)).toBe(`{"credsStore":"box","auths":{"r.example":{"email":"e"},"${HUB_KEY}":{}}}`);
    expect((await createCredentials(folders()).find('r.example', 'a')).credential).toEqual(ANN);
    expect(await eraseCredential(folders(), 'r.example')).toBe(true);
    expect(kept()).toEqual({ [HUB_KEY]: ['<token>', 'refresh'] });
    expect(await eraseCredential(folders(), 'r.example')).toBe(false);
  });
  it('that is missing or fails is an error, and the secret goes nowhere else', async () => {
    write(DOCKER, '{"credHelpers":{"r.example":"box"}}');
    await expect(storeCredential(folders(), 'r.example', ANN)).rejects.toMatchObject({
      code: 'CREDENTIALS_HELPER_MISSING',
    });
    helper({ exit: 1, out: 'cannot keep p:w ü for ann' });
    await expect(storeCredential(folders(), 'r.example', ANN)).rejects.toMatchObject({
      code: 'CREDENTIALS_HELPER',
      message: 'credential helper docker-credential-box failed at "store": cannot keep *** for ann',
    });
    expect(read(DOCKER)).toBe('{"credHelpers":{"r.example":"box"}}');
  });
  it('gets its secret by standard input, never as an argument', async () => {
    chmodSync(
      write(
        'bin/docker-credential-box',
        `#!/bin/sh\necho "$0 $@" >> ${at('words')}\n/bin/cat > ${at('input')}\n`,
      ),
      0o755,
    );
    write(DOCKER, '{"credsStore":"box"}');
    await storeCredential(folders(), 'r.example', ANN);
    expect(read('words')).toBe(`${at('bin/docker-credential-box')} store\n`);
    expect(JSON.parse(read('input'))).toEqual({ ServerURL: 'r.example', Username: 'ann', Secret: 'p:w ü' });
  });
});

describe('an erased credential', () => {
  it('is gone from every file, in every spelling; others stay', async () => {
    const auths =
      '{"https://r.example":{"auth":"x"},"r.example":{"auth":"y"},"r.example/team":{"auth":"z"},"other.example":{}}';
    for (const path of ['run/containers/auth.json', '.config/containers/auth.json', DOCKER])
      write(path, `{"auths":${auths}}`);
    write('.dockercfg', '{"http://r.example/v1/":{"auth":"x"},"b":{}}');
    expect(await eraseCredential(folders(), 'r.example')).toBe(true);
    for (const path of ['run/containers/auth.json', '.config/containers/auth.json', DOCKER])
      expect(read(path)).toBe('{"auths":{"r.example/team":{"auth":"z"},"other.example":{}}}');
    expect(read('.dockercfg')).toBe('{"b":{}}');
    expect(await eraseCredential(folders(), 'r.example')).toBe(false);
  });
  it('makes no file', async () => {
    expect(await eraseCredential(folders(), 'r.example')).toBe(false);
    expect(existsSync(at('.docker'))).toBe(false);
  });
  it('is gone from the files also when a helper fails, and that is told', async () => {
    write(DOCKER, '{"credsStore":"gone","auths":{"r.example":{"auth":"x"}}}');
    await expect(eraseCredential(folders(), 'r.example')).rejects.toMatchObject({
      code: 'CREDENTIALS_HELPER_MISSING',
    });
    expect(read(DOCKER)).toBe('{"credsStore":"gone","auths":{}}');
  });
});
