import { expect, test } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';

const file = (tarPath: string, content: string): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  tarPath,
});
const duplicates = async (...layers: readonly (readonly VectorEntry[])[]) =>
  (await exploredLayers(layers, { duplicates: true })).report.duplicates;

test('equal files are found by content, in one layer and over several; hard links, hidden and empty files are none', async () => {
  const found = await duplicates(
    [
      { path: 'lib', type: 'symlink', target: 'usr', tarPath: 'lib' },
      { path: 'usr', type: 'dir', tarPath: 'usr' },
      file('a', 'AAAA'),
      file('e1', ''),
      file('e2', ''),
      file('h', 'HHHHHHHH'),
      { path: 'twin', type: 'hardlink', target: 'h', tarPath: 'twin' },
      file('old', 'XXXXXXXXXXXX'),
    ],
    [
      file('lib/b', 'AAAA'),
      file('c', 'AAAA'),
      file('new', 'XXXXXXXXXXXX'),
      { path: 'old', type: 'whiteout', tarPath: '.wh.old' },
    ],
    [file('q', 'QQQQQ'), file('r', 'QQQQQ')],
  );
  expect(found).toMatchObject({ bytes: 13, files: 3 });
  expect(found!.groups.map(({ bytes, copies, files }) => [bytes, copies, files])).toEqual([
    [
      4,
      3,
      [
        { layer: 0, path: 'a' },
        { layer: 1, path: 'usr/b' },
        { layer: 1, path: 'c' },
      ],
    ],
    [
      5,
      2,
      [
        { layer: 2, path: 'q' },
        { layer: 2, path: 'r' },
      ],
    ],
  ]);
});

test('an image without files has none', async () => {
  expect(await duplicates([])).toEqual({ bytes: 0, files: 0, groups: [] });
  expect(await duplicates()).toEqual({ bytes: 0, files: 0, groups: [] });
});
