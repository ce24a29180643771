import { describe, expect, it } from 'vitest';
import { refuseTypography } from './typography.ts';

const hintFor = (word: string): string | undefined => {
  try {
    refuseTypography(['image', word]);
    return undefined;
  } catch (error) {
    return (error as { hint?: string }).hint;
  }
};

describe('typographic marks from slides', () => {
  it.each([
    ['–rm', 'type it as --rm'],
    ['—tag', 'type it as --tag'],
    ['–t', 'type it as -t'],
    ['“x”', 'type it as "x"'],
    ['‘a b’', 'type it as "a b"'],
  ])('refuses %s with the right form', (word, hint) => expect(hintFor(word)).toBe(hint));

  it.each(['--rm', '-t', 'a–b', 'don’t', '"x"'])('leaves %s alone', (word) =>
    expect(hintFor(word)).toBeUndefined(),
  );
});
