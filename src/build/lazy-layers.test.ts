import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { build, createFakeKeeper, dir, file, makeBase, makeFolder } from '../../test/support/build.ts';
import type { Image } from '../image/types.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { LocalStore } from '../store/contract.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { LazyLayers } from './step-run.ts';

describe('a base whose layers are elsewhere', () => {
  let elsewhere: LocalStore;
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  let brought: number;
  let lazy: LazyLayers;
  beforeEach(async () => {
    elsewhere = createMemoryStore();
    store = createMemoryStore();
    base = await makeBase(elsewhere, [dir('etc'), file('etc/passwd', 'ann:x:7:7::/:/bin/sh\n')]);
    folder = makeFolder({ 'a.txt': 'a' });
    brought = 0;
    lazy = {
      isMissing: (image) => brought === 0 && image.layers[0]?.blob.digest === base.layers[0]!.blob.digest,
      async bring(image) {
        if (!lazy.isMissing(image)) return;
        await copy(elsewhere, store, base.descriptor);
        brought++;
      },
    };
  });
  afterEach(() => folder.remove());

  const run = (text: string, complete?: boolean, squash?: 'new') =>
    build(store, `FROM debian\n${text}`, {
      base: { ...base, layers: base.layers.map(({ blob, diffId }) => openLayer(store, blob, diffId)) },
      contextFolder: folder.path,
      keeper: async () => createFakeKeeper(store),
      lazy,
      complete,
      squash,
    });
  const roots = async (): Promise<number> => {
    let count = 0;
    for await (const _ of store.roots.list()) count++;
    return count;
  };

  it.each([
    ['configuration', 'ENV A=b\nLABEL c=d\nUSER 7\nCMD ["/x"]'],
    ['COPY --link', 'COPY --link a.txt /deep/'],
    ['what stands on COPY --link', 'COPY --link a.txt /x\nENV A=b\nCOPY --link --chown=1:2 a.txt /y'],
  ])('is left where it is by %s, and nothing that lacks its layers is kept', async (_, text) => {
    const { image } = await run(text, false);
    expect(brought).toBe(0);
    expect(image.layers[0]!.blob).toEqual(base.layers[0]!.blob);
    expect(await roots()).toBe(0);
  });

  it.each([
    ['RUN', 'RUN true'],
    ['COPY', 'COPY a.txt /etc/'],
    ['WORKDIR', 'WORKDIR /etc/x'],
    ['a RUN above configuration', 'ENV A=b\nRUN true\nENV B=c'],
  ])('is brought once by %s', async (_, text) => {
    await run(text, false);
    expect(brought).toBe(1);
    expect(await roots()).toBeGreaterThan(1);
  });

  it('is brought by what is copied from it, and only then', async () => {
    await run('FROM scratch\nCOPY --from=0 /etc/passwd /', false);
    expect(brought).toBe(1);
  });

  it('is brought in the end by a build that squashes', async () => {
    const { image } = await run('COPY --link a.txt /x\nCOPY --link a.txt /y', false, 'new');
    expect(brought).toBe(1);
    expect(image.layers).toHaveLength(2);
  });

  it('is brought in the end where the image is to be whole, and then all steps are kept', async () => {
    const first = await run('ENV A=b\nCOPY --link a.txt /x');
    expect(brought).toBe(1);
    const again = await run('ENV A=b\nCOPY --link a.txt /x');
    expect(again.image.descriptor).toEqual(first.image.descriptor);
    expect(again.steps.every(({ cached }) => cached)).toBe(true);
    for await (const problem of store.check()) expect(problem).toBe('none');
  });
});
