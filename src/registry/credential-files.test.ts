import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDobosError } from '../base/errors.ts';
import { type CredentialFile, decodeEntry, parseCredentialFile } from './credential-files.ts';
import { keysFor } from './credential-keys.ts';
import { helperFor } from './credentials.ts';

const SECRET = 'c2VjcmV0LXdvcmQ';
const odd = fc.oneof(
  { depthSize: 'small' },
  fc.constantFrom(
    null,
    '',
    SECRET,
    `${SECRET}==`,
    `${SECRET}:`,
    Buffer.from(`a:${SECRET}`).toString('base64'),
    7,
    true,
    [],
    [SECRET],
  ),
  fc.dictionary(
    fc.constantFrom('auth', 'username', 'password', 'identitytoken', 'r.example', '__proto__', 'constructor'),
    fc.constantFrom(SECRET, '', null, 1),
  ),
);
const config = fc.record(
  {
    auths: fc.oneof(
      odd,
      fc.dictionary(
        fc.constantFrom(
          'r.example',
          'https://r.example/v1/',
          'r.example/a',
          '/',
          '',
          'https://',
          '__proto__',
        ),
        odd,
      ),
    ),
    credHelpers: fc.oneof(odd, fc.dictionary(fc.constantFrom('r.example', '', '../x'), odd)),
    credsStore: odd,
  },
  { requiredKeys: [] },
);

/** What stands in the way of a text being read: one of our errors, in which no secret is. */
function problemOf(text: string): unknown {
  const place = { path: '/f', format: 'config', forLogin: true } as const;
  try {
    const file: CredentialFile = parseCredentialFile(place, text);
    for (const key of keysFor('r.example', 'a/b')) {
      const entry = file.auths.get(key);
      if (entry !== undefined) decodeEntry(file, entry);
    }
    helperFor(file, keysFor('r.example', 'a/b'), {});
    return undefined;
  } catch (error) {
    expect(isDobosError(error, 'CREDENTIALS_FILE')).toBe(true);
    expect(`${(error as Error).stack}${JSON.stringify((error as { facts?: unknown }).facts)}`).not.toContain(
      SECRET,
    );
    expect((error as Error).cause).toBeUndefined();
    return error;
  }
}

describe('a credentials file of any content', () => {
  it('is read or is one clear error without a secret', () => {
    let refused = 0;
    fc.assert(
      fc.property(config, (value) => {
        if (problemOf(JSON.stringify(value)) !== undefined) refused++;
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(10);
  });
  it('is so also when it is cut anywhere', () => {
    const text = `{"auths":{"r.example":{"auth":"${SECRET}"}},"credsStore":"x"}`;
    for (let length = 1; length < text.length; length++)
      expect(problemOf(text.slice(0, length))).toBeDefined();
  });
});
