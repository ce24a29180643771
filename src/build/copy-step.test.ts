import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, countWrites, makeFolder, topLayer } from '../../test/support/build.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';

const TEXT = 'FROM scratch\nCOPY . extra/ /app/\n';

describe('a COPY of many files', () => {
  let store: LocalStore;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(() => {
    store = createMemoryStore();
    folder = makeFolder({ 'extra/7': 'over the other 7' });
    for (let i = 0; i < 600; i++) writeFileSync(join(folder.path, String(i)), `content ${i}`);
    linkSync(join(folder.path, '5'), join(folder.path, 'five'));
    mkdirSync(join(folder.path, 'empty'));
  });
  afterEach(() => folder.remove());

  const run = (to = store) =>
    build(to, TEXT, { contextFolder: folder.path, epoch: 1_000_000_000, now: () => Date.now() + 10_000 });
  const roots = async (): Promise<string[]> => {
    const ids = [];
    for await (const { id } of store.roots.list('step')) ids.push(id);
    return ids.sort();
  };

  it('makes the same layer and the same key, whether its files are hashed before it runs or while it does', async () => {
    const first = await run();
    const ids = await roots();
    expect(first.steps.map(({ cached }) => cached)).toContain(false);
    // The place is known now, so the files are hashed first; the index of contents is gone too.
    for (const id of ids) await store.roots.remove('step', id);
    for await (const key of store.notes.list('context')) await store.notes.remove('context', key);
    const second = await run();
    expect(second.steps.map(({ cached }) => cached)).toEqual(first.steps.map(({ cached }) => cached));
    expect(second.image.descriptor).toEqual(first.image.descriptor);
    expect(await roots()).toEqual(ids);
    const seven = (await topLayer(store, first.image)).get('app/7');
    expect(seven?.size).toBe('over the other 7'.length);
  });

  it('comes from the cache the next time without a write, and names the one file that changed', async () => {
    await run();
    const counted = countWrites(store);
    const again = await run(counted);
    expect(again.steps.every(({ cached }) => cached)).toBe(true);
    expect(counted.writes).toEqual([]);
    writeFileSync(join(folder.path, '33'), 'changed');
    const third = await run();
    expect(third.steps.find(({ cached }) => !cached)?.why).toEqual(['33 changed']);
    // Files that another source replaces in the image count as well: the key is about what is selected.
    writeFileSync(join(folder.path, '7'), 'hidden by extra/7');
    expect((await run()).steps.find(({ cached }) => !cached)?.why).toEqual(['7 changed']);
  });
});
