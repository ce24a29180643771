import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, hasRawBytes } from './names.ts';

describe('names as strings without loss', () => {
  it('come back as the bytes they were, short and long', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.uint8Array({ minLength: 120, maxLength: 400 }),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (name) => {
        expect([...encodeName(decodeName(name))]).toEqual([...name]);
      }),
    );
  });

  for (const [what, around] of [
    ['a short name', ''],
    ['a long one', 'x'.repeat(1000)],
    ['a long one with more than bytes', '☃'.repeat(1000)],
  ] as const) {
    it(`tells in ${what} bytes that are no text from characters of two halves`, () => {
      expect(hasRawBytes(`${around}é😀${around}`)).toBe(false);
      expect(hasRawBytes(`${around}😀\udc80${around}`)).toBe(true);
      expect(hasRawBytes(`\udcff${around}`)).toBe(true);
      expect(hasRawBytes(`${around}\udcff`)).toBe(true);
      expect(hasRawBytes(around)).toBe(false);
    });
  }
});
