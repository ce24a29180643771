import { expect, it } from 'vitest';
import { giveBack, lendMemory } from './lent-bytes.ts';

it('gives memory back to its lender once, and leaves other memory alone', () => {
  const memory = Buffer.allocUnsafeSlow(100);
  const returned: number[] = [];
  lendMemory(memory.buffer, (chunk) => returned.push(chunk.byteOffset));
  giveBack(Buffer.allocUnsafeSlow(100));
  expect(returned).toEqual([]);
  giveBack(memory.subarray(40));
  giveBack(memory.subarray(40));
  expect(returned).toEqual([40]);
});
