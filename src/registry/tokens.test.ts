import { describe, expect, it } from 'vitest';
import { type ScriptedAnswer, type ScriptedRequest, scriptedHttp } from '../../test/support/scripted-http.ts';
import type { ByteStream } from '../base/bytes.ts';
import { expectCode } from '../store/contract-fixtures.ts';
import { pullScope } from './scope.ts';
import { createTokens, type TokenAsk } from './tokens.ts';

const ASK: TokenAsk = {
  home: 'registry.example.org',
  realm: new URL('https://auth.example.org/token?fixed=1'),
  service: 'the service',
  scopes: [pullScope('a/b'), pullScope('c')],
};

function tokensFrom(
  answer: (request: ScriptedRequest, n: number) => ScriptedAnswer | Promise<ScriptedAnswer>,
) {
  let n = 0;
  const scripted = scriptedHttp((request) => answer(request, ++n));
  return { ...scripted, tokens: createTokens(scripted.http, scripted.clock) };
}

const answer = (fields: object): ScriptedAnswer => ({ body: JSON.stringify(fields) });

describe('tokens', () => {
  it('are asked for with service and every scope, anonymously or with user and password', async () => {
    const { tokens, requests } = tokensFrom(() => answer({ token: 't' }));
    expect(await tokens.get(ASK)).toBe('t');
    await tokens.get({ ...ASK, credential: { kind: 'basic', username: 'me', password: 'a:b' } });
    const url =
      'https://auth.example.org/token?fixed=1&service=the+service&scope=repository%3Aa%2Fb%3Apull&scope=repository%3Ac%3Apull';
    expect(requests.map(({ method, url: { href } }) => [method, href])).toEqual([
      ['GET', url],
      ['GET', url],
    ]);
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      `Basic ${Buffer.from('me:a:b').toString('base64')}`,
    ]);
  });

  it('come by OAuth2 for an identity token', async () => {
    const { tokens, requests } = tokensFrom(() => answer({ access_token: 't' }));
    expect(await tokens.get({ ...ASK, credential: { kind: 'identity', token: 'refresh&me' } })).toBe('t');
    const [{ method, body, headers }] = requests as [ScriptedRequest];
    expect([method, headers['content-type'], headers.authorization]).toEqual([
      'POST',
      'application/x-www-form-urlencoded',
      undefined,
    ]);
    expect(Object.fromEntries(new URLSearchParams(Buffer.from(body as Uint8Array).toString()))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'dobos',
      service: 'the service',
      scope: 'repository:a/b:pull repository:c:pull',
      refresh_token: 'refresh&me',
    });
  });

  it.each([404, 405])('are asked for by GET where OAuth2 is answered by %i', async (status) => {
    const { tokens, requests } = tokensFrom(({ method }) =>
      method === 'POST' ? { status } : answer({ token: 't' }),
    );
    expect(await tokens.get({ ...ASK, credential: { kind: 'identity', token: 'x' } })).toBe('t');
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(requests[1]!.headers.authorization).toBe(`Basic ${Buffer.from(':x').toString('base64')}`);
  });

  it.each([
    [{}, 49_000, 51_000],
    [{ expires_in: 5 }, 49_000, 51_000],
    [{ expires_in: 300 }, 289_000, 291_000],
    [{ expires_in: 300, issued_at: '2025-12-31T23:59:00Z' }, 229_000, 231_000],
    [{ expires_in: 300, issued_at: '2020-01-01T00:00:00Z' }, 289_000, 291_000],
    [{ expires_in: 300, issued_at: '2030-01-01T00:00:00Z' }, 289_000, 291_000],
    [{ expires_in: 300, issued_at: 'yesterday' }, 289_000, 291_000],
    [{ expires_in: 1e300 }, 86_389_000, 86_391_000],
    [{ expires_in: '300' }, 49_000, 51_000],
    [{ expires_in: -1e9 }, 49_000, 51_000],
  ])('with %j are kept until shortly before their end', async (fields, still, over) => {
    const { tokens, clock } = tokensFrom((_, n) => answer({ token: `t${n}`, ...fields }));
    expect(await tokens.get(ASK)).toBe('t1');
    clock.pass(still);
    expect(await tokens.get(ASK)).toBe('t1');
    clock.pass(over - still);
    expect(await tokens.get(ASK)).toBe('t2');
  });

  it('are not mixed up between registries, scopes and users', async () => {
    const { tokens } = tokensFrom((_, n) => answer({ token: `t${n}` }));
    const asks: TokenAsk[] = [
      ASK,
      { ...ASK, home: 'other.example.org' },
      { ...ASK, scopes: [pullScope('a/b')] },
      { ...ASK, service: undefined },
      { ...ASK, realm: new URL('https://auth.example.org/other') },
      { ...ASK, credential: { kind: 'basic', username: 'me', password: 'x' } },
    ];
    const all = await Promise.all(asks.map((ask) => tokens.get(ask)));
    expect(new Set(all).size).toBe(asks.length);
    expect(await Promise.all(asks.map((ask) => tokens.get(ask)))).toEqual(all);
  });

  it('are asked for once by many at once, and one who gives up does not stop the others', async () => {
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { tokens, requests } = tokensFrom(async (_, n) => {
      await gate;
      return answer({ token: `t${n}` });
    });
    const control = new AbortController();
    const impatient = tokens.get(ASK, { signal: control.signal });
    const others = Array.from({ length: 10 }, () => tokens.get(ASK));
    control.abort(new Error('no more'));
    await expect(impatient).rejects.toThrow('no more');
    release();
    expect(new Set(await Promise.all(others))).toEqual(new Set(['t1']));
    expect(requests).toHaveLength(1);
  });

  it('are not given out again once dropped, unless there is a younger one', async () => {
    const { tokens } = tokensFrom((_, n) => answer({ token: `t${n}` }));
    expect(await tokens.get(ASK)).toBe('t1');
    tokens.drop(ASK, 't1');
    expect(await tokens.get(ASK)).toBe('t2');
    tokens.drop(ASK, 't1');
    expect(await tokens.get(ASK)).toBe('t2');
  });

  it('that fail are asked for again', async () => {
    const { tokens } = tokensFrom((_, n) => (n === 1 ? { status: 400 } : answer({ token: 't' })));
    await expectCode(tokens.get(ASK), 'REGISTRY_TOKEN');
    expect(await tokens.get(ASK)).toBe('t');
  });

  async function* endless(): ByteStream {
    for (;;) yield Buffer.alloc(1024 * 1024, ' ');
  }

  it.each<[string, ScriptedAnswer, RegExp]>([
    ['something else than JSON', { body: '<html>' }, /something else/],
    ['a list', { body: '[]' }, /something else/],
    ['no token', answer({}), /without a token/],
    ['an empty token', answer({ token: '', access_token: '' }), /without a token/],
    ['a token that is no text', answer({ token: 5 }), /without a token/],
    ['a token with a line end', answer({ token: 'a\r\nx: y' }), /no header/],
    ['a token of 30 KB', answer({ token: 'x'.repeat(30_000) }), /no header/],
    [
      'a gigabyte, announced',
      { headers: { 'content-length': '1000000000' }, body: endless() },
      /65536 bytes/,
    ],
    ['bytes without end', { body: endless() }, /65536 bytes/],
    [
      'a refusal',
      { status: 401, body: '{"details":"incorrect username or password"}' },
      /401: incorrect username/,
    ],
    [
      'words that print badly',
      { status: 403, body: '{"errors":[{"code":"A\\u001b[31m","message":"x\\u0000\\ny"}]}' },
      /403: A \[31m: x y$/,
    ],
  ])('are refused when the answer is %s', async (_, given, message) => {
    const { tokens } = tokensFrom(() => given);
    await expect(tokens.get(ASK)).rejects.toMatchObject({
      code: 'REGISTRY_TOKEN',
      message: expect.stringMatching(message),
    });
  });

  it('never stand in an error, nor does a password', async () => {
    const { tokens } = tokensFrom(() => ({ status: 401, body: '{}' }));
    const credential = { kind: 'basic', username: 'me', password: 'hunter2' } as const;
    const error = await tokens.get({ ...ASK, credential }).catch((error: unknown) => error);
    const { message, facts, stack } = error as { message: string; facts: object; stack: string };
    expect(JSON.stringify([message, facts, stack])).not.toMatch(/hunter2|aHVudGVyMg|bWU6/);
  });
});
