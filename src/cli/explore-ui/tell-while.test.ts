import { expect, it } from 'vitest';
import { fakeTerminal } from '../../../test/support/fake-terminal.ts';
import { tellWhile } from './tell-while.ts';

it('says nothing about what ends at once', async () => {
  const terminal = fakeTerminal();
  expect(await tellWhile(terminal, 'reading …', Promise.resolve(7))).toBe(7);
  expect(terminal.stderr()).toBe('');
});

it('says what takes long, and takes it back, also when it fails', async () => {
  let fail = (_: Error): void => {};
  // The work ends only after the text was told: nothing here waits for a time.
  const terminal = fakeTerminal({
    err: (text) => {
      said.push(String(text));
      fail(new Error('no such layer'));
    },
  });
  const said: string[] = [];
  const work = new Promise<never>((_, reject) => {
    fail = reject;
  });
  await expect(tellWhile(terminal, 'reading …', work)).rejects.toThrow('no such layer');
  expect(said).toEqual(['reading …', '\r\u001b[K']);
});
