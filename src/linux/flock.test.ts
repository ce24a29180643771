import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLock } from './flock.ts';

describe.runIf(process.platform === 'linux')('a file lock', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-flock-'));
    path = join(folder, 'lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is held by one alone when exclusive', () => {
    const lock = openLock(path, 'exclusive');
    expect(openLock(path, 'exclusive')).toBeUndefined();
    expect(openLock(path, 'shared')).toBeUndefined();
    lock?.release();
    lock?.release();
    const next = openLock(path, 'exclusive');
    expect(next).toBeDefined();
    next?.release();
  });

  it('is held by many when shared', () => {
    const locks = [openLock(path, 'shared'), openLock(path, 'shared')];
    expect(locks).not.toContain(undefined);
    locks[0]?.release();
    expect(openLock(path, 'exclusive')).toBeUndefined();
    locks[1]?.release();
    const alone = openLock(path, 'exclusive');
    expect(alone).toBeDefined();
    alone?.release();
  });

  it('says where it cannot be', () => {
    expect(() => openLock(join(folder, 'none', 'lock'), 'shared')).toThrow(/ENOENT/);
  });
});
