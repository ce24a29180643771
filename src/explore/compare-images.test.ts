import { describe, expect, it } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { compareFiles, compareImages, comparePackages } from './compare-images.ts';
import { readPackages } from './packages/read-packages.ts';

const file = (tarPath: string, size: number, more: Partial<VectorEntry> = {}): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content: tarPath[0]!.repeat(size),
  tarPath,
  ...more,
});
const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: path });

const BASE = [dir('usr'), dir('usr/lib'), dir('usr/lib/x'), file('usr/lib/x/old', 100), file('a', 10)];
const named = async (name: string, ...layers: readonly (readonly VectorEntry[])[]) => ({
  ...(await exploredLayers(layers)),
  name,
});

describe('two images', () => {
  it('differ by directory and by file, in bytes that each shows', async () => {
    const before = await named('one', BASE, [file('m', 5), file('t', 5), file('k', 3)]);
    const after = await named('two', BASE, [
      file('usr/lib/x/new', 700),
      { path: 'usr/lib/x/twin', type: 'hardlink', target: 'usr/lib/x/new', tarPath: 'usr/lib/x/twin' },
      { path: 'usr/lib/x/old', type: 'whiteout', tarPath: 'usr/lib/x/.wh.old' },
      file('m', 5, { mode: 0o700 }),
      file('t', 5, { mtime: 1 }),
      dir('k'),
      file('a', 12),
    ]);
    const found = compareImages(before, after);
    expect(found).toMatchObject({
      same: false,
      commonLayers: 1,
      left: 0,
      before: { name: 'one', visible: 123, hidden: 0 },
      after: { name: 'two', visible: 722, hidden: 110 },
      counts: {
        added: { paths: 2 },
        removed: { paths: 1, delta: -100 },
        content: { paths: 1, delta: 2 },
        metadata: { paths: 1, delta: 0 },
        type: { paths: 1, delta: -3 },
        times: { paths: 1, delta: 0 },
      },
    });
    expect(found.folders).toEqual([
      { path: 'usr/lib', before: 100, after: 700, delta: 600, paths: 3 },
      { path: '', before: 23, after: 22, delta: -1, paths: 3 },
    ]);
    expect(compareImages(before, after, { depth: 3 }).folders[0]!.path).toBe('usr/lib/x');
    expect(compareImages(before, after, { depth: 0 }).folders).toHaveLength(1);
    expect(found.files.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'added usr/lib/x/new',
      'added usr/lib/x/twin',
      'removed usr/lib/x/old',
      'type k',
      'content a',
      'metadata m',
    ]);
  });

  it('are the same however they are layered, times aside', async () => {
    const one = await named('one', BASE, [file('n', 4)]);
    const flat = await named('flat', [...BASE, file('n', 4)]);
    const later = await named('later', [...BASE, file('n', 4, { mtime: 5 })]);
    expect(compareImages(one, flat)).toMatchObject({ same: true, commonLayers: 0, folders: [], files: [] });
    expect(compareFiles(one, flat).difference).toBeUndefined();
    expect(compareImages(one, later)).toMatchObject({ same: true, counts: { times: { paths: 1 } } });
    expect(compareFiles(one, later).difference).toBe('n');
    const nothing = await named('nothing');
    expect(compareImages(nothing, nothing)).toMatchObject({ same: true, commonLayers: 0 });
    expect(compareImages(nothing, one)).toMatchObject({ same: false, counts: { added: { paths: 6 } } });
  });

  it('differ by package', async () => {
    const status = (version: string) => `Package: p\nStatus: install ok installed\nVersion: ${version}\n`;
    const of = async (version: string, size: number) => {
      const exploration = await exploredLayers([
        [
          file('var/lib/dpkg/status', 0, { content: status(version) }),
          file('var/lib/dpkg/info/p.list', 0, { content: '/p\n' }),
          file('p', size),
        ],
      ]);
      return readPackages(exploration, exploration.store);
    };
    const row = { manager: 'dpkg', name: 'p' };
    expect(comparePackages(await of('1', 10), await of('2', 30))).toEqual([
      { ...row, before: '1', after: '2', delta: 20 },
    ]);
    expect(comparePackages(await of('1', 10), await of('1', 10))).toEqual([]);
    const none = await exploredLayers([]);
    expect(comparePackages(await readPackages(none, none.store), await of('1', 10))).toEqual([
      { ...row, before: undefined, after: '1', delta: 10 },
    ]);
  });
});
