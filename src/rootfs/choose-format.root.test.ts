import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseFormat } from './choose-format.ts';

let folder: string;
let known: Map<string, Buffer>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-format-'));
  known = new Map();
});
afterEach(() => rmSync(folder, { recursive: true }));

const notes = {
  get: async (_: string, key: string) => known.get(key),
  put: async (_: string, key: string, bytes: Uint8Array) => void known.set(key, Buffer.from(bytes)),
};
const choose = () => chooseFormat(folder, false, notes);

it('tries a format out once, leaves nothing, and goes by what it knows then', async () => {
  expect(await choose()).toBe('trusted');
  expect(readdirSync(folder)).toEqual([]);
  expect([...known.values()].map(String)).toEqual(['trusted']);
  // Where nothing could be tried out, so that only what is known can say it.
  const [key] = known.keys();
  known.set(key!, Buffer.from('user'));
  expect(await choose()).toBe('user');
});

it('tries again where what is known is no overlay format, or cannot be kept', async () => {
  await choose();
  const [key] = known.keys();
  for (const text of ['whole', 'trusted\n', '']) {
    known.set(key!, Buffer.from(text));
    expect(await choose()).toBe('trusted');
  }
  const refuse = async (): Promise<void> => {
    throw new Error('read-only');
  };
  known.clear();
  expect(await chooseFormat(folder, false, { ...notes, put: refuse })).toBe('trusted');
});

it('keeps what root may apart from what a user may', async () => {
  await choose();
  await chooseFormat(folder, true, notes);
  expect([...known.values()].map(String).sort()).toEqual(['trusted', 'user']);
});
