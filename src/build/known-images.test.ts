import { beforeEach, describe, expect, it } from 'vitest';
import { build, createFakeKeeper, makeBase, type TestBuild } from '../../test/support/build.ts';
import { imageId } from '../image/image-id.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { BuildImageOptions } from './build-image.ts';
import { STEP_KIND } from './step-cache.ts';
import { STEP_IMAGES } from './step-images.ts';

const TEXT = 'FROM debian\nENV A=1\nRUN one\nLABEL b=2\nRUN two\nCMD ["x"]\n';

describe('images of steps that are in the cache', () => {
  let store: LocalStore;
  let base: Image;
  beforeEach(async () => {
    store = createMemoryStore();
    base = await makeBase(store, []);
  });

  const run = (text = TEXT, o: Partial<BuildImageOptions> = {}): Promise<TestBuild> =>
    build(store, text, { base, keeper: async () => createFakeKeeper(store), ...o });
  /** Of the base and of each instruction; between them stands what the base is given without one. */
  const ofInstructions = ({ steps }: TestBuild) => steps.filter((_, at) => at !== 1);
  const ids = (built: TestBuild) => ofInstructions(built).map((step) => step.imageId);
  /** Of the images that the root of this build lists. */
  const listed = async ({ image }: TestBuild): Promise<string[]> => {
    const root = await store.roots.get(STEP_IMAGES, image.descriptor.digest.slice('sha256:'.length));
    const images = (root?.targets ?? []).map((target) => readImage(store, target));
    return (await Promise.all(images)).map(imageId);
  };

  it('are called what they were called, and are there', async () => {
    const first = await run();
    const again = await run();
    expect(ids(again)).toEqual(ids(first));
    expect(again.image.descriptor).toEqual(first.image.descriptor);
    expect(await listed(again)).toEqual(ids(first));
  });

  it('are others over another image below, and the first again over the first', async () => {
    const first = await run();
    const other = await run(TEXT.replace('b=2', 'b=3'));
    expect(ofInstructions(other).map(({ cached }) => cached)).toEqual([true, true, true, false, true, false]);
    expect(ids(other).slice(0, 3)).toEqual(ids(first).slice(0, 3));
    for (const at of [3, 4, 5]) expect(ids(other)[at]).not.toBe(ids(first)[at]);
    expect(await listed(other)).toEqual(ids(other));
    expect(ids(await run())).toEqual(ids(first));
  });

  it('are others when a step below was made anew at another time', async () => {
    const first = await run();
    const later = Date.now() + 60_000;
    const fresh = await run(TEXT, { useCache: false, now: () => later });
    expect(ids(fresh).at(-1)).not.toBe(ids(first).at(-1));
    const again = await run();
    expect(ids(again)).toEqual(ids(fresh));
    expect(await listed(again)).toEqual(ids(again));
  });

  it('are there whatever somebody else wrote into the cache', async () => {
    const first = await run();
    for await (const { kind, id, targets, data } of store.roots.list(STEP_KIND)) {
      await store.roots.put({
        kind,
        id,
        targets,
        data: { ...(data as object), imageId: `sha256:${'0'.repeat(64)}` },
      });
    }
    await store.roots.remove(STEP_IMAGES, first.image.descriptor.digest.slice('sha256:'.length));
    const again = await run();
    expect(again.image.descriptor).toEqual(first.image.descriptor);
    expect(await listed(again)).toEqual(ids(first));
  });
});
