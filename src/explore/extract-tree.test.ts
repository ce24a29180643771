import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exploredLayers } from '../../test/support/explored.ts';
import type { VectorEntry } from '../../test/support/vector-tar.ts';
import { extractName, extractPath } from './extract-tree.ts';
import { locatePath } from './locate-path.ts';

const file = (tarPath: string, content: string, mode = 0o644): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  mode,
  tarPath,
});
const LAYERS: VectorEntry[][] = [
  [
    { path: 'd', type: 'dir', tarPath: 'd', mode: 0o555 },
    file('d/a', 'first', 0o4755),
    { path: 'd/twin', type: 'hardlink', target: 'd/a', tarPath: 'd/twin' },
    { path: 'd/out', type: 'symlink', target: '../../../../outside', tarPath: 'd/out' },
    { path: 'd/dev', type: 'char', device: { major: 1, minor: 3 }, tarPath: 'd/dev' },
    { path: 'd/sub', type: 'dir', tarPath: 'd/sub', mode: 0o500 },
    file('d/sub/deep', 'deep'),
    { path: 'to', type: 'symlink', target: '/d/a', tarPath: 'to' },
  ],
  [file('d/a', 'second')],
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-extract-'));
  mkdirSync(join(folder, 'dest'));
});
afterEach(() => {
  // Directories that their owner may not write to cannot be emptied by everybody.
  execFileSync('chmod', ['-R', 'u+rwX', folder]);
  rmSync(folder, { recursive: true, force: true });
});

async function extract(path: string, dest: string, layer = 1, layers = LAYERS) {
  const exploration = await exploredLayers(layers);
  const found = locatePath(exploration, layer, path);
  const from = { ...found, layer, name: extractName(path, found.path) };
  return extractPath(exploration, exploration.store, from, join(folder, dest));
}
const read = (...names: string[]): string => readFileSync(join(folder, ...names), 'utf8');

describe('extracting', () => {
  it('gives a directory with links, hard links, modes and times; devices are left out', async () => {
    const done = await extract('/d', 'dest', 0);
    expect(done).toMatchObject({ target: join(folder, 'dest/d'), paths: 7, bytes: 9, skipped: ['d/dev'] });
    expect(readdirSync(join(folder, 'dest/d')).sort()).toEqual(['a', 'out', 'sub', 'twin']);
    expect(readlinkSync(join(folder, 'dest/d/out'))).toBe('../../../../outside');
    const [a, twin, d, sub] = ['d/a', 'd/twin', 'd', 'd/sub'].map((path) =>
      lstatSync(join(folder, 'dest', path)),
    );
    expect(twin!.ino).toBe(a!.ino);
    expect([a!.mode & 0o7777, d!.mode & 0o7777, sub!.mode & 0o7777]).toEqual([0o755, 0o555, 0o500]);
    expect(a!.mtimeMs).toBe(1_700_000_000_000);
    expect(readdirSync(join(folder, 'dest'))).toEqual(['d']);
  });

  it('gives a file of any layer, through links, under the name that was asked for', async () => {
    await extract('/to', 'dest');
    await extract('/to', 'old', 0);
    expect([read('dest/to'), read('old')]).toEqual(['second', 'first']);
  });

  it('gives the whole image', async () => {
    await extract('/', 'dest');
    expect(read('dest/rootfs/d/sub/deep')).toBe('deep');
    await extract('..', 'whole');
    expect(read('whole/d/a')).toBe('second');
  });

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'mine')],
    ['an empty directory', (path) => mkdirSync(path)],
    ['a link that leads nowhere', (path) => symlinkSync('/nowhere', path)],
  ])('overwrites nothing: %s', async (_, make) => {
    make(join(folder, 'dest/d'));
    await expect(extract('/d', 'dest')).rejects.toMatchObject({ code: 'EXPLORE_THERE' });
    expect(readdirSync(join(folder, 'dest'))).toEqual(['d']);
  });

  it('needs the folder that it writes to', async () => {
    await expect(extract('/d', 'none/there')).rejects.toMatchObject({ code: 'EXPLORE_WRITE' });
    await expect(extract('/d', 'none/')).rejects.toMatchObject({ code: 'EXPLORE_WRITE' });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('leaves nothing behind when it fails', async () => {
    const long = 'n'.repeat(300);
    const layers = [
      [{ path: 'x', type: 'dir', tarPath: 'x' } as const, file('x/a', 'a'), file(`x/${long}`, 'b')],
    ];
    await expect(extract('/x', 'dest', 0, layers)).rejects.toMatchObject({
      code: 'EXPLORE_WRITE',
      message: expect.stringContaining('a name is longer'),
    });
    expect(readdirSync(join(folder, 'dest'))).toEqual([]);
  });
});
