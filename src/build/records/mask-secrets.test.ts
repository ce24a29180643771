import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMask } from './mask-secrets.ts';

const through = (values: readonly string[], pieces: readonly string[]): string => {
  const mask = createMask(values.map((value) => Buffer.from(value)))!;
  return Buffer.concat([...pieces.map((piece) => mask.pass(Buffer.from(piece))), mask.rest()]).toString();
};

describe('a mask over what a step prints', () => {
  it('replaces values, also in pieces, the longest first, without the line end of their files', () => {
    expect(through(['s3cret\n'], ['a s3c', 'ret b s3cr s3cret'])).toBe('a *** b s3cr ***');
    expect(through(['abcd', 'abcdef'], ['abcdefabcd', 'ef', 'abcd'])).toBe('***' + '***' + '***');
    expect(through(['aaaab'], ['aaaaaaa', 'ab'])).toBe('aaaa***');
  });

  it('holds nothing back that is no beginning of a value', () => {
    const mask = createMask([Buffer.from('s3cret')])!;
    expect(Buffer.from(mask.pass(Buffer.from('line\nhalf'))).toString()).toBe('line\nhalf');
    expect(Buffer.from(mask.pass(Buffer.from(' s3c'))).toString()).toBe(' ');
    expect(Buffer.from(mask.rest()).toString()).toBe('s3c');
  });

  it('is none where there is nothing to look for', () => {
    expect(createMask([])).toBeUndefined();
    expect(createMask([Buffer.from('abc\n'), Buffer.from('')])).toBeUndefined();
  });

  it('does the same however the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
        const at = [0, ...cuts, whole.length].filter((cut) => cut <= whole.length).sort((a, b) => a - b);
        const pieces = at.slice(1).map((cut, i) => whole.slice(at[i], cut));
        expect(through(['aabab'], pieces)).toBe(whole.replaceAll('aabab', '***'));
      }),
      { numRuns: 500 },
    );
  });
});
