import { expect, it } from 'vitest';
import { indexEntries } from '../../test/support/layer-index.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { stackLayers } from './apply-layer.ts';
import { compareViews } from './compare-views.ts';

const file = (path: string, content = path, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content,
  mode,
  tarPath: path,
});
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'hardlink',
  target,
  tarPath: path,
});
const tree = (...layers: VectorEntry[][]) => stackLayers(layers.map(indexEntries));

it('counts what is the same, whatever the layers', () => {
  const one = tree([file('a', 'aaa'), file('d/b'), link('c', 'a')]);
  const two = tree([file('a', 'old'), file('d/b')], [file('a', 'aaa'), link('c', 'a')]);
  expect(compareViews(one, two)).toEqual({ paths: 4, files: 3, bytes: 9, difference: undefined });
});

it.each<readonly [string, VectorEntry[], string]>([
  ['a missing path', [file('a'), file('b')], 'c'],
  ['a path more', [file('a'), file('b'), link('c', 'a'), file('d')], 'd'],
  ['other bytes', [file('a'), file('b', 'B'), link('c', 'a')], 'b'],
  ['another mode', [file('a'), file('b', 'b', 0o600), link('c', 'a')], 'b'],
  ['a copy in the place of a hard link', [file('a'), file('b'), file('c', 'a')], 'c'],
  ['a hard link in the place of a copy', [file('a'), link('b', 'a'), link('c', 'a')], 'b'],
])('finds %s', (_, entries, path) => {
  const want = tree([file('a'), file('b'), link('c', 'a')]);
  expect(compareViews(want, tree(entries)).difference).toBe(path);
});
