import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexEntries } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { applyLayer, emptyTree, stackLayers } from './apply-layer.ts';
import { diffTrees } from './diff-trees.ts';
import type { FileTree } from './types.ts';

const file = (path: string, content: string, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content,
  mode,
  tarPath: path,
});
const dir = (path: string, mode = 0o755): VectorEntry => ({ path, type: 'dir', mode, tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });
const on = (below: FileTree, ...layer: VectorEntry[]): FileTree => applyLayer(below, indexEntries(layer), 1);
const told = (before: FileTree, after: FileTree, rewrites = false): string[] =>
  [...diffTrees(before, after, { rewrites })].map(
    ({ kind, path, content, metadata }) =>
      `${kind} ${path}${content ? ' content' : ''}${metadata ? ' metadata' : ''}`,
  );

const base = stackLayers([
  indexEntries([dir('d'), file('d/a', 'A'), file('d/b', 'B'), dir('e'), file('e/x', 'X'), file('f', 'F')]),
]);

test('tells content from metadata, depth first, siblings by name', () => {
  const after = on(
    base,
    gone('.wh.e'),
    file('d/a', 'AA'),
    file('d/b', 'B', 0o600),
    dir('d', 0o700),
    file('n/m', ''),
  );
  expect(told(base, after)).toEqual([
    'changed d metadata',
    'changed d/a content',
    'changed d/b metadata',
    'removed e content metadata',
    'removed e/x content metadata',
    'added n content metadata',
    'added n/m content metadata',
  ]);
});

test('a file written again without a difference is told only when asked for', () => {
  const after = on(base, file('d/a', 'A'));
  expect(told(base, after)).toEqual([]);
  expect(told(base, after, true)).toEqual(['changed d/a']);
});

test('a directory that becomes a file loses what was below', () => {
  expect(told(base, on(base, file('e', 'now')))).toEqual([
    'changed e content metadata',
    'removed e/x content metadata',
  ]);
  expect(told(on(base, file('e', 'now')), base)).toEqual([
    'changed e content metadata',
    'added e/x content metadata',
  ]);
});

test('xattrs, devices and link targets count', () => {
  const one = (entry: Partial<VectorEntry>) =>
    on(emptyTree(), { path: 'x', type: 'file', content: '', tarPath: 'x', ...entry });
  expect(told(one({ xattrs: { 'user.a': '1' } }), one({ xattrs: { 'user.a': '2' } }))).toEqual([
    'changed x metadata',
  ]);
  expect(told(one({ xattrs: { 'user.a': '1' } }), one({}))).toEqual(['changed x metadata']);
  expect(told(one({ type: 'symlink', target: 'a' }), one({ type: 'symlink', target: 'b' }))).toEqual([
    'changed x content',
  ]);
  const device = (minor: number) => one({ type: 'char', device: { major: 1, minor } });
  expect(told(device(3), device(5))).toEqual(['changed x content']);
});

test('equal trees made from different layers do not differ', () => {
  const again = stackLayers([indexEntries([file('e/x', 'X'), dir('e')]), indexEntries([])]);
  const once = stackLayers([indexEntries([dir('e'), file('e/x', 'X')])]);
  expect(told(again, once)).toEqual([]);
});

test('a tree does not differ from itself, and the differences lead from one to the other', () => {
  const paths = (tree: FileTree): string[] => [...tree.walk()].map(([path]) => path);
  fc.assert(
    fc.property(layerStacks, layerStacks, (a, b) => {
      const before = stackLayers(a.map(indexEntries));
      const after = stackLayers(b.map(indexEntries));
      expect(told(before, before, true)).toEqual([]);
      expect(told(before, stackLayers(a.map(indexEntries)), true)).toEqual([]);
      const model = new Set(paths(before));
      for (const { kind, path } of diffTrees(before, after)) {
        if (kind === 'added') model.add(path);
        if (kind === 'removed') expect(model.delete(path)).toBe(true);
      }
      expect([...model].sort()).toEqual(paths(after).sort());
    }),
    { numRuns: 200 },
  );
});
