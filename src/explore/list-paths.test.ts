import { describe, expect, it } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import type { OpenExploration } from './explore-image.ts';
import { type ListOptions, listPaths } from './list-paths.ts';
import { chooseLayer, locatePath } from './locate-path.ts';

const file = (tarPath: string, content = 'x'): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  tarPath,
});
const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  target,
  tarPath: path,
});

const LAYERS = [
  [dir('d'), file('d/a'), file('d/b'), dir('d/sub'), file('d/sub/s'), link('to', 'd'), link('loop', 'loop')],
  [gone('d/.wh.a'), file('n')],
  [gone('.wh.d')],
  [dir('d'), file('d/c')],
];
const told = (exploration: OpenExploration, layer: number, path: string, o: ListOptions = {}) =>
  [...listPaths(exploration, layer, path, o)].map(
    ({ path: each, deletedBy, inode }) =>
      `${each} ${inode.layer}${deletedBy === undefined ? '' : ` -${deletedBy}`}`,
  );

describe('a listing', () => {
  it('shows what is there after a layer', async () => {
    const exploration = await exploredLayers(LAYERS);
    expect(told(exploration, 3, '')).toEqual(['d 3', 'loop 0', 'n 1', 'to 0']);
    expect(told(exploration, 0, 'd', { recursive: true })).toEqual([
      'd/a 0',
      'd/b 0',
      'd/sub 0',
      'd/sub/s 0',
    ]);
    expect(told(exploration, 3, 'n')).toEqual(['n 1']);
    expect(told(exploration, 3, 'nowhere')).toEqual([]);
    expect(told(await exploredLayers([]), -1, '')).toEqual([]);
  });

  it('shows what layers removed, with the layer that did, also where something stands again', async () => {
    const exploration = await exploredLayers(LAYERS);
    const all = { deleted: true, recursive: true };
    expect(told(exploration, 3, 'd', all)).toEqual([
      'd/a 0 -1',
      'd/b 0 -2',
      'd/c 3',
      'd/sub 0 -2',
      'd/sub/s 0 -2',
    ]);
    expect(told(exploration, 2, '', { deleted: true })).toEqual(['d 0 -2', 'loop 0', 'n 1', 'to 0']);
    expect(told(exploration, 2, 'd', { deleted: true })).toEqual(['d/a 0 -1', 'd/b 0 -2', 'd/sub 0 -2']);
    expect(told(exploration, 0, '', { deleted: true })).toEqual(['d 0', 'loop 0', 'to 0']);
  });
});

describe('a path', () => {
  it('is found through links, inside the image', async () => {
    const exploration = await exploredLayers(LAYERS);
    expect(locatePath(exploration, 0, '/to/../../../to/a').path).toBe('d/a');
    expect(locatePath(exploration, 0, 'to').path).toBe('d');
    expect(locatePath(exploration, 0, 'to', { keepLast: true }).path).toBe('to');
    expect(locatePath(exploration, 3, '/').path).toBe('');
    expect(() => locatePath(exploration, 3, 'loop/x')).toThrow(/symbolic links/);
  });

  it('that is not there is told with the layer that removed it, or what is near', async () => {
    const exploration = await exploredLayers(LAYERS);
    const hint = (layer: number, path: string): unknown => {
      try {
        return locatePath(exploration, layer, path);
      } catch (error) {
        return (error as { hint?: string }).hint;
      }
    };
    expect(hint(3, '/d/b')).toBe('layer 2 removed it: --layer 1 still has it');
    expect(hint(3, '/d/sub/s')).toBe('layer 2 removed it: --layer 1 still has it');
    expect(hint(1, '/d/a')).toBe('layer 1 removed it: --layer 0 still has it');
    expect(hint(0, '/d/aa')).toMatch(/^near it there is \/d\/a/);
    expect(hint(3, '/elsewhere')).toBeUndefined();
  });
});

it('a layer is chosen by its number', async () => {
  const exploration = await exploredLayers(LAYERS);
  expect(chooseLayer(exploration, 'app', undefined)).toBe(3);
  expect(chooseLayer(exploration, 'app', '0')).toBe(0);
  for (const text of ['4', '-1', 'top', '999999'])
    expect(() => chooseLayer(exploration, 'app', text)).toThrow(/app has no layer .*they go from 0 to 3/);
  expect(() => chooseLayer({ ...exploration, trees: [] }, 'app', '0')).toThrow(/it has none at all/);
});
