import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  configOf,
  expectEmpty,
  LAYER,
  LIMIT,
  NAME,
  OTHER,
  old,
  rowOf,
  useStore,
} from '../../test/support/archives.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { findImage } from './find-image.ts';
import { loadArchive } from './load-archive.ts';

const at = useStore();

describe('a bad archive is refused and leaves nothing', () => {
  const good = [
    ['c.json', configOf(LAYER, OTHER)],
    ['a/layer.tar', LAYER],
    ['b/layer.tar', OTHER],
  ] as const;
  const both = ['a/layer.tar', 'b/layer.tar'];
  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'is empty'],
    ['two zero blocks', Buffer.alloc(1024), 'is empty'],
    ['no tar', Buffer.from('hello'.repeat(300)), 'not an archive of images'],
    ['a tar of files', LAYER, 'neither manifest.json nor index.json'],
    ['only repositories', old(['repositories', '{}']), 'before 1.10'],
    ['an empty list', old(['manifest.json', '[]']), 'lists no image'],
    ['null', old(['manifest.json', 'null']), 'got null, want a list of images'],
    ['no JSON', old(['manifest.json', '{']), 'want JSON'],
    ['an odd row', old(['manifest.json', '[1]']), '[0]: got 1, want an object'],
    ['a row without config', old(['manifest.json', '[{"Layers":[]}]']), '[0].Config: got nothing'],
    ['odd layers', old(['manifest.json', rowOf([], { Layers: [1] })]), '[0].Layers[0]: got 1'],
    [
      'a missing config',
      old(['manifest.json', rowOf([])]),
      'has no "c.json", which manifest.json [0].Config names',
    ],
    [
      'a missing layer',
      old(['manifest.json', rowOf(both)], good[0], good[1]),
      'has no "b/layer.tar", which manifest.json [0].Layers[1] names',
    ],
    [
      'too few layers',
      old(['manifest.json', rowOf(['a/layer.tar'])], ...good),
      '1 layers are listed, its config has 2 diff ids',
    ],
    ['swapped layers', old(['manifest.json', rowOf(['b/layer.tar', 'a/layer.tar'])], ...good), 'has diff id'],
    [
      'a link out of the archive',
      old(['manifest.json', rowOf(both)], good[0], good[1], ['b/layer.tar', { symlink: '/etc/passwd' }]),
      'has no "b/layer.tar"',
    ],
    [
      'a link that climbs out',
      old(['manifest.json', rowOf(both)], good[0], good[1], [
        'b/layer.tar',
        { symlink: '../../../../etc/passwd' },
      ]),
      'has no "b/layer.tar"',
    ],
    [
      'links in a circle',
      old(['manifest.json', rowOf(['a', 'b'])], good[0], ['a', { symlink: 'b' }], ['b', { symlink: 'a' }]),
      'go in a circle',
    ],
    [
      'a folder as layer',
      old(['manifest.json', rowOf(['a/', 'b'])], good[0], ['a/', ''], ['b', OTHER]),
      'is no file',
    ],
    [
      'a bad name',
      old(['manifest.json', rowOf(both, { RepoTags: ['App:1'] })], ...good),
      'must be lower case',
    ],
    [
      'an unknown rootfs',
      old(['manifest.json', rowOf([])], ['c.json', '{"rootfs":{"type":"x"}}']),
      'rootfs.type',
    ],
    [
      'a cut archive',
      old(['manifest.json', rowOf(both)], ...good).subarray(0, -2048),
      'not an archive of images',
    ],
    [
      'a cut gzip layer',
      old(['manifest.json', rowOf(both)], good[0], good[1], ['b/layer.tar', gzipSync(OTHER).subarray(0, -6)]),
      'gzip data ends before',
    ],
  ])('%s', async (_, bytes, why) => {
    await expect(loadArchive(at.store, streamOf(bytes))).rejects.toThrow(why);
    const path = join(at.folder, 'bad.tar');
    writeFileSync(path, bytes);
    await expect(loadArchive(at.store, path)).rejects.toThrow(why);
    await expectEmpty(at.store);
  });

  it('and so is a path where nothing is', async () => {
    await expect(loadArchive(at.store, join(at.folder, 'no.tar'))).rejects.toThrow('no such file');
  });
});

describe('an old archive of docker', () => {
  const items = [
    ['c.json', configOf(LAYER, OTHER)],
    ['a/layer.tar', LAYER],
    ['b/layer.tar', OTHER],
  ] as const;
  const load = async (bytes: Buffer) => {
    const [loaded] = await loadArchive(at.store, streamOf(bytes));
    return { loaded: loaded!, image: await findImage(at.store, loaded!.id) };
  };

  it('gives the image of its config, with the same id, stored uncompressed', async () => {
    const { loaded, image } = await load(
      old(['manifest.json', rowOf(['a/layer.tar', 'b/layer.tar'])], ...items),
    );
    expect(loaded).toMatchObject({ names: [NAME], id: sha256(configOf(LAYER, OTHER)) });
    expect(image.manifest.layers.map((layer) => layer.digest)).toEqual([sha256(LAYER), sha256(OTHER)]);
    expect((await collect(image.layers[0]!.openTar(), LIMIT)).equals(LAYER)).toBe(true);
    expect((await findImage(at.store, 'app:1')).descriptor).toEqual(image.descriptor);
  });

  it('may have gzip layers, links between layers, names with ./ and .., and no tags', async () => {
    const twice = configOf(LAYER, LAYER, OTHER);
    const { loaded, image } = await load(
      old(
        ['./a/layer.tar', gzipSync(LAYER)],
        ['./b/layer.tar', { symlink: '../a/layer.tar' }],
        ['./d/layer.tar', { hardlink: 'e.tar' }],
        ['e.tar', OTHER],
        ['../c.json', twice],
        [
          'manifest.json',
          rowOf(['a/layer.tar', 'x/../b/layer.tar', 'd/layer.tar'], { RepoTags: null, Config: '../c.json' }),
        ],
      ),
    );
    expect(loaded.names).toEqual([]);
    expect(image.manifest.layers.map((layer) => layer.digest)).toEqual([
      sha256(LAYER),
      sha256(LAYER),
      sha256(OTHER),
    ]);
    await at.store.collect();
    expect((await findImage(at.store, loaded.id)).descriptor).toEqual(image.descriptor);
  });

  it('is read compressed as a whole, from a file and from a stream', async () => {
    const bytes = gzipSync(old(['manifest.json', rowOf(['a/layer.tar', 'b/layer.tar'])], ...items));
    const path = join(at.folder, 'a.tar.gz');
    writeFileSync(path, bytes);
    const [one] = await loadArchive(at.store, path);
    const [two] = await loadArchive(createMemoryStore(), streamOf(bytes.subarray(0, 5), bytes.subarray(5)));
    expect(one).toEqual(two);
    expect(readdirSync(join(at.store.folder!, 'tmp'))).toEqual([]);
  });
});
