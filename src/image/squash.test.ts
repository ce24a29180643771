import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countWrites, dir, file } from '../../test/support/build.ts';
import { viewLines } from '../../test/support/squashed.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { stackLayers } from '../layer/apply-layer.ts';
import { openLayer } from '../layer/open-layer.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { Layer, PlannedEntry } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { HistoryEntry } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { annotateImage, sealImage } from './seal-image.ts';
import { type SquashReport, squash } from './squash.ts';
import type { Image } from './types.ts';

const gone = (path: string): PlannedEntry => dir(path, { kind: 'whiteout' });

/** Base, a file of 1000 bytes, its removal, another file; CMD on top. */
const PLANS: readonly (readonly PlannedEntry[])[] = [
  [dir('etc'), file('etc/os-release', 'test')],
  [dir('big'), file('big/tools', 'x'.repeat(1000))],
  [gone('big/tools'), file('result', 'made')],
  [file('etc/os-release', 'other')],
];
const HISTORY: readonly HistoryEntry[] = [
  { created_by: 'base', comment: 'imported' },
  { created_by: 'ENV X=y', empty_layer: true },
  { created_by: 'RUN install', comment: 'dobos' },
  { created_by: 'RUN clean' },
  { created_by: 'COPY etc', comment: 'dobos' },
  { created_by: 'CMD ["x"]', empty_layer: true },
];

async function makeImage(
  store: LocalStore,
  plans: typeof PLANS = PLANS,
  history: readonly HistoryEntry[] = HISTORY,
): Promise<Image> {
  const layers: Layer[] = [];
  for (const plan of plans) layers.push(await writeLayer(store, plan));
  const rootfs = { type: 'layers' as const, diff_ids: [] };
  const config = { Cmd: ['x'] };
  return sealImage(
    { os: 'linux', architecture: 'amd64', created: '2020-01-01T00:00:00Z', config, rootfs, history },
    layers,
  );
}

async function viewOf(store: LocalStore, image: Image): Promise<string[]> {
  return viewLines(stackLayers(await readLayerIndexes(store, image.layers)));
}

const rowsOf = ({ config }: Image): string[] =>
  (config.history ?? []).map(
    ({ created_by, comment, empty_layer }) => `${empty_layer ? '-' : '#'} ${created_by}: ${comment ?? ''}`,
  );

describe('squash', () => {
  it('shows the same files in fewer layers, for every range', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    const want = await viewOf(store, image);
    for (const [from, to] of [[0, 1], [0, 3], [1, 2], [1, undefined], [2, 3]] as const) {
      const squashed = await squash(image, { from, to }, store);
      expect(squashed.layers).toHaveLength(4 - ((to ?? 3) - from));
      expect(squashed.config.rootfs.diff_ids).toEqual(squashed.layers.map(({ diffId }) => diffId));
      expect(squashed.config.history?.filter((row) => row.empty_layer !== true)).toHaveLength(squashed.layers.length);
      expect(await viewOf(store, squashed), `${from} to ${to}`).toEqual(want);
      for (const { diffId, openTar } of squashed.layers) expect(sha256(await collect(openTar(), 1e6))).toBe(diffId);
    } // biome-ignore format: a line an assertion
  });

  it('keeps every row of the history, the layer with the last of those that made one', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    const squashed = await squash(image, { from: 1, to: 2 }, store);
    expect(rowsOf(squashed)).toEqual([
      '# base: imported',
      '- ENV X=y: ',
      '- RUN install: dobos',
      '# RUN clean: squashed from 2 layers',
      '# COPY etc: dobos',
      '- CMD ["x"]: ',
    ]);
    expect(squashed.config).toEqual({
      ...image.config,
      rootfs: squashed.config.rootfs,
      history: squashed.config.history,
    });
    expect(rowsOf(await squash(image, { from: 0 }, store)).slice(-2)).toEqual([
      '# COPY etc: dobos, squashed from 4 layers',
      '- CMD ["x"]: ',
    ]);
  });

  it('makes rows for layers that have none', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store, PLANS, []);
    const { config } = await squash(image, { from: 1 }, store);
    expect(config.history?.map((row) => row.empty_layer ?? false)).toEqual([false, true, true, false]);
  });

  it('tells what was saved', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    const reports: SquashReport[] = [];
    const onEvent = (report: SquashReport) => reports.push(report);
    await squash(image, { from: 1 }, store, { onEvent });
    await squash(image, { from: 0 }, store, { onEvent });
    await squash(image, { from: 2 }, store, { onEvent });
    expect(reports).toEqual([
      { layers: 3, into: 1, before: 1009, after: 9 },
      { layers: 4, into: 1, before: 1013, after: 9 },
      { layers: 2, into: 1, before: 9, after: 9 },
    ]);
  });

  it('makes no layer of layers that come to nothing', async () => {
    const store = createMemoryStore();
    const image = await makeImage(
      store,
      [[file('a', 'a')], [file('b', 'b')], [gone('b')]],
      [{ created_by: '1' }, { created_by: '2' }, { created_by: '3' }],
    );
    const squashed = await squash(image, { from: 1 }, store);
    expect(squashed.layers).toEqual(image.layers.slice(0, 1));
    expect(rowsOf(squashed)).toEqual(['# 1: ', '- 2: ', '- 3: ']);
    expect(await squash(image, { from: 1 }, store)).toEqual(squashed);
  });

  it('is the image itself for one layer or none', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    for (const range of [{ from: 3 }, { from: 4 }, { from: 2, to: 2 }, { from: 2, to: 1 }])
      expect(await squash(image, range, store)).toBe(image);
  });

  it.each([{ from: -1 }, { from: 5 }, { from: 0, to: 4 }, { from: 0.5 }])(
    'refuses layers that are not there: %o',
    async (range) => {
      const store = createMemoryStore();
      const image = await makeImage(store);
      await expect(squash(image, range, store)).rejects.toThrow(RangeError);
    },
  );

  it('drops annotations, which describe the image as it was', async () => {
    const store = createMemoryStore();
    const image = annotateImage(await makeImage(store), { who: 'me' });
    expect((await squash(image, { from: 0 }, store)).manifest.annotations).toBeUndefined();
  });

  it('writes nothing the second time, and does it again when the layer is gone', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    const first = await squash(image, { from: 1 }, store);
    const counted = countWrites(store);
    expect((await squash(image, { from: 1 }, counted)).manifestBytes).toEqual(first.manifestBytes);
    expect(counted.writes).toEqual([]);
    const without = countWrites({
      ...store,
      has: async (blob) => blob.digest !== first.layers[1]!.blob.digest && store.has(blob),
    });
    expect((await squash(image, { from: 1 }, without)).manifestBytes).toEqual(first.manifestBytes);
    expect(without.writes).toContain('stage');
  });

  it('does not believe a note that is none', async () => {
    const store = createMemoryStore();
    const image = await makeImage(store);
    const first = await squash(image, { from: 1 }, store);
    for await (const key of store.notes.list('squashed'))
      for (const text of ['', 'null', '{}', '{"version":1,"before":0,"after":0,"diffId":"sha256:12","size":1}']) {
        await store.notes.put('squashed', key, Buffer.from(text));
        expect((await squash(image, { from: 1 }, store)).manifestBytes).toEqual(first.manifestBytes);
      } // biome-ignore format: two loops
  });
});

describe('squash in a folder', () => {
  let folder: string;
  let store: LocalStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-squash-'));
    store = createDirectoryStore(join(folder, 'store'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('takes compressed layers, leaves no copies of them, and gives the same bytes', async () => {
    const image = await makeImage(store);
    const plain = await squash(image, { from: 0 }, store);
    const other = createDirectoryStore(join(folder, 'other'));
    const packed: Layer[] = [];
    for (const { diffId, openTar } of image.layers) {
      const bytes = gzipSync(await collect(openTar(), 1e6));
      const blob = {
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        digest: sha256(bytes),
        size: bytes.length,
      };
      await other.put(blob, streamOf(bytes));
      packed.push(openLayer(other, blob, diffId));
    }
    const squashed = await squash({ ...image, layers: packed }, { from: 0 }, other);
    expect(squashed.configBytes).toEqual(plain.configBytes);
    expect((await other.collect()).blobs).toHaveLength(5);
    expect(readdirSync(join(folder, 'other/tmp'))).toEqual([]);
  });

  it('notices a stored layer that is damaged, and keeps no note', async () => {
    const image = await makeImage(store);
    await readLayerIndexes(store, image.layers);
    const region = (await store.locate(image.layers[2]!.blob))!;
    const bytes = readFileSync(region.path);
    bytes[bytes.indexOf('made')] = 0x6c;
    rmSync(region.path);
    writeFileSync(region.path, bytes);
    await expect(squash(image, { from: 1 }, store)).rejects.toMatchObject({
      code: 'IMAGE_SQUASH_DIFFERS',
      facts: { path: 'result' },
    });
    for await (const key of store.notes.list('squashed')) expect(key).toBeUndefined();
  });

  it('stops when it is told to', async () => {
    const image = await makeImage(store);
    const signal = AbortSignal.abort();
    await expect(squash(image, { from: 0 }, store, { signal })).rejects.toThrow('aborted');
  });
});
