import { expect, it } from 'vitest';
import { randomBytes } from './random.ts';

it('gives as many bytes as are wanted, and others each time', () => {
  expect([0, 1, 32, 1000].map((size) => randomBytes(size).length)).toEqual([0, 1, 32, 1000]);
  const names = Array.from({ length: 1000 }, () => randomBytes(8).toString('hex'));
  expect(new Set(names).size).toBe(1000);
});
