import { describe, expect, it } from 'vitest';
import { makeImage, putImage, putLayer } from '../../test/support/images.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { formatConfig, formatManifest } from '../oci/format.ts';
import {
  DOCKER_CONFIG,
  DOCKER_LAYER_GZIP,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../oci/media-types.ts';
import type { Descriptor, Digest, ImageConfig } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { chainIds } from './chain-id.ts';
import { compressLayers } from './compress-layers.ts';
import { appendLayer, cutLayers, editConfig } from './edit-config.ts';
import { findImage } from './find-image.ts';
import { imageId } from './image-id.ts';
import { listImages } from './list-images.ts';
import { keepUntagged, nameImage } from './name-image.ts';
import { pairHistory } from './pair-history.ts';
import { readImage } from './read-image.ts';
import { scratchImage } from './scratch-image.ts';
import { sealImage, toOciImage } from './seal-image.ts';
import { writeImage } from './write-image.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const NAME = 'docker.io/library/app:latest';

async function putJson(store: LocalStore, value: unknown, mediaType: string): Promise<Descriptor> {
  return putBytes(store, Buffer.from(JSON.stringify(value)), mediaType);
}
async function putBytes(store: LocalStore, bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const blob = { mediaType, digest: sha256(bytes), size: bytes.length };
  await store.put(blob, streamOf(bytes));
  return blob;
}

describe('readImage', () => {
  it('refuses a manifest whose layers and diff ids differ in number', async () => {
    const store = createMemoryStore();
    const image = await putImage(store);
    const manifest = { ...image.manifest, layers: image.manifest.layers.slice(1) };
    const broken = await putJson(store, manifest, OCI_MANIFEST);
    await expect(readImage(store, broken)).rejects.toThrow('lists 1 layers, the config 2 diff ids');
  });

  it('refuses what is no image by the type of its config', async () => {
    const store = createMemoryStore();
    const config = await putJson(store, {}, 'application/vnd.cncf.helm.config.v1+json');
    const artifact = await putJson(store, { schemaVersion: 2, config, layers: [] }, OCI_MANIFEST);
    await expect(readImage(store, artifact)).rejects.toMatchObject({ code: 'IMAGE_NOT_AN_IMAGE' });
  });

  it('refuses schema 1 by name', async () => {
    const store = createMemoryStore();
    const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
    const old = await putJson(store, { schemaVersion: 1, fsLayers: [] }, type);
    await expect(readImage(store, old)).rejects.toMatchObject({ code: 'OCI_SCHEMA1' });
  });

  it('refuses indexes nested without end', async () => {
    const store = createMemoryStore();
    let at = (await putImage(store)).descriptor;
    for (let i = 0; i < 9; i++) {
      at = await putJson(
        store,
        { schemaVersion: 2, manifests: [{ ...at, platform: AMD64 }], annotations: { i: `${i}` } },
        OCI_INDEX,
      );
    }
    await expect(readImage(store, at, { platform: AMD64 })).rejects.toMatchObject({
      code: 'IMAGE_INDEX_DEPTH',
    });
  });

  it('goes through a nested index to the platform that is wanted', async () => {
    const store = createMemoryStore();
    const [one, two] = [await putImage(store, undefined, 'one'), await putImage(store, undefined, 'two')];
    const inner = await putJson(
      store,
      {
        schemaVersion: 2,
        manifests: [{ ...two.descriptor, platform: { os: 'linux', architecture: 'arm64' } }],
      },
      OCI_INDEX,
    );
    const outer = await putJson(
      store,
      {
        schemaVersion: 2,
        manifests: [
          { ...one.descriptor, platform: AMD64 },
          { ...inner, platform: { os: 'linux', architecture: 'arm64' } },
        ],
      },
      OCI_INDEX,
    );
    const arm = await readImage(store, outer, { platform: { os: 'linux', architecture: 'arm64' } });
    expect(arm.descriptor.digest).toBe(two.descriptor.digest);
    await expect(
      readImage(store, outer, { platform: { os: 'linux', architecture: 's390x' } }),
    ).rejects.toMatchObject({
      code: 'OCI_PLATFORM_MISSING',
    });
  });

  it('keeps the bytes of Docker types, and converts them only when asked, with the same id', async () => {
    const store = createMemoryStore();
    const packed = await compressLayers(await putImage(store), 'gzip', store);
    const config = { ...packed.manifest.config, mediaType: DOCKER_CONFIG };
    const layers = packed.manifest.layers.map((layer) => ({ ...layer, mediaType: DOCKER_LAYER_GZIP }));
    await putBytes(store, packed.configBytes, OCI_CONFIG);
    const docker = await putJson(
      store,
      { schemaVersion: 2, mediaType: DOCKER_MANIFEST, config, layers },
      DOCKER_MANIFEST,
    );
    const image = await readImage(store, docker);
    expect(sha256(image.manifestBytes)).toBe(docker.digest);
    const converted = toOciImage(image);
    expect(imageId(converted)).toBe(imageId(image));
    expect(converted.manifest.mediaType).toBe(OCI_MANIFEST);
    expect(converted.manifest.layers.map((layer) => layer.mediaType)).toEqual(
      packed.manifest.layers.map((layer) => layer.mediaType),
    );
    expect(toOciImage(converted)).toBe(converted);
  });

  it('gives back what writeImage stored, and layers that open', async () => {
    const store = createMemoryStore();
    const image = await putImage(store, NAME);
    const read = await readImage(store, NAME);
    expect(read.config).toEqual(image.config);
    expect(Buffer.from(read.manifestBytes)).toEqual(Buffer.from(image.manifestBytes));
    expect((await collect(read.layers[0]!.openTar(), 1e6)).toString()).toContain('hello');
  });
});

describe('writeImage', () => {
  it('refuses an image whose layer is not in the store, and stores nothing', async () => {
    const [from, to] = [createMemoryStore(), createMemoryStore()];
    const image = await makeImage(from, 'x');
    await expect(writeImage(to, image, { name: NAME })).rejects.toMatchObject({ code: 'IMAGE_LAYER_ABSENT' });
    expect(await to.has(image.manifest.config)).toBe(false);
    await expect(to.resolve(NAME)).rejects.toThrow();
  });
});

describe('edits', () => {
  it('keep what nobody knows, and drop the annotations of the manifest', async () => {
    const store = createMemoryStore();
    const config = {
      ...scratchImage(AMD64).config,
      'x-odd': { a: 1 },
      config: { Hostname: 'h' },
    } as unknown as ImageConfig;
    const image = sealImage(config, [], { 'org.opencontainers.image.title': 'x' });
    const edited = editConfig(image, (c) => ({ ...c, config: { ...c.config, User: 'me' } }), {
      created_by: 'USER me',
    });
    expect(edited.config).toMatchObject({ 'x-odd': { a: 1 }, config: { Hostname: 'h', User: 'me' } });
    expect(edited.config.history).toEqual([{ created_by: 'USER me', empty_layer: true }]);
    expect(edited.manifest.annotations).toBeUndefined();
    expect(image.manifest.annotations).toEqual({ 'org.opencontainers.image.title': 'x' });
    void store;
  });

  it('give a layer its own row, also over a base without history', async () => {
    const store = createMemoryStore();
    const [one, two] = [await putLayer(store, { a: '1' }), await putLayer(store, { b: '2' })];
    const base = sealImage({ ...scratchImage(AMD64).config, history: undefined }, [one]);
    const image = appendLayer(base, two, { created_by: 'two', empty_layer: true });
    expect(pairHistory(image.config)).toEqual([
      { entry: {}, diffId: one.diffId, layer: 0 },
      { entry: { created_by: 'two' }, diffId: two.diffId, layer: 1 },
    ]);
  });

  it('cut an image to what it was before its last layers', async () => {
    const image = await makeImage(createMemoryStore(), 'x');
    const cut = cutLayers(image, 1);
    expect(cut.layers).toHaveLength(1);
    expect(cut.config.history?.map((row) => row.created_by)).toEqual(['one', 'CMD']);
    expect(cutLayers(image, 2).config.history).toEqual([]);
    expect(cutLayers(image, 0)).toBe(image);
  });

  it('make the same bytes from the same parts', async () => {
    const [a, b] = [await makeImage(createMemoryStore(), 'x'), await makeImage(createMemoryStore(), 'x')];
    expect(a.descriptor).toEqual(b.descriptor);
    expect(a.descriptor.digest).toBe(sha256(formatManifest(a.manifest)));
    expect(imageId(a)).toBe(sha256(formatConfig(a.config)));
  });
});

it('pairs history with layers however many rows there are', () => {
  const id = (n: number): Digest => `sha256:${String(n).repeat(64)}`;
  const config = (count: number, history: ImageConfig['history']): ImageConfig => ({
    ...AMD64,
    rootfs: { type: 'layers', diff_ids: Array.from({ length: count }, (_, i) => id(i)) },
    history,
  });
  const empty = { empty_layer: true };
  expect(pairHistory(config(1, undefined))).toEqual([{ entry: {}, diffId: id(0), layer: 0 }]);
  expect(pairHistory(config(1, [empty, {}, {}])).map((row) => row.layer)).toEqual([undefined, 0, undefined]);
  expect(pairHistory(config(2, [{}, empty])).map((row) => row.layer)).toEqual([0, undefined, 1]);
});

it('chains diff ids as the specification does', () => {
  const ids = ['a', 'b', 'c'].map((c): Digest => `sha256:${c.repeat(64)}`);
  const second = sha256(`${ids[0]} ${ids[1]}`);
  expect(chainIds(ids)).toEqual([ids[0], second, sha256(`${second} ${ids[2]}`)]);
  expect(chainIds([])).toEqual([]);
});

describe('compressLayers', () => {
  it.each(['gzip', 'zstd'] as const)(
    'to %s keeps id and content, is remembered, and comes back',
    async (how) => {
      const store = createMemoryStore();
      const image = await putImage(store);
      const packed = await compressLayers(image, how, store);
      expect(imageId(packed)).toBe(imageId(image));
      expect(packed.descriptor.digest).not.toBe(image.descriptor.digest);
      expect(packed.manifest.layers[0]!.mediaType).toMatch(new RegExp(`\\+${how}$`));
      const tar = await collect(packed.layers[1]!.openTar(), 1e6);
      expect(tar.toString()).toContain('second');
      const failing: LocalStore = { ...store, ingest: () => Promise.reject(new Error('compressed again')) };
      expect((await compressLayers(image, how, failing)).descriptor).toEqual(packed.descriptor);
      expect(await compressLayers(packed, how, failing)).toBe(packed);
      expect((await compressLayers(packed, 'none', store)).descriptor).toEqual(image.descriptor);
    },
  );
});

describe('findImage', () => {
  it('takes names in all their forms', async () => {
    const store = createMemoryStore();
    const image = await putImage(store, NAME);
    for (const text of [
      'app',
      'app:latest',
      'library/app',
      'docker.io/app',
      NAME,
      `app@${image.descriptor.digest}`,
    ]) {
      expect((await findImage(store, text)).descriptor).toEqual(image.descriptor);
    }
    await expect(findImage(store, 'app:2')).rejects.toMatchObject({
      code: 'IMAGE_UNKNOWN',
      hint: 'there is app:latest',
    });
    await expect(findImage(store, 'other')).rejects.toMatchObject({ code: 'IMAGE_UNKNOWN', hint: undefined });
    await expect(findImage(store, `other@${image.descriptor.digest}`)).rejects.toMatchObject({
      code: 'IMAGE_UNKNOWN',
    });
    await expect(findImage(store, 'App')).rejects.toMatchObject({ code: 'OCI_REFERENCE_INVALID' });
  });

  it('takes ids and starts of ids, of configs and of manifests', async () => {
    const store = createMemoryStore();
    const image = await putImage(store, NAME);
    const id = imageId(image);
    for (const text of [
      id,
      id.slice(7),
      id.slice(7, 19),
      id.slice(0, 19),
      image.descriptor.digest,
      image.descriptor.digest.slice(7, 20),
    ]) {
      expect((await findImage(store, text)).descriptor).toEqual(image.descriptor);
    }
  });

  it('lists what an ambiguous start may mean', async () => {
    const store = createMemoryStore();
    const seen = new Map<string, string>();
    for (let i = 0; ; i++) {
      const image = await putImage(store, `docker.io/library/x:${i}`, `${i}`);
      const start = imageId(image).slice(7, 8);
      if (seen.has(start)) {
        await expect(findImage(store, start)).rejects.toMatchObject({ code: 'IMAGE_AMBIGUOUS' });
        return;
      }
      seen.set(start, start);
    }
  });

  it('finds steps and untagged images by id, and names before ids', async () => {
    const store = createMemoryStore();
    const [step, loose] = [
      await putImage(store, undefined, 'step'),
      await putImage(store, undefined, 'loose'),
    ];
    await store.roots.put({
      kind: 'step',
      id: 'k',
      targets: [step.descriptor],
      data: { imageId: imageId(step) },
    });
    await keepUntagged(store, loose.descriptor);
    expect((await findImage(store, imageId(step).slice(7, 30))).descriptor).toEqual(step.descriptor);
    expect((await findImage(store, imageId(loose))).descriptor).toEqual(loose.descriptor);
    const hex = imageId(step).slice(7, 17);
    const named = await putImage(store, `docker.io/library/${hex}:latest`, 'named');
    expect((await findImage(store, hex)).descriptor).toEqual(named.descriptor);
  });

  it('counts layers down from the top with ~', async () => {
    const store = createMemoryStore();
    await putImage(store, NAME);
    expect((await findImage(store, 'app~1')).layers).toHaveLength(1);
    expect((await findImage(store, 'app~2')).layers).toHaveLength(0);
    await expect(findImage(store, 'app~3')).rejects.toMatchObject({ code: 'IMAGE_CUT' });
  });
});

describe('listImages', () => {
  it('gives each image once: named, then without a name, then steps when asked', async () => {
    const store = createMemoryStore();
    const image = await putImage(store, NAME, 'one');
    await store.tag('docker.io/library/zzz:1', image.descriptor);
    const moved = await putImage(store, undefined, 'two');
    await nameImage(store, NAME, moved.descriptor);
    await nameImage(store, 'docker.io/library/zzz:1', moved.descriptor);
    const step = await putImage(store, undefined, 'three');
    await store.roots.put({ kind: 'step', id: 'k', targets: [step.descriptor] });
    await store.roots.put({ kind: 'step', id: 'l', targets: [moved.descriptor] });
    const list = async (o: { all?: boolean; named?: boolean }) => {
      const rows: string[] = [];
      for await (const row of listImages(store, o)) rows.push(`${row.kind} ${row.names.length} ${row.id}`);
      return rows;
    };
    const rows = [`named 2 ${imageId(moved)}`, `untagged 0 ${imageId(image)}`];
    expect(await list({ named: true })).toEqual(rows.slice(0, 1));
    expect(await list({})).toEqual(rows);
    expect(await list({ all: true })).toEqual([...rows, `step 0 ${imageId(step)}`]);
  });

  it('leaves out what cannot be read and says so', async () => {
    const store = createMemoryStore();
    await putImage(store, NAME);
    const broken = await putJson(store, { schemaVersion: 2 }, OCI_MANIFEST);
    await store.tag('docker.io/library/broken:1', broken);
    const told: string[] = [];
    const names: string[] = [];
    for await (const row of listImages(store, { onBroken: ({ names: [name] }) => told.push(name!) }))
      names.push(...row.names);
    expect(names).toEqual([NAME]);
    expect(told).toEqual(['docker.io/library/broken:1']);
  });
});
