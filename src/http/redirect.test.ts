import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Hop, isRedirect, nextHop } from './redirect.ts';

const hop = (location: string | undefined, more: Partial<Hop> = {}): Hop => ({
  status: 302,
  location,
  method: 'GET',
  visited: [new URL('https://r.example/v2/a?x=1')],
  home: 'r.example',
  insecure: undefined,
  ...more,
});
const refusal = (given: Hop): unknown => {
  try {
    return nextHop(given).href;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a redirect', () => {
  it('leads to what its location says, from where it was given, without a fragment', () => {
    expect(nextHop(hop('../b#part')).href).toBe('https://r.example/b');
    expect(nextHop(hop('//cdn.example/c?sig=1')).href).toBe('https://cdn.example/c?sig=1');
    expect(nextHop(hop('?y=2')).href).toBe('https://r.example/v2/a?y=2');
  });

  it.each([
    undefined,
    '',
    'file:///etc/passwd',
    'ftp://r.example/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'https://user@r.example/',
    'https://user:secret@cdn.example/',
    'https://:secret@cdn.example/',
    'https://[::1/',
    '/a\r\nset-cookie: x=1',
    '/a\tb',
    '/a b',
    ' /a',
    '/a\u0000',
  ])('to %j is refused', (location) => expect(refusal(hop(location))).toBe('HTTP_REDIRECT'));

  it('does not tell the password or the signature of the URL that it refuses', () => {
    for (const location of ['https://u:hunter2@cdn.example/?sig=hunter2', 'ftp://u:hunter2@x/?s=hunter2']) {
      expect(() => nextHop(hop(location))).toThrow(/^(?!.*hunter2)/s);
    }
  });

  it('to plain HTTP is refused, but for the insecure home itself', () => {
    const insecure = (host: string): boolean => host === 'r.example:5000' || host === 'cdn.example';
    expect(refusal(hop('http://r.example:5000/'))).toBe('HTTP_DOWNGRADE');
    expect(refusal(hop('http://cdn.example/', { insecure }))).toBe('HTTP_DOWNGRADE');
    expect(refusal(hop('http://127.0.0.1/', { insecure: () => true }))).toBe('HTTP_DOWNGRADE');
    expect(refusal(hop('http://r.example:5000/', { insecure }))).toBe('http://r.example:5000/');
  });

  it('in a circle is refused, also when the circle differs only by a fragment', () => {
    const visited = [new URL('https://r.example/a'), new URL('https://r.example/b')];
    expect(refusal(hop('/a', { visited }))).toBe('HTTP_REDIRECT');
    expect(refusal(hop('/b#other', { visited }))).toBe('HTTP_REDIRECT');
    expect(refusal(hop('/c', { visited }))).toBe('https://r.example/c');
  });

  it('is the tenth at most', () => {
    const visited = Array.from({ length: 10 }, (_, i) => new URL(`https://r.example/${i}`));
    expect(refusal(hop('/next', { visited }))).toBe('https://r.example/next');
    visited.push(new URL('https://r.example/10'));
    expect(refusal(hop('/next', { visited }))).toBe('HTTP_REDIRECT');
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    'of a %s stays in its origin and keeps the method',
    (method) => {
      for (const status of [301, 302, 303]) {
        expect(refusal(hop('/b', { method, status }))).toBe('HTTP_REDIRECT');
      }
      for (const status of [307, 308]) {
        expect(refusal(hop('/b', { method, status }))).toBe('https://r.example/b');
        expect(refusal(hop('https://cdn.example/b', { method, status }))).toBe('HTTP_REDIRECT');
        expect(refusal(hop('https://r.example:444/b', { method, status }))).toBe('HTTP_REDIRECT');
      }
    },
  );

  it('never leads anywhere but to http or https, whatever the location', () => {
    const location = fc.oneof(
      fc.string({ unit: fc.nat(0x2fff).map((code) => String.fromCharCode(code)) }),
      fc.string().map((text) => `//cdn.example/${text}`),
      fc.constantFrom('//', '///x', '\\\\x', 'https:x', 'http:'),
    );
    fc.assert(
      fc.property(location, (text) => {
        const result = refusal(hop(text));
        expect(result).toMatch(/^https:\/\/[^@]*$|^https:\/\/[^/@]*\/|^HTTP_(?:REDIRECT|DOWNGRADE)$/);
      }),
    );
  });

  it('is one of five statuses', () => {
    const found = Array.from({ length: 600 }, (_, status) => status).filter(isRedirect);
    expect(found).toEqual([301, 302, 303, 307, 308]);
  });
});
