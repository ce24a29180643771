import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  countWrites,
  createFakeKeeper,
  dir,
  file,
  makeBase,
  makeFolder,
  type TestBuild,
} from '../../test/support/build.ts';
import { viewLines } from '../../test/support/squashed.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import { stackLayers } from '../layer/apply-layer.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { BuildImageOptions } from './build-image.ts';
import { STEP_IMAGES } from './step-images.ts';

const TEXT = `FROM debian AS first
COPY a /d/a
FROM first
RUN make
COPY b /d/a
ENV MODE=fast
CMD ["/d/a"]
`;

describe('a build that squashes', () => {
  let folder: ReturnType<typeof makeFolder>;
  let store: LocalStore;
  let base: Image;
  let keeper: ReturnType<typeof createFakeKeeper>;
  beforeEach(async () => {
    folder = makeFolder({ a: 'aaaa', b: 'b' });
    store = createMemoryStore();
    keeper = createFakeKeeper(store);
    base = await makeBase(store, [dir('etc'), file('etc/os-release', 'test')]);
  });
  afterEach(() => folder.remove());

  const run = (
    o: Partial<BuildImageOptions> & { text?: string; to?: LocalStore } = {},
  ): Promise<TestBuild> => {
    const { text = TEXT, to = store, ...rest } = o;
    const now = () => Date.now() + 1000;
    return build(to, text, { base, contextFolder: folder.path, keeper: async () => keeper, now, ...rest });
  };
  const view = async (image: Image): Promise<string[]> =>
    viewLines(stackLayers(await readLayerIndexes(store, image.layers)));

  it('shows the same files with one layer on its base, or with one in all', async () => {
    const whole = await run();
    const own = await run({ squash: 'new' });
    const all = await run({ squash: 'all' });
    expect(whole.image.layers).toHaveLength(4);
    expect(own.image.layers.map(({ diffId }) => diffId)).toEqual([base.layers[0]!.diffId, expect.anything()]);
    expect(all.image.layers).toHaveLength(1);
    for (const { image } of [own, all]) {
      expect(await view(image)).toEqual(await view(whole.image));
      expect(image.config.config).toEqual(whole.image.config.config);
      expect(image.config.history).toHaveLength(whole.image.config.history!.length);
    }
    expect(own.squashed).toMatchObject({ what: 'new', layers: 3, baseLayers: 0 });
    expect(all.squashed).toMatchObject({ what: 'all', layers: 4, baseLayers: 1 });
    const { before, after } = own.squashed!.report!;
    expect(before - after).toBe(4);
    expect(whole.squashed).toBeUndefined();
  });

  it('has its steps cached as they are, with and without squashing', async () => {
    await run({ squash: 'new' });
    const { runs } = keeper;
    expect(runs).toHaveLength(1);
    for (const squash of ['new', 'all', undefined] as const)
      expect((await run({ squash })).steps.every(({ cached }) => cached)).toBe(true);
    expect(runs).toHaveLength(1);
  });

  it('does nothing and writes nothing the second time', async () => {
    for (const squash of ['new', 'all'] as const) {
      const first = await run({ squash });
      const counted = countWrites(store);
      const again = await run({ squash, to: counted });
      expect(again.image.manifestBytes).toEqual(first.image.manifestBytes);
      expect(again.squashed).toEqual(first.squashed);
      expect(counted.writes).toEqual([]);
    }
  });

  it('is written to the store, with its annotations, and keeps no step of its own alive', async () => {
    const { image } = await run({ squash: 'new', annotations: { who: 'me' } });
    expect((await readImage(store, image.descriptor)).manifest.annotations).toEqual({ who: 'me' });
    const root = await store.roots.get(STEP_IMAGES, image.descriptor.digest.slice(7));
    expect(root?.targets.map(({ digest }) => digest)).toEqual([base.descriptor.digest]);
  });

  it('gives the same digest in another store with SOURCE_DATE_EPOCH', async () => {
    const { image } = await run({ squash: 'all', epoch: 1_700_000_000 });
    const other = createMemoryStore();
    await makeBase(other, [dir('etc'), file('etc/os-release', 'test')]);
    const again = await run({
      squash: 'all',
      epoch: 1_700_000_000,
      to: other,
      keeper: async () => createFakeKeeper(other),
      base: await makeBase(other, [dir('etc'), file('etc/os-release', 'test')]),
    } as Partial<BuildImageOptions>);
    expect(again.image.descriptor).toEqual(image.descriptor);
  });

  it.each([
    ['FROM debian\nENV X=y\n', 'new', 0],
    ['FROM debian\nCOPY a /\n', 'new', 1],
    ['FROM scratch\nCOPY a /\n', 'all', 1],
    ['FROM debian\n', 'all', 1],
  ] as const)('has nothing to do for %j', async (text, squash, layers) => {
    const whole = await run({ text });
    const { image, squashed } = await run({ text, squash });
    expect(image.manifestBytes).toEqual(whole.image.manifestBytes);
    expect(squashed).toEqual({ what: squash, layers, baseLayers: 0, report: undefined });
  });

  it('takes no base from a stage that begins with scratch', async () => {
    const { image, squashed } = await run({ text: 'FROM scratch\nCOPY a /\nCOPY b /\n', squash: 'new' });
    expect(image.layers).toHaveLength(1);
    expect(squashed?.layers).toBe(2);
  });
});
