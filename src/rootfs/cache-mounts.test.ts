import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheMountRequest, createCacheMounts } from './cache-mounts.ts';

describe.skipIf(process.platform !== 'linux')('cache mounts', () => {
  let folder: string;
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const request = (over: Partial<CacheMountRequest> = {}): CacheMountRequest => ({
    ...{ id: 'a', sharing: 'shared' as const, ...own },
    ...over,
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-caches-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('keep what is in them, by id, owner, mode and beginning', async () => {
    const caches = createCacheMounts(folder);
    const first = await caches.open(request({ mode: 0o700 }));
    expect(statSync(first.folder).mode & 0o777).toBe(0o700);
    writeFileSync(join(first.folder, 'x'), 'kept');
    first.release();
    const again = await createCacheMounts(folder).open(request({ mode: 0o700 }));
    expect(readdirSync(again.folder)).toEqual(['x']);
    again.release();
    for (const other of [request({ id: 'b' }), request()]) {
      const { folder: place, release } = await caches.open(other);
      expect(readdirSync(place)).toEqual([]);
      release();
    }
    const fill = async (to: string): Promise<void> => writeFileSync(join(to, 'seed'), '');
    const seeded = await caches.open(request({ seed: { name: 's', fill } }));
    expect(readdirSync(seeded.folder)).toEqual(['seed']);
    seeded.release();
    expect(
      caches
        .list()
        .map(({ id, bytes }) => `${id} ${bytes}`)
        .sort(),
    ).toEqual(['a 0', 'a 0', 'a 4', 'b 0']);
  });

  it('are shared by many, held by one, or doubled for the second', async () => {
    const caches = createCacheMounts(folder);
    const one = await caches.open(request());
    const two = await caches.open(request());
    expect(two.folder).toBe(one.folder);
    const apart = await caches.open(request({ sharing: 'private' }));
    expect(apart.folder).not.toBe(one.folder);
    let waits = 0;
    const locked = caches.open(request({ sharing: 'locked' }), { onWait: () => waits++ });
    one.release();
    two.release();
    const held = await locked;
    expect([held.folder, waits]).toEqual([one.folder, 1]);
    const stop = new AbortController();
    const waiting = caches.open(request(), { signal: stop.signal, onWait: () => stop.abort() });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    held.release();
    apart.release();
    const alone = await caches.open(request({ sharing: 'private' }));
    expect(alone.folder).toBe(one.folder);
    alone.release();
  });

  it('are never half-made', async () => {
    const caches = createCacheMounts(folder);
    const fill = async (to: string): Promise<void> => {
      writeFileSync(join(to, 'part'), '');
      throw new Error('cut off');
    };
    await expect(caches.open(request({ seed: { name: 's', fill } }))).rejects.toThrow('cut off');
    expect(caches.list()).toEqual([]);
    const fresh = await caches.open(request({ seed: { name: 's', fill: async () => {} } }));
    expect(readdirSync(fresh.folder)).toEqual([]);
    fresh.release();
  });

  it('are removed by id or age, unless they are in use, with whatever was left half-done', async () => {
    const caches = createCacheMounts(folder);
    expect(caches.remove({})).toEqual([]);
    const used = await caches.open(request({ id: 'used' }));
    (await caches.open(request({ id: 'old' }))).release();
    mkdirSync(join(folder, 'cache-mounts/data', `${'0'.repeat(32)}.new`));
    expect(caches.remove({ ids: ['nobody'] })).toEqual([]);
    expect(caches.remove({ olderThan: 1 })).toEqual([]);
    expect(caches.remove({}).map(({ id }) => id)).toEqual(['old']);
    expect(existsSync(used.folder)).toBe(true);
    expect(readdirSync(join(folder, 'cache-mounts/data'))).toHaveLength(1);
    used.release();
    expect(caches.remove({ ids: ['used'] }).map(({ id }) => id)).toEqual(['used']);
  });
});
