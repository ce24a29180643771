import { expect, it } from 'vitest';
import type { LocalStore } from './contract.ts';
import { expectCode, MANIFEST, putText, toArray } from './contract-fixtures.ts';

/** The part of the contract suite on notes and roots. */
export function noteAndRootTests(get: () => LocalStore): void {
  it('keeps notes by kind and key', async () => {
    const { notes } = get();
    expect(await notes.get('index', 'sha256:aa')).toBeUndefined();
    await notes.put('index', 'sha256:aa', Buffer.from([1, 2]));
    await notes.put('index', 'b', Buffer.from('old'));
    await notes.put('index', 'b', Buffer.from('new'));
    await notes.put('context', 'b', Buffer.from('other'));
    expect(await notes.get('index', 'sha256:aa')).toEqual(Buffer.from([1, 2]));
    expect(String(await notes.get('index', 'b'))).toBe('new');
    expect(await toArray(notes.list('index'))).toEqual(['b', 'sha256:aa']);
    expect(await toArray(notes.list('nothing'))).toEqual([]);
    await notes.remove('index', 'b');
    await notes.remove('index', 'b');
    expect(await notes.get('index', 'b')).toBeUndefined();
    expect(String(await notes.get('context', 'b'))).toBe('other');
  });

  it.each(['..', '.', '', 'a/b', '../x', 'a+b', 'a b', 'ä', 'x'.repeat(201)])(
    'refuses the key %j',
    async (key) => {
      const { notes, roots } = get();
      await expectCode(notes.put('k', key, Buffer.alloc(0)), 'STORE_BAD_KEY');
      await expectCode(notes.put(key, 'k', Buffer.alloc(0)), 'STORE_BAD_KEY');
      await expectCode(notes.get('k', key), 'STORE_BAD_KEY');
      expect(() => notes.path('k', key)).toThrow();
      await expectCode(roots.put({ kind: 'k', id: key, targets: [] }), 'STORE_BAD_KEY');
      await expectCode(roots.get(key, 'k'), 'STORE_BAD_KEY');
      await expectCode(toArray(roots.list(key)), 'STORE_BAD_KEY');
    },
  );

  it('keeps roots with their data and their last use', async () => {
    const { roots } = get();
    const target = await putText(get(), 'one', MANIFEST);
    expect(await roots.get('step', 'sha256:aa')).toBeUndefined();
    const before = Date.now();
    await roots.put({
      kind: 'step',
      id: 'sha256:aa',
      targets: [target],
      data: { a: [1] },
      onlyWith: target.digest,
    });
    await roots.put({ kind: 'container', id: 'b', targets: [] });
    const root = await roots.get('step', 'sha256:aa');
    expect(root).toMatchObject({ kind: 'step', id: 'sha256:aa', targets: [target], data: { a: [1] } });
    expect(root?.onlyWith).toBe(target.digest);
    expect(root?.usedAt).toBeGreaterThanOrEqual(before);
    await roots.touch('step', 'sha256:aa');
    expect((await roots.get('step', 'sha256:aa'))?.usedAt).toBeGreaterThanOrEqual(root?.usedAt ?? 0);
    await roots.touch('step', 'none');
    expect((await toArray(roots.list())).map(({ id }) => id)).toEqual(['b', 'sha256:aa']);
    expect((await toArray(roots.list('step'))).map(({ id }) => id)).toEqual(['sha256:aa']);
    await roots.remove('step', 'sha256:aa');
    await roots.remove('step', 'sha256:aa');
    expect(await roots.get('step', 'sha256:aa')).toBeUndefined();
  });
}
