import { expect, it } from 'vitest';
import { isDigest, parseDigest, shortDigest } from './digest.ts';

const HEX = 'ab'.repeat(32);

it.each([
  '',
  HEX,
  `sha256:${HEX.toUpperCase()}`,
  `SHA256:${HEX}`,
  `sha256:${HEX}0`,
  `sha256:${HEX.slice(1)}`,
  `sha512:${HEX}`,
  `blake3:${HEX}`,
  `sha256:../../../etc/passwd`,
  `sha256:${HEX}\n`,
  `constructor:${HEX}`,
])('refuses %j', (text) => {
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'OCI_DIGEST_INVALID' }));
  expect(isDigest(text)).toBe(false);
});

it('takes sha256 and sha512 in lower case', () => {
  expect(parseDigest(`sha256:${HEX}`)).toBe(`sha256:${HEX}`);
  expect(parseDigest(`sha512:${HEX}${HEX}`)).toBe(`sha512:${HEX}${HEX}`);
  expect(shortDigest(`sha256:${HEX}`)).toBe('abababababab');
});
