import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findInit } from './find-init.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dobos-init-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
};

/** The beginning of a program of 64 bits with program headers of these types. */
function elf(types: readonly number[], start = 64n): Buffer {
  const bytes = Buffer.alloc(64 + 56 * types.length);
  bytes.write('\x7fELF\x02\x01', 'latin1');
  bytes.writeBigUInt64LE(start, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(types.length, 56);
  for (const [at, type] of types.entries()) bytes.writeUInt32LE(type, 64 + 56 * at);
  return bytes;
}
const LOAD = 1;
const INTERPRETER = 3;

test('a static program is found, under the first of its names', () => {
  expect(findInit(folder, [])).toBeUndefined();
  const tini = put('tini', elf([LOAD, LOAD]));
  expect(findInit(folder, [])).toBe(tini);
  expect(findInit('/nowhere', [folder])).toBe(tini);
  const first = put('docker-init', elf([LOAD]));
  expect(findInit(folder, [])).toBe(first);
});

test.each([
  ['needs a loader', elf([LOAD, INTERPRETER])],
  ['is a script', '#!/bin/sh\n'],
  ['is empty', ''],
  ['has no program', elf([])],
  ['is cut off', elf([LOAD], 1n << 60n)],
  ['has 32 bits', Buffer.from('\x7fELF\x01\x01'.padEnd(200, '\0'), 'latin1')],
])('one that %s is passed over', (_, bytes) => {
  put('docker-init', bytes);
  expect(findInit(folder, [])).toBeUndefined();
  const next = put('catatonit', elf([LOAD]));
  expect(findInit(folder, [])).toBe(next);
});
