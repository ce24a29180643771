import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

const plain = (...headers: string[]) =>
  parseChallenges(headers).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);

describe('parseChallenges', () => {
  it.each([
    ['nothing', '', []],
    [
      'a token challenge',
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:a/b:pull,push',
          },
        ],
      ],
    ],
    ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
    ['schemes in any case', 'bASIC REALM=x', [['basic', { realm: 'x' }]]],
    [
      'escapes in quotes',
      String.raw`Basic realm="a \"b\" \\ c"`,
      [['basic', { realm: String.raw`a "b" \ c` }]],
    ],
    ['commas and equal signs in quotes', 'Basic realm="a, b=c"', [['basic', { realm: 'a, b=c' }]]],
    [
      'several in one header',
      'Negotiate abc==, Basic realm="x", charset="UTF-8", Bearer realm="y"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'x', charset: 'UTF-8' }],
        ['bearer', { realm: 'y' }],
      ],
    ],
    [
      'blanks around equal signs and commas',
      'Basic  realm = "x" ,, a=b ,',
      [['basic', { realm: 'x', a: 'b' }]],
    ],
    [
      'parameters without commas between',
      'Bearer realm="x" service="y"',
      [['bearer', { realm: 'x', service: 'y' }]],
    ],
    ['the first of a name given twice', 'Bearer realm="x",realm="y"', [['bearer', { realm: 'x' }]]],
    ['parameters without a scheme: nothing', 'realm="x", Basic realm="y"', [['basic', { realm: 'y' }]]],
    ['a quote that does not end', 'Bearer realm="x', [['bearer', {}]]],
    ['a value that is missing', 'Bearer realm=,service="y"', [['bearer', { service: 'y' }]]],
    ['signs that are none', '"?", @@, Basic realm="x"', [['basic', { realm: 'x' }]]],
  ])('reads %s', (_, header, want) => {
    expect(plain(header)).toEqual(want);
  });

  it('reads several headers', () => {
    expect(plain('Basic realm="x"', 'Bearer realm="y"')).toEqual([
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y' }],
    ]);
  });

  it('has bounds', () => {
    expect(parseChallenges([Array(1000).fill('Basic realm="x"').join(', ')])).toHaveLength(16);
    const many = Array.from({ length: 1000 }, (_, i) => `p${i}=1`).join(',');
    expect(parseChallenges([`Basic ${many}`])[0]?.params.size).toBe(32);
    expect(parseChallenges([`Basic realm="${'x'.repeat(100_000)}"`])).toEqual([
      { scheme: 'basic', params: new Map() },
    ]);
    const headers = Array.from({ length: 10_000 }, () => 'x'.repeat(1000));
    expect(parseChallenges(headers)).toHaveLength(16);
  });

  it('never throws and ends, whatever it is given', () => {
    const piece = fc.oneof(
      fc.constantFrom('Bearer ', 'realm', '=', '"', '\\', ',', ' ', '\t', 'Basic', 'a=b', '\n', 'é', '=='),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.array(piece).map((parts) => parts.join(''))), (headers) => {
        for (const { scheme } of parseChallenges(headers)) expect(scheme).toMatch(/^[^\s",=]+$/);
      }),
    );
  });

  it('reads back any list of challenges', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    const text = fc.string({ maxLength: 20 });
    const challenge = fc.tuple(
      token,
      fc.dictionary(token, text, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 8 }), (challenges) => {
        const header = challenges
          .map(([scheme, params]) => {
            const pairs = Object.entries(params).map(
              ([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&')}"`,
            );
            return `${scheme} ${pairs.join(', ')}`;
          })
          .join(', ');
        expect(plain(header)).toEqual(challenges);
      }),
    );
  });
});
