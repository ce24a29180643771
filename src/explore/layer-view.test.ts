import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { openView, pathHistory } from './layer-view.ts';

const file = (path: string, size: number, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content: path[0]!.repeat(size),
  mode,
  tarPath: path,
});
const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'hardlink',
  target,
  tarPath: path,
});

const LAYERS = [
  [dir('d'), dir('d/e'), file('d/e/a', 100), file('d/b', 40), link('d/e/twin', 'd/b'), file('c', 7)],
  [file('d/e/a', 100, 0o755), file('n', 3), gone('.wh.c')],
  [gone('.wh.d'), dir('n')],
];

describe('a view', () => {
  test('of one layer shows what it did, with sizes below directories', async () => {
    const view = openView(await exploredLayers(LAYERS), 1, 1);
    const told = [...view.walk()].map(({ path, change, bytes }) => `${path} ${change} ${bytes}`);
    expect(told).toEqual([
      'c removed 7',
      'd same 140',
      'd/b same 40',
      'd/e same 140',
      'd/e/a metadata 100',
      'd/e/twin same 40',
      'n added 3',
    ]);
    expect(view.row('d')).toMatchObject({ changedBelow: true, files: 3 });
    expect(view.row('d/b')).toMatchObject({ change: 'same', hiddenBy: 2 });
    expect(view.row('')).toMatchObject({ name: '', bytes: 143 });
    expect(view.row('d/x')).toBeUndefined();
    expect(view.children('c')).toEqual([]);
  });

  test('of several layers shows what they did together', async () => {
    const exploration = await exploredLayers(LAYERS);
    const told = (first: number, last: number) =>
      [...openView(exploration, first, last).walk()].map(({ path, change }) => `${path} ${change}`);
    expect(told(1, 2)).toEqual([
      'c removed',
      'd removed',
      'd/b removed',
      'd/e removed',
      'd/e/a removed',
      'd/e/twin removed',
      'n added',
    ]);
    expect(told(0, 2)).toEqual(['n added']);
    expect(told(2, 2)).toContain('n type');
    expect(() => openView(exploration, 1, 3)).toThrow(RangeError);
    expect(() => openView(exploration, 2, 1)).toThrow(RangeError);
  });

  test('can leave directories closed', async () => {
    const view = openView(await exploredLayers(LAYERS), 0, 0);
    expect([...view.walk(({ path }) => path !== 'd/e')].map(({ path }) => path)).toEqual([
      'c',
      'd',
      'd/b',
      'd/e',
    ]);
  });

  test('agrees with the counts of the report', async () => {
    await fc.assert(
      fc.asyncProperty(layerStacks, async (stack) => {
        const exploration = await exploredLayers(stack);
        const { report } = exploration;
        expect(report.visible + report.hidden).toBe(report.total);
        expect(report.layers.reduce((sum, layer) => sum + layer.contribution, 0)).toBe(report.visible);
        for (const { number, changes, cumulative } of report.layers) {
          const view = openView(exploration, number, number);
          expect(view.row('')!.bytes).toBe(cumulative);
          const rows = [...view.walk()];
          for (const kind of ['added', 'removed', 'content', 'metadata', 'type', 'rewritten'] as const) {
            const root = view.row('')!.change === kind ? 1 : 0;
            expect(rows.filter(({ change }) => change === kind).length + root, kind).toBe(
              changes[kind].paths,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('the history of a path names the layers that touched it', async () => {
  const exploration = await exploredLayers(LAYERS);
  const told = (path: string) =>
    pathHistory(exploration, path).map(({ layer, change }) => `${layer} ${change}`);
  expect(told('d/e/a')).toEqual(['0 added', '1 metadata', '2 removed']);
  expect(told('n')).toEqual(['1 added', '2 type']);
  expect(told('c')).toEqual(['0 added', '1 removed']);
  expect(told('nowhere')).toEqual([]);
});
