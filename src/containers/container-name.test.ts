import { describe, expect, it } from 'vitest';
import { makeContainerName, parseContainerName } from './container-name.ts';
import { MOODS, TRADES } from './name-words.ts';

describe('names of containers', () => {
  it.each(['box', 'a1', 'eager_carver', 'web-1.old', '/box'])('%s is one', (name) => {
    expect(parseContainerName(name)).toBe(name.replace('/', ''));
  });

  it.each(['', 'a', '-box', '_x', 'a b', 'a/b', '../x', 'ä1', 'x'.repeat(129)])('"%s" is none', (name) => {
    expect(() => parseContainerName(name)).toThrow(expect.objectContaining({ code: 'CONTAINER_NAME' }));
  });

  it('are made up of two words, which are names themselves and differ', () => {
    for (const words of [MOODS, TRADES]) {
      expect(new Set(words).size).toBe(words.length);
      expect(words.length).toBeGreaterThan(80);
    }
    expect(
      makeContainerName(
        () => false,
        () => 0,
      ),
    ).toBe(`${MOODS[0]}_${TRADES[0]}`);
    expect(parseContainerName(makeContainerName(() => false, Math.random))).toMatch(/^[a-z]+_[a-z]+$/);
  });

  it('get a number when every draw is taken', () => {
    const taken = new Set([`${MOODS[0]}_${TRADES[0]}`, `${MOODS[0]}_${TRADES[0]}2`]);
    expect(
      makeContainerName(
        (name) => taken.has(name),
        () => 0,
      ),
    ).toBe(`${MOODS[0]}_${TRADES[0]}3`);
  });
});
