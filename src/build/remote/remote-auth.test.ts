import { describe, expect, it } from 'vitest';
import { gitAuthorization, urlAuthorization } from './remote-auth.ts';

const secrets = (values: Readonly<Record<string, string>>) =>
  new Map(Object.entries(values).map(([id, value]) => [id, Buffer.from(value)]));
const basic = (token: string): string =>
  `Authorization: basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;

describe('the header for a URL', () => {
  const given = secrets({
    'HTTP_AUTH_TOKEN_one.example': 'tok\n',
    'HTTP_AUTH_TOKEN_two.example': 'tok',
    'HTTP_AUTH_HEADER_two.example': 'Basic YTpi',
    'HTTP_AUTH_TOKEN_three.example:8443': 'tok3',
    'HTTP_AUTH_TOKEN_127.0.0.1:5000': 'here',
  });
  it.each([
    ['https://one.example/f', 'Bearer tok'],
    ['https://one.example:443/f', 'Bearer tok'],
    ['https://ONE.example/f?x#y', 'Bearer tok'],
    ['https://two.example/f', 'Basic YTpi'],
    ['https://three.example:8443/f', 'Bearer tok3'],
    ['http://127.0.0.1:5000/f', 'Bearer here'],
    ['http://one.example/f', undefined],
    ['https://one.example:8443/f', undefined],
    ['https://three.example/f', undefined],
    ['https://sub.one.example/f', undefined],
    ['https://one.example.evil/f', undefined],
    ['https://evil/one.example', undefined],
  ])('%s: %s', (url, want) => {
    expect(urlAuthorization(url, given)).toBe(want);
  });
  it.each(['', '\n', 'a\nb', 'a\r\nx-evil: 1', 'tök'])('is not made of %j', (value) => {
    expect(() => urlAuthorization('https://h/f', secrets({ HTTP_AUTH_TOKEN_h: value }))).toThrow(
      'the secret HTTP_AUTH_TOKEN_h cannot be sent to a server',
    );
  });
});

describe('the settings of git for a repository', () => {
  const settings = (remote: string, values: Readonly<Record<string, string>>) =>
    gitAuthorization(remote, secrets(values));
  it('are for this repository alone, and follow no redirect', () => {
    expect(settings('https://h.example/a/b.git', { GIT_AUTH_TOKEN: 't' })).toEqual([
      ['http.https://h.example/a/b.git.extraHeader', basic('t')],
      ['http.followRedirects', 'false'],
    ]);
  });
  it('are for the whole origin where the secret names its host, and on github.com', () => {
    const both = { GIT_AUTH_TOKEN: 't', 'GIT_AUTH_TOKEN.h.example:8443': 'own', GIT_AUTH_HEADER: 'Bearer x' };
    expect(settings('https://h.example:8443/a', both)[0]).toEqual([
      'http.https://h.example:8443/.extraHeader',
      basic('own'),
    ]);
    expect(settings('https://h.example/a', both)[0]).toEqual([
      'http.https://h.example/a.extraHeader',
      'Authorization: Bearer x',
    ]);
    expect(settings('https://github.com/a/b', { GIT_AUTH_TOKEN: 't' })[0]?.[0]).toBe(
      'http.https://github.com/.extraHeader',
    );
  });
  it.each([
    'http://h.example/a',
    'git://h.example/a',
    'ssh://git@h.example/a',
    'git@h.example:a',
    'https://ada@h.example/a',
  ])('%s gets none', (remote) => {
    expect(settings(remote, { GIT_AUTH_TOKEN: 't', 'GIT_AUTH_TOKEN.h.example': 't' })).toEqual([]);
  });
});
