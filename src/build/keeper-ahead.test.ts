import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, createFakeKeeper, makeBase, makeFolder, type TestBuild } from '../../test/support/build.ts';
import type { Image } from '../image/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { BuildImageOptions } from './build-image.ts';

describe('a build', () => {
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  let keeper: ReturnType<typeof createFakeKeeper>;
  beforeEach(async () => {
    store = createMemoryStore();
    keeper = createFakeKeeper(store);
    base = await makeBase(store, []);
    folder = makeFolder({ 'hello.c': 'int main;', 'lib/a.h': 'a' });
  });
  afterEach(() => folder.remove());

  const run = (text: string, o: Partial<BuildImageOptions>): Promise<TestBuild> =>
    build(store, text, { base, contextFolder: folder.path, ...o });

  it('starts what runs programs while files are copied below a RUN, and only then', async () => {
    let started = 0;
    const counting = async () => {
      started++;
      return keeper;
    };
    await run('FROM base\nRUN one\n', { keeper: counting });
    expect(started).toBe(1);
    await run('FROM base\nRUN one\nCOPY hello.c /\nCMD a\n', { keeper: counting });
    expect(started).toBe(1);
    await run('FROM base\nRUN one\nCOPY lib /lib\nENV A=1\nRUN two\n', { keeper: counting });
    expect(started).toBe(3);
  });

  it('says why nothing runs programs at the RUN, not at the COPY below it', async () => {
    const none = async () => {
      throw new Error('nothing runs here');
    };
    const text = 'FROM base\nCOPY lib /lib\nRUN two\n';
    await expect(run(text, { keeper: none })).rejects.toThrow('nothing runs here');
    await expect(run('FROM base\nCOPY lib /lib\n', { keeper: none })).resolves.toMatchObject({
      steps: expect.anything(),
    });
  });
});
