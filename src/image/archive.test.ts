import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putImage, type TarItem, tarOf } from '../../test/support/images.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from '../oci/media-types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { compressLayers } from './compress-layers.ts';
import { findImage } from './find-image.ts';
import { imageId } from './image-id.ts';
import { importRootfs } from './import-rootfs.ts';
import { loadArchive } from './load-archive.ts';
import { saveImages, saveToFile } from './save-images.ts';
import type { Image } from './types.ts';

const NAME = 'docker.io/library/app:1';
const LIMIT = 64 * 1024 * 1024;

let folder: string;
let store: LocalStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-archive-'));
  store = createDirectoryStore(join(folder, 'store'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Nothing that a person would see: no blob, no name, no root. */
async function expectEmpty(target: LocalStore): Promise<void> {
  for await (const [name] of target.list()) throw new Error(`name ${name} is there`);
  for await (const root of target.roots.list()) throw new Error(`root ${root.id} is there`);
  for (const algorithm of ['sha256', 'tmp']) {
    const path = algorithm === 'tmp' ? join(target.folder!, 'tmp') : join(target.folder!, 'blobs', algorithm);
    expect(readdirSync(path)).toEqual([]);
  }
}

const LAYER = tarOf([['greeting', 'hello\n']]);
const OTHER = tarOf([['other', 'x']]);
const configOf = (...layers: readonly Buffer[]): string =>
  JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) },
  });
const rowOf = (layers: readonly string[], more: object = {}): string =>
  JSON.stringify([{ Config: 'c.json', RepoTags: ['app:1'], Layers: layers, ...more }]);
const old = (...items: readonly (readonly [string, TarItem])[]): Buffer => tarOf(items);

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
    await expect(loadArchive(store, streamOf(bytes))).rejects.toThrow(why);
    const path = join(folder, 'bad.tar');
    writeFileSync(path, bytes);
    await expect(loadArchive(store, path)).rejects.toThrow(why);
    await expectEmpty(store);
  });

  it('and so is a path where nothing is', async () => {
    await expect(loadArchive(store, join(folder, 'no.tar'))).rejects.toThrow('no such file');
  });
});

describe('an old archive of docker', () => {
  const items = [
    ['c.json', configOf(LAYER, OTHER)],
    ['a/layer.tar', LAYER],
    ['b/layer.tar', OTHER],
  ] as const;
  const load = async (bytes: Buffer) => {
    const [loaded] = await loadArchive(store, streamOf(bytes));
    return { loaded: loaded!, image: await findImage(store, loaded!.id) };
  };

  it('gives the image of its config, with the same id, stored uncompressed', async () => {
    const { loaded, image } = await load(
      old(['manifest.json', rowOf(['a/layer.tar', 'b/layer.tar'])], ...items),
    );
    expect(loaded).toMatchObject({ names: [NAME], id: sha256(configOf(LAYER, OTHER)) });
    expect(image.manifest.layers.map((layer) => layer.digest)).toEqual([sha256(LAYER), sha256(OTHER)]);
    expect((await collect(image.layers[0]!.openTar(), LIMIT)).equals(LAYER)).toBe(true);
    expect((await findImage(store, 'app:1')).descriptor).toEqual(image.descriptor);
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
    await store.collect();
    expect((await findImage(store, loaded.id)).descriptor).toEqual(image.descriptor);
  });

  it('is read compressed as a whole, from a file and from a stream', async () => {
    const bytes = gzipSync(old(['manifest.json', rowOf(['a/layer.tar', 'b/layer.tar'])], ...items));
    const path = join(folder, 'a.tar.gz');
    writeFileSync(path, bytes);
    const [one] = await loadArchive(store, path);
    const [two] = await loadArchive(createMemoryStore(), streamOf(bytes.subarray(0, 5), bytes.subarray(5)));
    expect(one).toEqual(two);
    expect(readdirSync(join(store.folder!, 'tmp'))).toEqual([]);
  });
});

describe('an archive that dobos saves', () => {
  const memberNames = (tar: Buffer): string[] => {
    const names: string[] = [];
    for (let at = 0; tar[at] !== 0; ) {
      names.push(tar.toString('latin1', at, at + 100).replace(/\0.*/s, ''));
      const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
      at += 512 + Math.ceil(size / 512) * 512;
    }
    return names;
  };
  const save = (from: LocalStore, image: Image, layers?: 'plain' | 'stored') =>
    collect(saveImages(from, [{ image, name: NAME }], { layers }), LIMIT);

  it('is an OCI layout and a docker archive at once, and the same each time', async () => {
    const image = await putImage(store, NAME);
    const tar = await save(store, image);
    expect(memberNames(tar).slice(0, 4)).toEqual([
      'oci-layout',
      'index.json',
      'manifest.json',
      'repositories',
    ]);
    expect(
      memberNames(tar)
        .slice(4)
        .every((name) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name)),
    ).toBe(true);
    expect(await save(store, image)).toEqual(tar);
    await saveToFile(store, [{ image, name: NAME }], join(folder, 'x.tar'));
    expect(readFileSync(join(folder, 'x.tar')).equals(tar)).toBe(true);
    expect(statSync(join(folder, 'x.tar')).mode & 0o777).toBe(0o600);
    const memory = createMemoryStore();
    expect(await save(memory, await putImage(memory, NAME))).toEqual(tar);
  });

  it('comes back as the same image, manifest included', async () => {
    const image = await putImage(store, NAME);
    const other = createDirectoryStore(join(folder, 'other'));
    const events: string[] = [];
    const [loaded] = await loadArchive(other, streamOf(await save(store, image)), {
      onEvent: (event) => events.push(event.kind),
    });
    expect(loaded).toEqual({ names: [NAME], id: imageId(image), target: image.descriptor });
    expect(events).toEqual(['layer', 'layer', 'image']);
    const problems: unknown[] = [];
    for await (const problem of other.check()) problems.push(problem);
    expect(problems).toEqual([]);
  });

  it('has compressed layers unpacked, or as they are when asked', async () => {
    const image = await putImage(store, NAME);
    const packed = await compressLayers(image, 'gzip', store);
    expect(await save(store, packed)).toEqual(await save(store, image));
    const stored = await save(store, packed, 'stored');
    const other = createMemoryStore();
    const [loaded] = await loadArchive(other, streamOf(stored));
    expect(loaded!.target).toEqual(packed.descriptor);
    expect(readdirSync(join(store.folder!, 'tmp'))).toEqual([]);
    const again: boolean[] = [];
    await loadArchive(other, streamOf(stored), {
      onEvent: (event) => event.kind === 'layer' && again.push(event.present),
    });
    expect(again).toEqual([true, true]);
  });

  it('holds several images and several names, each blob once', async () => {
    const [one, two] = [await putImage(store, NAME), await putImage(store, undefined, 'two')];
    const selections = [{ image: one, name: NAME }, { image: two }, { image: one, name: 'ghcr.io/x/y:2' }];
    const tar = await collect(saveImages(store, selections), LIMIT);
    const names = memberNames(tar);
    expect(new Set(names).size).toBe(names.length);
    const loaded = await loadArchive(createMemoryStore(), streamOf(tar));
    expect(loaded.map((each) => [each.names, each.id])).toEqual([
      [[NAME, 'ghcr.io/x/y:2'], imageId(one)],
      [[], imageId(two)],
    ]);
  });

  it('is not written when a layer is missing or corrupt, and what stood there stays', async () => {
    const image = await putImage(store, NAME);
    const path = join(folder, 'x.tar');
    writeFileSync(path, 'before');
    const blob = join(store.folder!, 'blobs/sha256', image.layers[0]!.blob.digest.slice(7));
    const bytes = readFileSync(blob);
    bytes[0]! ^= 1;
    rmSync(blob);
    await expect(saveToFile(store, [{ image }], path)).rejects.toMatchObject({ code: 'IMAGE_LAYER_ABSENT' });
    writeFileSync(blob, bytes);
    await expect(saveToFile(store, [{ image }], path)).rejects.toMatchObject({ code: 'BYTES_MISMATCH' });
    await expect(save(store, image)).rejects.toMatchObject({ code: 'BYTES_MISMATCH' });
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(folder).sort()).toEqual(['store', 'x.tar']);
    await expect(saveToFile(store, [{ image }], join(folder, 'no', 'x.tar'))).rejects.toMatchObject({
      code: 'ARCHIVE_WRITE',
    });
    await expect(saveToFile(store, [{ image }], folder)).rejects.toThrow('it is a directory');
  });
});

describe('an OCI layout', () => {
  const blobName = (bytes: string | Buffer) => `blobs/sha256/${sha256(bytes).slice(7)}`;
  const describeBlob = (mediaType: string, bytes: string | Buffer, more: object = {}) => ({
    mediaType,
    digest: sha256(bytes),
    size: Buffer.byteLength(bytes),
    ...more,
  });
  const config = configOf(LAYER);
  const packed = gzipSync(LAYER);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describeBlob('application/vnd.oci.image.config.v1+json', config),
    layers: [describeBlob(OCI_LAYER_GZIP, packed)],
  });
  const blobs: (readonly [string, TarItem])[] = [
    [blobName(packed), packed],
    [blobName(config), config],
    [blobName(manifest), manifest],
  ];
  const layoutFile = ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'] as const;
  const indexOf = (...manifests: object[]) =>
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests })] as const;
  const entry = (annotations?: object) =>
    describeBlob(OCI_MANIFEST, manifest, annotations === undefined ? {} : { annotations });

  it.each<[string, object | undefined, string[]]>([
    [
      'a full name',
      { 'io.containerd.image.name': 'ghcr.io/a/b:c', 'org.opencontainers.image.ref.name': 'c' },
      ['ghcr.io/a/b:c'],
    ],
    ['a name as reference', { 'org.opencontainers.image.ref.name': 'app:1' }, [NAME]],
    ['a bare tag', { 'org.opencontainers.image.ref.name': 'latest' }, []],
    ['nothing', undefined, []],
  ])('whose entry has %s is loaded with its digest', async (_, annotations, names) => {
    const tar = tarOf(
      [...blobs, layoutFile, indexOf(entry(annotations))].map(([name, item]) => [`./${name}`, item]),
    );
    const [loaded] = await loadArchive(store, streamOf(tar));
    expect(loaded).toEqual({ names, id: sha256(config), target: describeBlob(OCI_MANIFEST, manifest) });
    expect(
      (await collect((await findImage(store, loaded!.id)).layers[0]!.openTar(), LIMIT)).equals(LAYER),
    ).toBe(true);
  });

  it('in a folder is loaded too, unless a blob is a link', async () => {
    const layout = join(folder, 'layout');
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    for (const [name, item] of [...blobs, layoutFile, indexOf(entry())])
      writeFileSync(join(layout, name), item as Buffer);
    const other = createDirectoryStore(join(folder, 'other'));
    expect(await loadArchive(other, layout)).toHaveLength(1);
    const blob = join(layout, blobName(packed));
    rmSync(blob);
    writeFileSync(join(folder, 'elsewhere'), packed);
    symlinkSync(join(folder, 'elsewhere'), blob);
    await expect(loadArchive(store, layout)).rejects.toThrow('is no regular file');
  });

  it.each<[string, (readonly [string, TarItem])[], string]>([
    ['without its marker', [...blobs, indexOf(entry())], 'has no "oci-layout"'],
    [
      'of another version',
      [...blobs, ['oci-layout', '{"imageLayoutVersion":"2.0.0"}'], indexOf(entry())],
      'got 2.0.0',
    ],
    ['without images', [...blobs, layoutFile, indexOf()], 'lists no image'],
    ['with a missing blob', [...blobs.slice(1), layoutFile, indexOf(entry())], 'has no "blobs/sha256/'],
    [
      'with a blob of another size',
      [[blobName(packed), Buffer.concat([packed, packed])], ...blobs.slice(1), layoutFile, indexOf(entry())],
      'bytes, manifest sha256:',
    ],
    [
      'with a blob of other bytes',
      [[blobName(packed), Buffer.alloc(packed.length)], ...blobs.slice(1), layoutFile, indexOf(entry())],
      'content reads as',
    ],
    [
      'with a manifest of other bytes',
      [...blobs.slice(0, 2), [blobName(manifest), manifest.replace('2', '3')], layoutFile, indexOf(entry())],
      'content reads as',
    ],
    [
      'with a digest that climbs',
      [...blobs, layoutFile, indexOf({ ...entry(), digest: 'sha256:../../etc/passwd' })],
      'manifests[0].digest',
    ],
  ])('%s is refused', async (_, items, why) => {
    await expect(loadArchive(store, streamOf(tarOf(items)))).rejects.toThrow(why);
    await expectEmpty(store);
  });

  it('whose layer is not what the config says is refused', async () => {
    const wrong = configOf(OTHER);
    const text = manifest
      .replace(sha256(config), sha256(wrong))
      .replace(`"size":${config.length}`, `"size":${wrong.length}`);
    const items: (readonly [string, TarItem])[] = [
      blobs[0]!,
      [blobName(wrong), wrong],
      [blobName(text), text],
      layoutFile,
      indexOf(describeBlob(OCI_MANIFEST, text)),
    ];
    await expect(loadArchive(store, streamOf(tarOf(items)))).rejects.toMatchObject({
      code: 'ARCHIVE_LAYER_CONTENT',
    });
    await expectEmpty(store);
  });

  it('that is also a docker archive is read as that when blobs are missing', async () => {
    const items: (readonly [string, TarItem])[] = [
      layoutFile,
      indexOf(entry()),
      ['c.json', config],
      ['l.tar', LAYER],
      ['manifest.json', rowOf(['l.tar'])],
    ];
    const [loaded] = await loadArchive(store, streamOf(tarOf(items)));
    expect(loaded).toMatchObject({ names: [NAME], id: sha256(config) });
  });

  it('with an index is kept whole if all is there, else its image for the platform', async () => {
    const amd64 = { platform: { os: 'linux', architecture: 'amd64' } };
    const attestation = describeBlob(OCI_MANIFEST, '{}', {
      platform: { os: 'unknown', architecture: 'unknown' },
    });
    const whole = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ ...entry(), ...amd64 }],
    });
    const thin = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [attestation, { ...entry(), ...amd64 }],
    });
    const load = async (index: string) => {
      const named = describeBlob(OCI_INDEX, index, {
        annotations: { 'org.opencontainers.image.ref.name': 'app:1' },
      });
      const tar = tarOf([...blobs, [blobName(index), index], layoutFile, indexOf(named)]);
      return (await loadArchive(store, streamOf(tar), amd64))[0]!;
    };
    expect(await load(whole)).toEqual({
      names: [NAME],
      id: sha256(config),
      target: describeBlob(OCI_INDEX, whole),
    });
    expect(await load(thin)).toEqual({
      names: [NAME],
      id: sha256(config),
      target: describeBlob(OCI_MANIFEST, manifest),
    });
  });
});

describe('importRootfs', () => {
  const platform = { os: 'linux', architecture: 'amd64' };

  it.each<[string, Buffer]>([
    ['no bytes', Buffer.alloc(0)],
    ['text', Buffer.from('hello'.repeat(300))],
    ['a cut tar', LAYER.subarray(0, 600)],
    ['an empty tar', Buffer.alloc(1024)],
  ])('refuses %s', async (_, bytes) => {
    await expect(importRootfs(store, streamOf(bytes), { platform })).rejects.toMatchObject({
      code: 'IMPORT_NOT_TAR',
    });
    await expectEmpty(store);
  });

  it('makes one layer of the tar as it is, also when it comes compressed', async () => {
    const o = { platform, created: '2026-01-01T00:00:00Z', config: { Cmd: ['sh'] } };
    const image = await importRootfs(store, streamOf(gzipSync(LAYER)), o);
    expect(image.layers.map((layer) => layer.diffId)).toEqual([sha256(LAYER)]);
    expect(image.config).toMatchObject({
      created: o.created,
      config: { Cmd: ['sh'] },
      history: [{ created: o.created, comment: 'Imported from -' }],
    });
    expect((await importRootfs(createMemoryStore(), streamOf(LAYER), o)).descriptor).toEqual(
      image.descriptor,
    );
  });
});
