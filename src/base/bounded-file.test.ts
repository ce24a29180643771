import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBounded } from './bounded-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bounded-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([0, 1, 65_535, 65_536, 200_000])('a file of %d bytes is read whole, or not at all', (size) => {
  const path = join(folder, 'file');
  const bytes = Buffer.alloc(size, 'x');
  writeFileSync(path, bytes);
  expect(readBounded(path, size)).toEqual(bytes);
  if (size > 0)
    expect(readBounded(path, size - 1)).toEqual({ why: `${size} bytes are more than ${size - 1}` });
});

test('what is not there is a system error', () => {
  expect(() => readBounded(join(folder, 'none'), 10)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

test.runIf(process.platform !== 'win32')(
  'a folder, a pipe without a writer and an endless device end',
  () => {
    mkdirSync(join(folder, 'folder'));
    expect(readBounded(join(folder, 'folder'), 10)).toEqual({ why: 'it is a folder' });
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(readBounded(join(folder, 'pipe'), 10, { found: true })).toEqual({ why: 'it is no regular file' });
    symlinkSync('/dev/zero', join(folder, 'zeros'));
    expect(readBounded(join(folder, 'zeros'), 1_000_000)).toEqual({ why: 'it has more than 1000000 bytes' });
    expect(readBounded(join(folder, 'zeros'), 10, { found: true })).toEqual({ why: 'it is no regular file' });
  },
);
