import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { shortSha256 } from './short-sha256.ts';

test('the digest of a text of any length is the one that Node computes', () => {
  for (let length = 0; length <= 1100; length++) {
    const text = Array.from({ length }, (_, at) => String.fromCharCode(33 + ((at * 7 + length) % 90))).join(
      '',
    );
    expect(shortSha256(text).toString('hex')).toBe(createHash('sha256').update(text).digest('hex'));
  }
});

test('a text of other characters than those of ASCII is hashed as UTF-8', () => {
  const text = 'sha256:ä€𝄞';
  expect(shortSha256(text).equals(createHash('sha256').update(text).digest())).toBe(true);
});
