import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexEntries } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { applyLayer, emptyTree, stackLayers } from './apply-layer.ts';
import { findNode, treeParts } from './file-tree.ts';
import { placeEntries } from './place-entries.ts';
import type { FileTree, Operation } from './types.ts';

const file = (path: string, content = path, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  content,
  mode,
  tarPath: path,
});
const dir = (path: string, mode = 0o755): VectorEntry => ({ path, type: 'dir', mode, tarPath: path });
const symlink = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  target,
  tarPath: path,
});
const hardlink = (path: string, target: string): VectorEntry => ({
  path,
  type: 'hardlink',
  target,
  tarPath: path,
});
const named = (tarPath: string): VectorEntry => ({ path: '', type: 'file', content: '', tarPath });

const tree = (...layers: readonly VectorEntry[][]): FileTree => stackLayers(layers.map(indexEntries));
const operations = (lower: FileTree, ...layer: VectorEntry[]): string[] =>
  [...placeEntries(lower, indexEntries(layer))].map(describeOperation);

function describeOperation(o: Operation): string {
  const own = (o.kind === 'put' || o.kind === 'link') && o.overOwn === true ? ' over own' : '';
  switch (o.kind) {
    case 'remove':
      return `${o.whiteout ? 'whiteout' : 'remove'} ${o.path}`;
    case 'imply':
      return `imply ${o.path} ${o.lower === undefined ? 'new' : o.lower.mode.toString(8)}`;
    case 'put':
      return `put ${o.path} ${o.entry.order}${own}`;
    case 'link':
      return `link ${o.path} to ${o.lower === undefined ? '' : 'lower '}${o.target}${own}`;
    default:
      return `${o.kind} ${o.path}`;
  }
}

describe('errors', () => {
  test.each([
    ['missing', [hardlink('b', 'a')], 'hard link b points at a, which is not there'],
    ['a directory', [dir('a'), hardlink('b', 'a')], 'hard link b points at a, which is a directory'],
    [
      'itself',
      [file('a'), hardlink('a', 'a')],
      'hard link a points at a, which is replaced by the link itself',
    ],
    [
      'below itself',
      [dir('p'), file('p/x'), hardlink('p', 'p/x')],
      'hard link p points at p/x, which is replaced by the link itself',
    ],
    [
      'whited out',
      [{ ...named('.wh.z') }, hardlink('b', 'z')],
      'hard link b points at z, which is not there',
    ],
  ])('a hard link whose target is %s names both ends', (_, layer, message) => {
    const lower = tree([file('z')]);
    expect(() => operations(lower, ...layer)).toThrow(
      expect.objectContaining({ code: 'LAYER_LINK_TARGET', message }),
    );
  });

  test('symlinks that turn in circles', () => {
    const lower = tree([symlink('a', 'b'), symlink('b', 'a')]);
    expect(() => operations(lower, file('a/x'))).toThrow(
      expect.objectContaining({ code: 'LAYER_LINK_LOOP' }),
    );
    expect(operations(lower, file('a'))).toEqual(['remove a', 'put a 0']);
  });

  test('links that make a path longer with each turn end too', () => {
    const deep = `${'d/'.repeat(2000)}d`;
    const lower = tree([symlink('l', deep), symlink(`${deep}/m`.slice(-1), 'x')]);
    expect(() => operations(lower, file(`l/${'e/'.repeat(100)}f`))).toThrow(
      expect.objectContaining({ code: 'LAYER_NAME' }),
    );
  });

  test('more directories than memory should hold', () => {
    const deep = (i: number) => file(`${i}/${'d/'.repeat(1900)}f`, '');
    const layer = Array.from({ length: 300 }, (_, i) => deep(i));
    expect(() => tree(layer)).toThrow(expect.objectContaining({ code: 'LAYER_TOO_MANY_PARENTS' }));
  });

  test('the root as anything but a directory', () => {
    expect(operations(emptyTree(), { ...dir(''), tarPath: './' })).toEqual(['put  0']);
    expect(() => operations(emptyTree(), { ...symlink('', 'x'), tarPath: '.' })).toThrow(
      expect.objectContaining({ code: 'LAYER_ROOT_KIND' }),
    );
  });

  test.each(['.wh.', 'd/.wh..', '.wh...'])('the whiteout %s', (name) => {
    expect(() => indexEntries([named(name)])).toThrow(
      expect.objectContaining({ code: 'LAYER_WHITEOUT_INVALID' }),
    );
  });
});

describe('operations', () => {
  test('say how a layer is carried out, whiteouts first, parents before children', () => {
    const lower = tree([dir('d', 0o700), dir('d/e'), file('d/e/a'), file('gone'), dir('o'), file('o/x')]);
    const layer = [file('d/e/b'), file('n/f'), named('.wh.gone'), dir('o'), named('o/.wh..wh..opq')];
    expect(operations(lower, ...layer)).toEqual([
      'whiteout gone',
      'imply o 755',
      'clear o',
      'imply d 700',
      'imply d/e 755',
      'put d/e/b 0',
      'imply n new',
      'put n/f 1',
      'put o 3',
    ]);
  });

  test('imply each parent once, and not when the layer has put it', () => {
    const lower = tree([dir('d', 0o700)]);
    expect(operations(lower, dir('d', 0o711), file('d/a'), file('d/x/b'), file('d/x/c'))).toEqual([
      'put d 0',
      'put d/a 1',
      'imply d/x new',
      'put d/x/b 2',
      'put d/x/c 3',
    ]);
  });

  test('remove what changes its type, and only that', () => {
    const lower = tree([dir('d'), file('d/x'), file('f'), symlink('s', 'f'), file('same')]);
    expect(operations(lower, file('d'), dir('f'), file('s'), file('same'))).toEqual([
      'remove d',
      'put d 0',
      'remove f',
      'put f 1',
      'remove s',
      'put s 2',
      'put same 3',
    ]);
  });

  test('replace a lower file that is needed as a directory', () => {
    expect(operations(tree([file('p')]), file('p/x'))).toEqual(['remove p', 'imply p new', 'put p/x 0']);
  });

  test('tell links into lower layers from links inside the layer', () => {
    const lower = tree([file('a')]);
    expect(operations(lower, hardlink('b', 'a'), hardlink('c', 'b'), file('n'), hardlink('m', 'n'))).toEqual([
      'link b to lower a',
      'link c to b',
      'put n 2',
      'link m to n',
    ]);
  });

  test('mark what goes over something of the same layer', () => {
    const lower = tree([dir('p'), file('p/x')]);
    expect(operations(lower, file('p/z'), file('p'), file('p'), dir('p'), dir('p'))).toEqual([
      'imply p 755',
      'put p/z 0',
      'remove p',
      'put p 1 over own',
      'put p 2 over own',
      'put p 3 over own',
      'put p 4',
    ]);
  });

  test('leave out a whiteout inside a whiteout, and those of missing paths', () => {
    const lower = tree([dir('d'), dir('d/e'), file('d/e/a')]);
    const missing: string[] = [];
    const layer = indexEntries([named('d/e/.wh.a'), named('.wh.d'), named('x/.wh.y'), named('.wh..wh..opq')]);
    const done = [...placeEntries(lower, layer, { onMissing: ({ path }) => missing.push(path) })];
    expect(done.map(describeOperation)).toEqual(['clear ']);
    expect(missing).toEqual(['x/y']);
  });

  test('a marker in a directory that this layer puts over a symlink means the new directory', () => {
    const lower = tree([dir('real'), file('real/a'), symlink('l', 'real')]);
    expect(operations(lower, named('l/.wh..wh..opq'), named('l/.wh.a'), dir('l'))).toEqual([
      'remove l',
      'put l 2',
    ]);
    expect(operations(lower, named('l/.wh.a'))).toEqual(['imply real 755', 'whiteout real/a']);
  });

  test('come before the error that ends them', () => {
    const done: string[] = [];
    const run = (): void => {
      for (const o of placeEntries(emptyTree(), indexEntries([file('a'), hardlink('b', 'x')])))
        done.push(o.kind);
    };
    expect(run).toThrow(/points at x/);
    expect(done).toEqual(['put']);
  });
});

describe('trees', () => {
  test('share the directories that a layer does not touch', () => {
    const below = tree([dir('a'), file('a/x'), dir('b'), file('b/y')]);
    const above = applyLayer(below, indexEntries([file('b/z')]), 1);
    expect([...above.walk()].map(([path]) => path)).toEqual(['a', 'a/x', 'b', 'b/y', 'b/z']);
    expect([...below.walk()].map(([path]) => path)).toEqual(['a', 'a/x', 'b', 'b/y']);
    const node = (t: FileTree, path: string) => findNode(treeParts(t).root, path);
    expect(node(above, 'a')).toBe(node(below, 'a'));
    expect(node(above, 'b')).not.toBe(node(below, 'b'));
  });

  test.each<[string, VectorEntry[], string[]]>([
    ['rising', [file('d/a'), file('d/b'), file('d/c')], ['d', 'd/a 0', 'd/b 1', 'd/c 2']],
    ['one of them twice', [file('d/a'), file('d/b'), file('d/b', 'other')], ['d', 'd/a 0', 'd/b 2']],
    ['falling', [file('d/b'), file('d/a')], ['d', 'd/a 1', 'd/b 0']],
    ['one the beginning of the next', [file('d/a'), file('d/aa'), file('d/a')], ['d', 'd/a 2', 'd/aa 1']],
    ['in two folders', [file('d/a'), file('d/b/c'), file('d/c')], ['d', 'd/a 0', 'd/b', 'd/b/c 1', 'd/c 2']],
    [
      'one a link that leads on',
      [symlink('d/a', '/e'), file('d/b'), file('d/a/x')],
      ['d', 'd/a 0', 'd/b 1', 'e', 'e/x 2'],
    ],
    [
      'one with another name',
      [file('d/ä'), file('d/ö'), hardlink('e', 'd/ä')],
      ['d', 'd/ä 0', 'd/ö 1', 'e 0'],
    ],
    [
      'one of them a directory later',
      [file('d/a'), file('d/b'), file('d/a/x')],
      ['d', 'd/a', 'd/a/x 2', 'd/b 1'],
    ],
    [
      'at the root',
      [file('a'), file('b'), dir('c'), file('c/x'), file('d')],
      ['a 0', 'b 1', 'c 2', 'c/x 3', 'd 4'],
    ],
  ])('are the same when files follow each other in one directory: %s', (_, layer, paths) => {
    const shown = [...tree(layer).walk()].map(([path, { order }]) => (order < 0 ? path : `${path} ${order}`));
    expect(shown).toEqual(paths);
  });

  test('keep what a lower layer listed when a layer adds, hides and replaces there', () => {
    const below = tree([file('d/a'), file('d/b'), file('d/c')]);
    const layer = indexEntries([file('d/b', 'new'), named('d/.wh.a'), file('d/x')]);
    const above = applyLayer(below, layer, 1);
    expect([...above.children('d')].map(([name, { layer: of }]) => [name, of])).toEqual([
      ['b', 1],
      ['c', 0],
      ['x', 1],
    ]);
    expect([...below.children('d')].map(([name]) => name)).toEqual(['a', 'b', 'c']);
  });

  test('resolve symlinks inside the root', () => {
    const t = tree([
      dir('d'),
      symlink('d/up', '../../../e'),
      symlink('l', 'd/up'),
      symlink('abs', '/d'),
      dir('e'),
    ]);
    expect(t.resolve('l/x')).toBe('e/x');
    expect(t.resolve('l')).toBe('e');
    expect(t.resolve('l', { keepLast: true })).toBe('l');
    expect(t.resolve('d/up/../d', {})).toBe('d');
    expect(t.resolve('/abs/./up/missing/../q')).toBe('e/q');
    expect(t.resolve('')).toBe('');
    expect(t.resolve('../..')).toBe('');
  });

  test('answer for what is not there', () => {
    const t = tree([file('f')]);
    expect(t.get('x')).toBeUndefined();
    expect(t.get('f/x')).toBeUndefined();
    expect([...t.children('f')]).toEqual([]);
    expect([...t.children('x')]).toEqual([]);
    expect([...t.walk('f')]).toEqual([]);
    expect(t.get('')).toMatchObject({ kind: 'directory', mode: 0o755, order: -1 });
  });

  test('take the root entry as the root', () => {
    const t = tree([{ ...dir('', 0o700), tarPath: './' }], [{ ...dir('', 0o711), tarPath: './' }, file('a')]);
    expect(t.get('')).toMatchObject({ mode: 0o711, layer: 1, order: 0 });
  });

  test('number layers as they are told to', () => {
    const t = applyLayer(emptyTree(), indexEntries([file('d/a')]), 7);
    expect(t.get('d/a')).toMatchObject({ layer: 7, order: 0 });
    expect(t.get('d')).toMatchObject({ layer: 7, order: -1 });
  });

  test('carrying out the operations on a plain model gives the same tree', () => {
    fc.assert(
      fc.property(layerStacks, (layers) => {
        const model = new Map<string, string>();
        let below = emptyTree();
        for (const [number, layer] of layers.entries()) {
          const index = indexEntries(layer);
          for (const operation of placeEntries(below, index)) carryOut(model, operation, number);
          below = applyLayer(below, index, number);
        }
        const shown = [...below.walk()].map(([path, i]) => [path, `${i.layer}/${i.order}`]);
        expect(shown).toEqual([...model].sort(([a], [b]) => comparePaths(a, b)));
      }),
      { numRuns: 300 },
    );
  });
});

/** What an extractor does, on a flat map of path -> layer/order of the inode. */
function carryOut(model: Map<string, string>, o: Operation, layer: number): void {
  const below = (path: string) => [...model.keys()].filter((known) => known.startsWith(`${path}/`));
  if (o.kind !== 'clear' && o.path.includes('/')) {
    expect(model.has(o.path.slice(0, o.path.lastIndexOf('/')))).toBe(true);
  }
  switch (o.kind) {
    case 'remove':
      expect(model.has(o.path)).toBe(true);
      for (const known of [o.path, ...below(o.path)]) model.delete(known);
      break;
    case 'clear':
      for (const known of below(o.path)) model.delete(known);
      break;
    case 'imply':
      if (o.lower === undefined) model.set(o.path, `${layer}/-1`);
      else expect(model.get(o.path)).toBe(`${o.lower.layer}/${o.lower.order}`);
      break;
    case 'put':
      if (o.entry.kind !== 'directory') expect(below(o.path)).toEqual([]);
      model.set(o.path, `${layer}/${o.entry.order}`);
      break;
    case 'link':
      if (o.lower !== undefined) expect(model.get(o.target)).toBe(`${o.lower.layer}/${o.lower.order}`);
      model.set(o.path, model.get(o.target)!);
      break;
  }
}

/** Depth first, siblings by name. */
function comparePaths(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  }
  return left.length - right.length;
}
