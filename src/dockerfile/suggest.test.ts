import { describe, expect, it } from 'vitest';
import { editDistance } from '../base/edit-distance.ts';
import { parseDuration } from './duration.ts';
import { suggest } from './suggest.ts';

describe('suggest', () => {
  it.each([
    ['FNTRYPOINT', 'ENTRYPOINT'],
    ['entrypiont', 'ENTRYPOINT'],
    ['RNU', 'RUN'],
    ['CPOY', 'COPY'],
    ['WORKDRI', 'WORKDIR'],
    ['EXPOS', 'EXPOSE'],
    ['HEALTH', 'HEALTHCHECK'],
    ['HELLO', undefined],
    ['X', undefined],
    ['', undefined],
    ['EOF', undefined],
    ['x'.repeat(10_000), undefined],
  ])('takes %s for %s', (word, want) => {
    const names = ['ENTRYPOINT', 'RUN', 'COPY', 'WORKDIR', 'EXPOSE', 'HEALTHCHECK', 'FROM'];
    expect(suggest(word, names)).toBe(want);
  });

  it('takes the closest of several', () => {
    expect(suggest('form', ['from', 'for', 'format'])).toBe('from');
  });

  it('counts a swap of neighbours as one edit', () => {
    expect([editDistance('ab', 'ba'), editDistance('', 'abc'), editDistance('kitten', 'sitting')]).toEqual([
      1, 3, 3,
    ]);
  });
});

describe('parseDuration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['5s', 5e9],
    ['1m30s', 90e9],
    ['1h15m30.918s', 4_530_918e6],
    ['1.5h', 5400e9],
    ['.5s', 5e8],
    ['300ms', 3e8],
    ['5us', 5e3],
    ['5µs', 5e3],
    ['7ns', 7],
    ['-2s', -2e9],
    ['+2s', 2e9],
    ['', undefined],
    ['5', undefined],
    ['s', undefined],
    ['5 s', undefined],
    ['5x', undefined],
    ['5s5', undefined],
    ['.s', undefined],
    ['99999999999h', undefined],
    ['1'.repeat(100), undefined],
  ])('%s is %s nanoseconds', (text, want) => {
    expect(parseDuration(text)).toBe(want);
  });
});
