import { expect, it } from 'vitest';
import { formatTable } from './table.ts';

it('pads columns to their widest cell and three blanks, the last one not', () => {
  expect(formatTable([['A', 'BB', 'C'], ['aaaa', 'b', 'c']])).toBe('A      BB   C\naaaa   b    c\n'); // biome-ignore format: as a table
});

it('is a head alone without rows', () =>
  expect(formatTable([['REPOSITORY', 'TAG']])).toBe('REPOSITORY   TAG\n'));
