import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { opensslSha256 } from './sha256.ts';

it.runIf(process.platform === 'linux')('is what Node’s crypto says', () => {
  const sha256 = opensslSha256();
  expect(sha256).toBeDefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
      expect(sha256?.(bytes).toString('hex')).toBe(hash('sha256', bytes, 'hex'));
      // A view into a larger buffer.
      const inside = bytes.subarray(bytes.length >> 1);
      expect(sha256?.(inside).toString('hex')).toBe(hash('sha256', inside, 'hex'));
    }),
  );
});
