import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, openOwnedFile } from './locks.ts';
import { ownerId, ownerState } from './owner.ts';

describe('locks of a store', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-locks-'));
    path = join(folder, 'lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are had one after the other', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      const lock = await acquireLock(path, 'exclusive');
      most = Math.max(most, ++inside);
      await new Promise((resume) => setImmediate(resume));
      inside--;
      lock.release();
    };
    await Promise.all(Array.from({ length: 10 }, work));
    expect(most).toBe(1);
  });

  it('are not waited for after an abort', async () => {
    const held = await acquireLock(path, 'exclusive');
    const control = new AbortController();
    const waiting = acquireLock(path, 'shared', { signal: control.signal });
    control.abort();
    await expect(waiting).rejects.toThrow(/abort/);
    held.release();
  });

  it('stand as files of their owner where there is no flock', () => {
    const lock = openOwnedFile(path);
    expect(openOwnedFile(path)).toBeUndefined();
    lock?.release();
    lock?.release();
    expect(existsSync(`${path}.owner`)).toBe(false);
    const next = openOwnedFile(path);
    expect(next).toBeDefined();
    next?.release();
  });

  it('are taken over from an owner that is dead, and from no other', () => {
    const [pid, start, namespace, boot] = ownerId().split('-');
    writeFileSync(`${path}.owner`, [pid, Number(start) + 1, namespace, boot].join('-'));
    const lock = openOwnedFile(path);
    expect(lock).toBeDefined();
    lock?.release();
    writeFileSync(`${path}.owner`, [pid, start, Number(namespace) + 1, boot].join('-'));
    expect(openOwnedFile(path)).toBeUndefined();
    writeFileSync(`${path}.owner`, '');
    expect(openOwnedFile(path)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['lock.owner']);
  });
});

describe('owners of files', () => {
  const [pid, start, namespace, boot] = ownerId().split('-');

  it('are alive when they run, dead when not, unknown from elsewhere', () => {
    expect(ownerState(ownerId())).toBe('alive');
    expect(ownerState([pid, Number(start) + 1, namespace, boot].join('-'))).toBe('dead');
    expect(ownerState([4194305, start, namespace, boot].join('-'))).toBe('dead');
    expect(ownerState([pid, start, namespace, '0123456789ab'].join('-'))).toBe('dead');
    expect(ownerState([pid, start, Number(namespace) + 1, boot].join('-'))).toBe('unknown');
    for (const text of ['', 'x', '1-2', `${ownerId()}-1`, '../../x'])
      expect(ownerState(text)).toBe('unknown');
  });
});
