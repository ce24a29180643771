import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutatedDockerfiles, texts } from '../../test/support/mutated-dockerfiles.ts';
import { parseDockerfile } from './parse-dockerfile.ts';

describe('a Dockerfile with mistakes in it', () => {
  // The time limit is the bound: one that takes longer than a few milliseconds fails the whole.
  it('is a value whose ranges, joined, are its text, 5,000 times', () => {
    expect(texts.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(mutatedDockerfiles, (mutated) => {
        const file = parseDockerfile(mutated);
        expect(file.text).toBe(mutated);
        expect(
          file.tiles.map(({ range }) => mutated.slice(range.start.offset, range.end.offset)).join(''),
        ).toBe(mutated);
        const ends = file.tiles.map(({ range }) => range.end.offset);
        expect(file.tiles.findIndex(({ range }, n) => range.start.offset !== (ends[n - 1] ?? 0))).toBe(-1);
        expect(ends.at(-1) ?? 0).toBe(mutated.length);
      }),
      { numRuns: 5000 },
    );
  });
});
