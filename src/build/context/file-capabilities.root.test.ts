import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, makeFolder, type TestBuild, topLayer } from '../../../test/support/build.ts';
import { removeXattr, setXattr } from '../../linux/xattr.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';

/** VFS_CAP_REVISION_2, effective, CAP_NET_RAW (capability.h). */
const PING = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const NAME = 'security.capability';

describe('file capabilities of a context', () => {
  let store: LocalStore;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(() => {
    store = createMemoryStore();
    folder = makeFolder({ ping: ['ping', 0o755], 'd/other': ['other', 0o755], text: 'text' });
    setXattr(`${folder.path}/ping`, NAME, PING);
    setXattr(`${folder.path}/ping`, 'user.note', Buffer.from('of this machine'));
  });
  afterEach(() => folder.remove());

  // Later than every stamp: what may be remembered is remembered.
  const now = () => Date.now() + 10_000;
  const copy = (): Promise<TestBuild> =>
    build(store, 'FROM scratch\nCOPY . /\n', { contextFolder: folder.path, now });
  const cached = ({ steps }: TestBuild): boolean | undefined => steps.at(-1)?.cached;

  it('go into the layer, alone of all attributes', async () => {
    const entries = await topLayer(store, (await copy()).image);
    expect([...(entries.get('ping')?.xattrs ?? [])]).toEqual([[NAME, Uint8Array.from(PING)]]);
    expect(entries.get('d/other')?.xattrs?.size ?? 0).toBe(0);
  });

  it('belong to what a COPY depends on', async () => {
    expect(cached(await copy())).toBe(false);
    expect(cached(await copy())).toBe(true);
    removeXattr(`${folder.path}/ping`, NAME);
    const without = await copy();
    expect(cached(without)).toBe(false);
    expect((await topLayer(store, without.image)).get('ping')?.xattrs?.size ?? 0).toBe(0);
    setXattr(`${folder.path}/ping`, NAME, PING);
    const again = await copy();
    expect(cached(again)).toBe(true);
    expect((await topLayer(store, again.image)).get('ping')?.xattrs?.get(NAME)).toEqual(
      Uint8Array.from(PING),
    );
    setXattr(`${folder.path}/d/other`, NAME, PING);
    expect(cached(await copy())).toBe(false);
  });
});
