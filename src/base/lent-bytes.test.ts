import { expect, it } from 'vitest';
import { giveBack, lendMemory } from './lent-bytes.ts';

it('tells the lender of each chunk of its memory that comes back, and of no other', () => {
  const memory = Buffer.allocUnsafeSlow(100);
  const returned: number[] = [];
  lendMemory(memory.buffer, (chunk) => returned.push(chunk.byteOffset, chunk.length));
  giveBack(Buffer.allocUnsafeSlow(100));
  expect(returned).toEqual([]);
  giveBack(memory.subarray(40));
  giveBack(memory.subarray(0, 40));
  expect(returned).toEqual([40, 60, 0, 40]);
});
