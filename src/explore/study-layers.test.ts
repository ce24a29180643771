import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexEntries } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import { emptyTree } from '../layer/apply-layer.ts';
import { diffTrees } from '../layer/diff-trees.ts';
import { studyLayers } from './study-layers.ts';

test('an image without layers holds nothing and hides nothing', () => {
  expect(studyLayers([])).toMatchObject({ total: 0, hidden: 0, hiddenFiles: [], layers: [], trees: [] });
});

test('hidden is what a walk of the final tree does not find, whoever hides it', () => {
  let hiddenFiles = 0;
  fc.assert(
    fc.property(layerStacks, (layers) => {
      const indexes = layers.map(indexEntries);
      const study = studyLayers(indexes);
      const found = new Set([...study.trees.at(-1)!.walk()].map(([, i]) => `${i.layer}/${i.order}`));
      const lost = indexes.flatMap((index, layer) =>
        [...index.entries()]
          .filter((entry) => entry.kind === 'file' && !found.has(`${layer}/${entry.order}`))
          .map((entry) => ({ layer, path: entry.path, bytes: entry.size })),
      );
      const byPlace = (list: readonly { layer: number; path: string; bytes: number }[]) =>
        list.map(({ layer, path, bytes }) => `${layer} ${path} ${bytes}`).sort();
      expect(byPlace(study.hiddenFiles)).toEqual(byPlace(lost));
      hiddenFiles += lost.length;
      const visible = indexes.flatMap((index, layer) =>
        [...index.entries()].filter((e) => e.kind === 'file' && found.has(`${layer}/${e.order}`)),
      );
      expect(study.hidden + visible.reduce((sum, entry) => sum + entry.size, 0)).toBe(study.total);
      const sum = (pick: (layer: (typeof study.layers)[number]) => number) =>
        study.layers.reduce((total, layer) => total + pick(layer), 0);
      expect(sum((layer) => layer.hiddenBytes)).toBe(study.hidden);
      expect(sum((layer) => layer.hidesBytes)).toBe(study.hidden);
      for (const file of study.hiddenFiles) expect(file.hiddenBy).toBeGreaterThanOrEqual(file.layer);
    }),
    { numRuns: 300 },
  );
  expect(hiddenFiles).toBeGreaterThan(0);
});

test('each layer counts the paths that its tree differs in', () => {
  fc.assert(
    fc.property(layerStacks, (layers) => {
      const { trees, layers: counts } = studyLayers(layers.map(indexEntries));
      for (const [number, after] of trees.entries()) {
        const changes = [...diffTrees(trees[number - 1] ?? emptyTree(), after, { rewrites: true })];
        const paths = (kind: string) => changes.filter((change) => change.kind === kind).length;
        expect(counts[number]).toMatchObject({
          added: { paths: paths('added') },
          changed: { paths: paths('changed') },
          removed: { paths: paths('removed') },
        });
      }
    }),
    { numRuns: 100 },
  );
});
