import { describe, expect, test } from 'vitest';
import { imageOfLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { compressLayers } from '../image/compress-layers.ts';
import type { Image } from '../image/types.ts';
import type { HistoryEntry } from '../oci/types.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { exploreImage, openExploration } from './explore-image.ts';

const file = (path: string, content: string, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content,
  mode,
  tarPath: path,
});
const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });

const store = createMemoryStore();

const imageOf = (layers: readonly VectorEntry[][], history?: readonly HistoryEntry[]): Promise<Image> =>
  imageOfLayers(store, layers, history);

const layers = [
  [dir('d'), file('d/a', 'A'.repeat(100)), file('d/b', 'B'.repeat(40)), file('c', 'C'.repeat(7))],
  [file('d/a', 'A'.repeat(100), 0o755), gone('.wh.c'), file('n', 'N'.repeat(3)), gone('.wh.missing')],
  [gone('.wh.d')],
];

describe('the report', () => {
  test('names what each layer stores, hides and changes', async () => {
    const history = [
      { created_by: 'ADD' },
      { created_by: 'ENV', empty_layer: true },
      { created_by: 'RUN chmod' },
    ];
    const image = await imageOf(layers, [...history, { created_by: 'RUN rm' }]);
    const report = await exploreImage(store, image);
    expect(report).toMatchObject({
      version: 1,
      image: { digest: image.descriptor.digest, id: image.manifest.config.digest, os: 'linux' },
      total: 250,
      visible: 3,
      hidden: 247,
      efficiency: 3 / 250,
      storedBytes: image.layers.reduce((sum, layer) => sum + layer.blob.size, 0),
      warnings: [{ kind: 'missing-whiteout', layer: 1, path: 'missing' }],
    });
    expect(report.layers).toMatchObject([
      {
        number: 0,
        fileBytes: 147,
        entries: 4,
        added: { paths: 4, bytes: 147 },
        changed: { paths: 0, bytes: 0 },
        removed: { paths: 0, bytes: 0 },
        hiddenBytes: 147,
        hiddenFiles: 3,
        hidesBytes: 0,
        contribution: 147,
        cumulative: 147,
        origin: 'instruction',
        level: 0,
        createdBy: 'ADD',
        history: 0,
      },
      {
        number: 1,
        fileBytes: 103,
        added: { paths: 1, bytes: 3 },
        changed: { paths: 1, bytes: 100 },
        copied: { paths: 1, bytes: 100 },
        removed: { paths: 1, bytes: 7 },
        hiddenBytes: 100,
        hidesBytes: 107,
        contribution: -4,
        cumulative: 143,
        changes: { metadata: { paths: 1, bytes: 100 }, content: { paths: 0 }, added: { paths: 1 } },
        createdBy: 'RUN chmod',
        history: 2,
      },
      { number: 2, fileBytes: 0, removed: { paths: 3, bytes: 140 }, hidesBytes: 140, createdBy: 'RUN rm' },
    ]);
    expect(report.hiddenFiles).toEqual([
      { layer: 0, hiddenBy: 1, how: 'copied', path: 'd/a', bytes: 100 },
      { layer: 1, hiddenBy: 2, how: 'removed', path: 'd/a', bytes: 100 },
      { layer: 0, hiddenBy: 2, how: 'removed', path: 'd/b', bytes: 40 },
      { layer: 0, hiddenBy: 1, how: 'removed', path: 'c', bytes: 7 },
    ]);
  });

  test('is its own JSON', async () => {
    const report = await exploreImage(store, await imageOf(layers));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('of an image without layers has efficiency 1', async () => {
    const report = await exploreImage(store, await imageOf([]));
    expect(report).toMatchObject({
      total: 0,
      hidden: 0,
      efficiency: 1,
      layers: [],
      history: [],
      warnings: [],
    });
  });

  test('counts a layer that is in the image twice as two', async () => {
    const report = await exploreImage(store, await imageOf([layers[0]!, layers[0]!]));
    expect(report).toMatchObject({ total: 294, hidden: 147 });
    expect(report.layers[1]).toMatchObject({ changed: { paths: 4 }, copied: { paths: 3, bytes: 147 } });
  });
});

describe('a history that does not fit the layers', () => {
  test.each<readonly [string, HistoryEntry[], (number | undefined)[], string[]]>([
    ['is no warning when there is none', [], [0, 1, 2], []],
    [
      'too short: the other layers have bare rows',
      [{ created_by: 'a', empty_layer: true }, { created_by: 'b' }],
      [undefined, 0, 1, 2],
      ['the history tells of 1 layer, the image has 3'],
    ],
    [
      'too long: the last rows have no layer',
      [{ created_by: 'a' }, { created_by: 'b' }, { created_by: 'c' }, { created_by: 'd' }],
      [0, 1, 2, undefined],
      ['the history tells of 4 layers, the image has 3'],
    ],
  ])('%s', async (_, history, paired, warnings) => {
    const report = await exploreImage(store, await imageOf(layers, history));
    expect(report.history.map((row) => row.layer)).toEqual(paired);
    expect(report.warnings.filter(({ kind }) => kind === 'history-mismatch').map((w) => w.message)).toEqual(
      warnings,
    );
  });
});

test('what a layer changes is listed on demand, rewritten files included', async () => {
  const { changes, trees } = await openExploration(
    store,
    await imageOf([layers[0]!, layers[0]!, ...layers.slice(1)]),
  );
  const told = (layer: number) => [...changes(layer)].map(({ kind, path }) => `${kind} ${path}`);
  expect(told(0)).toEqual(['added c', 'added d', 'added d/a', 'added d/b']);
  expect(told(1)).toEqual(['changed c', 'changed d', 'changed d/a', 'changed d/b']);
  expect(told(2)).toEqual(['removed c', 'changed d/a', 'added n']);
  expect(() => told(4)).toThrow(RangeError);
  expect([...trees.at(-1)!.walk()].map(([path]) => path)).toEqual(['n']);
});

test('compressed bytes are told, and summed up, as far as they are known from the base on', async () => {
  const own = createMemoryStore();
  const plain = await imageOfLayers(own, layers);
  const some = await compressLayers({ ...plain, layers: plain.layers.slice(0, 2) }, 'gzip', own);
  const [first, second] = some.layers.map(({ blob }) => blob.size);
  const image = { ...plain, layers: [...some.layers, plain.layers[2]!] };
  const report = await exploreImage(own, image);
  expect(report.layers.map((layer) => [layer.compressedBytes, layer.cumulativeCompressedBytes])).toEqual([
    [first, first],
    [second, first! + second!],
    [undefined, undefined],
  ]);
});
