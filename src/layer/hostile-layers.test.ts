import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexEntries, indexTar } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { sha256, streamOf } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { applyLayer, emptyTree, stackLayers } from './apply-layer.ts';
import { openLayer } from './open-layer.ts';
import { placeEntries } from './place-entries.ts';
import { readLayerIndex } from './read-index.ts';
import type { FileTree } from './types.ts';

const file = (path: string, content = ''): VectorEntry => ({ path, type: 'file', content, tarPath: path });
const symlink = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  target,
  tarPath: path,
});
const paths = (tree: FileTree): string[] => [...tree.walk()].map(([path]) => path);

/** What the work gives, or undefined if it ends in an error of ours; any other error is thrown. */
function orRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isDobosError(error)) return undefined;
    throw error;
  }
}

test('a damaged tar gives a tree or one of our errors, and a path never leaves the root', () => {
  let trees = 0;
  let refused = 0;
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(layerStacks, damage, fc.nat(), (layers, marks, cut) => {
      const tars = layers.map((layer) => vectorTar(layer));
      const last = tars.at(-1)!;
      for (const { at, byte } of marks) last[at % last.length] = byte;
      const whole = cut % 3 === 0 ? last.subarray(0, cut % last.length) : last;
      const tree = orRefused(() => stackLayers([...tars.slice(0, -1), whole].map((tar) => indexTar(tar))));
      if (tree === undefined) refused++;
      else {
        trees++;
        for (const path of paths(tree)) expect(path).not.toMatch(/(^|\/)(\.{0,2})(\/|$)/);
      }
    }),
    { numRuns: 500 },
  );
  expect(trees).toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});

test('entries of any names and links in any order give a tree or one of our errors', () => {
  const name = fc.constantFrom(
    'a',
    'b',
    '..',
    '.',
    '',
    '.wh.a',
    '.wh.b',
    '.wh..wh..opq',
    'a.wh.',
    '\ud83d\ude00',
  );
  const tarPath = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/') || 'a');
  const entry: fc.Arbitrary<VectorEntry> = fc.record({
    path: fc.constant(''),
    type: fc.constantFrom('file', 'dir', 'symlink', 'hardlink', 'fifo'),
    target: tarPath,
    content: fc.constantFrom('', 'x'),
    tarPath,
  });
  fc.assert(
    fc.property(fc.array(fc.array(entry, { maxLength: 8 }), { maxLength: 3 }), (layers) => {
      let tree = emptyTree();
      for (const [number, layer] of layers.entries()) {
        const tar = orRefused(() => vectorTar(layer));
        const index = tar === undefined ? undefined : orRefused(() => indexTar(tar));
        if (index === undefined) return;
        const operations = orRefused(() => [...placeEntries(tree, index)]);
        const above = orRefused(() => applyLayer(tree, index, number));
        expect(above === undefined).toBe(operations === undefined);
        if (above === undefined) return;
        for (const operation of operations ?? []) expect(operation.path).not.toMatch(/(^|\/)\.\.(\/|$)/);
        for (const [path, inode] of above.walk()) expect(above.get(path)).toEqual(inode);
        tree = above;
      }
    }),
    { numRuns: 1000 },
  );
});

describe('sizes that an attacker chooses', () => {
  test('a path as deep as paths can be', () => {
    const deep = `${'d/'.repeat(2047)}f`;
    const tree = stackLayers([indexEntries([file(deep)])]);
    expect(paths(tree).length).toBe(2048);
    expect(tree.resolve(deep)).toBe(deep);
    expect(() => indexEntries([file(`d/${deep}`)])).toThrow(expect.objectContaining({ code: 'LAYER_NAME' }));
  });

  test('a link to itself under another name', () => {
    const tree = stackLayers([indexEntries([symlink('a', 'a/b')])]);
    expect(() => tree.resolve('a')).toThrow(expect.objectContaining({ code: 'LAYER_LINK_LOOP' }));
    expect(() => applyLayer(tree, indexEntries([file('a/x')]), 1)).toThrow(/symbolic links/);
  });

  test('links that double at each step', () => {
    const doubling = Array.from({ length: 60 }, (_, i) => symlink(`l${i}`, `l${i + 1}/../l${i + 1}`));
    const tree = stackLayers([indexEntries(doubling)]);
    expect(() => tree.resolve('l0')).toThrow(expect.objectContaining({ code: 'LAYER_LINK_LOOP' }));
  });

  test('many whiteouts of many paths', () => {
    const files = Array.from({ length: 20_000 }, (_, i) => file(`d${i % 100}/f${i}`));
    const marks = files.map(({ path }) => file(path.replace('/', '/.wh.')));
    const tree = stackLayers([indexEntries(files), indexEntries(marks)]);
    expect(paths(tree).length).toBe(100);
  });
});

test('garbage after a compressed layer, and a layer cut short, are refused', async () => {
  const store = createMemoryStore();
  const tar = vectorTar([file('a', 'A'.repeat(10_000))]);
  const gzipped = gzipSync(tar);
  const bad = [Buffer.concat([gzipped, Buffer.from('x')]), gzipped.subarray(0, -1), gzipped.subarray(0, 20)];
  for (const bytes of bad) {
    const blob = await store.ingest(streamOf(bytes), 'application/vnd.oci.image.layer.v1.tar+gzip');
    await expect(readLayerIndex(store, openLayer(store, blob, sha256(tar)))).rejects.toSatisfy(isDobosError);
  }
});
