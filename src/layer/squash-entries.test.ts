import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexEntries, indexTar } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import { packEntries, sameView } from '../../test/support/squashed.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { stackLayers } from './apply-layer.ts';
import { squashEntries } from './squash-entries.ts';

const file = (path: string, content = path, more: Partial<VectorEntry> = {}): VectorEntry => ({
  path,
  type: 'file',
  content,
  tarPath: path,
  ...more,
});
const dir = (path: string, more: Partial<VectorEntry> = {}): VectorEntry => ({
  path,
  type: 'dir',
  tarPath: path,
  ...more,
});
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'hardlink',
  target,
  tarPath: path,
});
const symlink = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  target,
  tarPath: path,
});
const gone = (path: string): VectorEntry => {
  const slash = path.lastIndexOf('/') + 1;
  return { path, type: 'whiteout', tarPath: `${path.slice(0, slash)}.wh.${path.slice(slash)}` };
};
const opaque = (path: string): VectorEntry => ({ path, type: 'opaque', tarPath: `${path}/.wh..wh..opq` });

/** The entries of the layers from `from` on as one, a line each. */
function squashed(from: number, ...layers: VectorEntry[][]): string[] {
  const indexes = layers.map(indexEntries);
  const entries = [...squashEntries(indexes, { from, to: layers.length - 1 })];
  return entries.map(({ path, kind, linkTo, linkBelow, source }) => {
    const to = linkTo === undefined ? '' : ` -> ${linkBelow ? 'below ' : ''}${linkTo}`;
    return `${kind} ${path}${to}${source === undefined ? '' : ` of ${source.layer}`}`;
  });
}

/** Squashes every range of the stack, really packed, and compares what is seen with and without. */
function checkRanges(tars: readonly Buffer[]): void {
  const indexes = tars.map((tar) => indexTar(tar));
  const before = stackLayers(indexes);
  for (let from = 0; from < tars.length; from++) {
    for (let to = from; to < tars.length; to++) {
      const tar = packEntries(squashEntries(indexes, { from, to }), tars, indexes);
      const after = stackLayers([...indexes.slice(0, from), indexTar(tar), ...indexes.slice(to + 1)]);
      sameView(after, before, `layers ${from} to ${to}`);
      expect(packEntries(squashEntries(indexes, { from, to }), tars, indexes).equals(tar)).toBe(true);
    }
  }
}

describe('whiteouts', () => {
  test('go where nothing is below, and stay where something is', () => {
    const layers = [[file('a'), file('b')], [gone('a'), file('c')], [gone('c')]];
    expect(squashed(0, ...layers)).toEqual(['file b of 0']);
    expect(squashed(1, ...layers)).toEqual(['whiteout a']);
    expect(squashed(2, ...layers)).toEqual(['whiteout c']);
  });

  test('stand for what is hidden only because it was made anew', () => {
    const layers = [[file('d/a'), file('d/b')], [gone('d')], [file('d/b', 'new')]];
    expect(squashed(1, ...layers)).toEqual(['directory d', 'whiteout d/a', 'file d/b of 2']);
  });

  test('are not needed where the type changes', () => {
    expect(squashed(1, [file('d/a')], [file('d', 'file')])).toEqual(['file d of 1']);
    expect(squashed(1, [file('d')], [gone('d')], [file('d/a')])).toEqual(['directory d', 'file d/a of 2']);
    expect(squashed(1, [symlink('d', 'x'), file('x/y')], [dir('d')], [file('d/a')])).toEqual([
      'directory d',
      'file d/a of 2',
    ]);
  });
});

describe('opaque markers', () => {
  test('stay where nothing below them survives', () => {
    expect(squashed(1, [file('d/a'), file('d/b')], [opaque('d'), file('d/c')])).toEqual([
      'opaque d',
      'file d/c of 1',
    ]);
    expect(squashed(0, [file('d/a')], [opaque('d'), file('d/c')])).toEqual(['directory d', 'file d/c of 1']);
  });

  test('become whiteouts where a name came back', () => {
    const layers = [[file('d/a'), link('q', 'd/a'), file('d/b')], [opaque('d')], [link('d/a', 'q')]];
    expect(squashed(1, ...layers)).toEqual(['whiteout d/b']);
    checkRanges(layers.map(vectorTar));
  });

  test('become whiteouts where one came back deep below', () => {
    const layers = [
      [file('d/e/a'), link('q', 'd/e/a'), file('d/b')],
      [opaque('d')],
      [dir('d/e'), link('d/e/a', 'q')],
    ];
    expect(squashed(1, ...layers)).toEqual(['whiteout d/b', 'directory d/e']);
    checkRanges(layers.map(vectorTar));
  });
});

describe('hard links', () => {
  test('lead to a name that the layers below keep', () => {
    const layers = [[file('a'), link('b', 'a')], [link('c', 'a')], [gone('a')]];
    expect(squashed(1, ...layers)).toEqual(['whiteout a', 'hardlink c -> below b']);
  });

  test('take the file up when the layers below keep no name of it', () => {
    const layers = [[file('a')], [link('b', 'a'), link('c', 'a')], [gone('a')]];
    expect(squashed(1, ...layers)).toEqual(['whiteout a', 'file b of 0', 'hardlink c -> b']);
  });

  test('stay links when the name that they were made from goes', () => {
    const layers = [[file('a'), link('b', 'a'), link('c', 'a')], [file('a', 'new')]];
    expect(squashed(0, ...layers)).toEqual(['file a of 1', 'file b of 0', 'hardlink c -> b']);
  });

  test('join symlinks and devices too', () => {
    const fifo: VectorEntry = { path: 'p', type: 'fifo', tarPath: 'p' };
    const layers = [
      [symlink('a', 'x'), fifo],
      [link('b', 'a'), link('q', 'p')],
    ];
    expect(squashed(0, ...layers)).toEqual([
      'symlink a -> x',
      'hardlink b -> a',
      'fifo p',
      'hardlink q -> p',
    ]);
    checkRanges(layers.map(vectorTar));
  });
});

test('what is not changed is not written again', () => {
  const layers = [[dir('d'), file('d/a'), file('d/b')], [file('d/a', 'new')], [file('e')]];
  expect(squashed(1, ...layers)).toEqual(['file d/a of 1', 'file e of 2']);
});

test('devices, attributes, owners and the root come out as they went in', () => {
  const xattrs = { 'security.capability': 'caps', 'security.selinux': 'label', 'trusted.overlay.x': 'y' };
  checkRanges([
    vectorTar([
      { ...dir(''), tarPath: './', mode: 0o711 },
      file('f', 'f', { mode: 0o4711, uid: 7, gid: 8, mtime: -5, xattrs }),
      { path: 'n', type: 'char', tarPath: 'n', device: { major: 1, minor: 3 } },
      { path: 'b', type: 'block', tarPath: 'b', device: { major: 8, minor: 300 } },
      file(`${'long/'.repeat(60)}ő`, 'deep'),
    ]),
    vectorTar([file('f', 'f', { xattrs }), dir('long', { mode: 0o1777, xattrs: { 'user.a': 'b' } })]),
    vectorTar([{ ...dir(''), tarPath: './', mode: 0o700 }, gone('b')]),
  ]);
});

describe('every range of every stack shows the same', () => {
  const vectors: readonly { readonly name: string; readonly layers: VectorEntry[][] }[] = [
    'layer-vectors.json',
    'layer-vectors-own.json',
  ].flatMap((name) =>
    JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}`, import.meta.url), 'utf8')),
  );
  test.each(vectors.map(({ name, layers }) => [name, layers] as const))('%s', (_, layers) => {
    checkRanges(layers.map(vectorTar));
  });

  test('random stacks', () => {
    fc.assert(
      fc.property(layerStacks, (layers) => checkRanges(layers.map(vectorTar))),
      { numRuns: 300 },
    );
  });
});
