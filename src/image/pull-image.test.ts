import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ByteStream, collect, sha256 } from '../base/bytes.ts';
import { parseReference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { BlobSource, LocalStore, Refs } from '../store/contract.ts';
import {
  CONFIG,
  expectClean,
  expectCode,
  INDEX,
  LAYER,
  listNames,
  MANIFEST,
  putJson,
  putText,
} from '../store/contract-fixtures.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { UNTAGGED } from './name-image.ts';
import { type PullEvent, pullImage } from './pull-image.ts';
import { readImage } from './read-image.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const debian = parseReference('debian');
const NAME = 'docker.io/library/debian:latest';

/** An image of these layers in the store; what it is. */
async function putLayers(
  store: LocalStore,
  layers: readonly string[],
  platform = AMD64,
): Promise<Descriptor> {
  const blobs = [];
  for (const text of layers) blobs.push(await putText(store, text, LAYER));
  const rootfs = { type: 'layers', diff_ids: layers.map((text) => sha256(text)) };
  const config = await putJson(store, CONFIG, { ...platform, rootfs });
  return {
    ...(await putJson(store, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config, layers: blobs })),
    platform,
  };
}

const putIndex = (store: LocalStore, manifests: readonly Descriptor[]) =>
  putJson(store, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });

/** A registry's repository: knows tags and digests, and counts what is read. */
function repository(
  store: LocalStore,
): BlobSource & Pick<Refs, 'resolve'> & { readonly opened: [Digest, number][]; resolved: string[] } {
  const opened: [Digest, number][] = [];
  const resolved: string[] = [];
  return {
    opened,
    resolved,
    has: store.has,
    open(wanted, o) {
      opened.push([wanted.digest, o?.range?.offset ?? 0]);
      return store.open(wanted, o);
    },
    async resolve(name, o) {
      resolved.push(name);
      return store.resolve(name, o);
    },
  };
}

/** A store that counts its puts. */
function counting(store: LocalStore): LocalStore & { readonly puts: Digest[] } {
  const puts: Digest[] = [];
  const put: LocalStore['put'] = async (expected, bytes, o) => {
    puts.push(expected.digest);
    await store.put(expected, bytes, o);
  };
  return { ...store, puts, put };
}

describe('pullImage', () => {
  it('brings an image and names it, and the second time puts nothing and reads nothing but the name', async () => {
    const there = createMemoryStore();
    const image = await putLayers(there, ['one', 'two', 'one']);
    await there.tag('latest', image);
    const from = repository(there);
    const store = counting(createMemoryStore());
    const events: PullEvent[] = [];
    const first = await pullImage(store, from, debian, {
      platform: AMD64,
      onEvent: (event) => events.push(event),
    });
    const { mediaType, digest, size } = image;
    expect(first).toEqual({ name: NAME, target: { mediaType, digest, size }, status: 'downloaded' });
    expect(await store.resolve(NAME)).toEqual({ mediaType, digest, size });
    expect((await readImage(store, NAME, { platform: AMD64 })).layers.length).toBe(3);
    expect(store.puts.length).toBe(4);
    expect(new Set(from.opened.map(([digest]) => digest)).size).toBe(from.opened.length);
    const layers = events.find((event) => event.kind === 'layers');
    expect(layers?.layers.map(({ digest }) => digest)).toEqual([sha256('one'), sha256('two')]);
    const states = events.flatMap((event) =>
      event.kind === 'layer' && event.layer.digest === sha256('two') ? [event.state] : [],
    );
    expect(states).toEqual(['waiting', 'started', 'moved', 'stored']);
    await expectClean(store);

    store.puts.length = 0;
    from.opened.length = 0;
    events.length = 0;
    const second = await pullImage(store, from, debian, {
      platform: AMD64,
      onEvent: (event) => events.push(event),
    });
    expect(second.status).toBe('up-to-date');
    expect([store.puts, from.opened, from.resolved]).toEqual([[], [], ['latest', 'latest']]);
    expect(events.flatMap((event) => (event.kind === 'layer' ? [event.state] : []))).toEqual([
      'present',
      'present',
    ]);
  });

  it('keeps an index byte for byte, and fetches one platform of it', async () => {
    const there = createMemoryStore();
    const [amd, arm] = [
      await putLayers(there, ['shared', 'amd']),
      await putLayers(there, ['shared', 'arm'], ARM64),
    ];
    const inner = await putIndex(there, [arm]);
    const index = await putIndex(there, [amd, { ...inner, platform: ARM64 }]);
    await there.tag('latest', index);
    const from = repository(there);
    const store = createMemoryStore();
    const pulled = await pullImage(store, from, debian, { platform: AMD64 });
    expect(pulled.target).toEqual(index);
    expect((await collect(store.open(index), 10_000)).equals(await collect(there.open(index), 10_000))).toBe(
      true,
    );
    expect([await store.has(amd), await store.has(inner), await store.has(arm)]).toEqual([
      true,
      false,
      false,
    ]);
    await expectClean(store);
    expect((await store.collect()).blobs).toEqual([]);
    await expectCode(readImage(store, NAME, { platform: ARM64 }), 'IMAGE_PLATFORM_ABSENT');

    from.opened.length = 0;
    const both = await pullImage(store, from, debian, { platform: ARM64 });
    expect(both.status).toBe('downloaded');
    expect(from.opened.map(([digest]) => digest)).not.toContain(sha256('shared'));
    for (const platform of [AMD64, ARM64])
      expect((await readImage(store, NAME, { platform })).config.architecture).toBe(platform.architecture);
    expect((await pullImage(store, from, debian, { platform: ARM64 })).status).toBe('up-to-date');
    await expectClean(store);
  });

  it('names what a digest was asked for by the digest', async () => {
    const there = createMemoryStore();
    const image = await putLayers(there, ['one']);
    await there.tag(image.digest, image);
    const store = createMemoryStore();
    const wanted = parseReference(`debian:12@${image.digest}`);
    const { name } = await pullImage(store, repository(there), wanted, { platform: AMD64 });
    expect(name).toBe(`docker.io/library/debian@${image.digest}`);
    expect(await listNames(store)).toEqual([name]);
  });

  it('keeps an image that loses its name as <none>', async () => {
    const there = createMemoryStore();
    const old = await putLayers(there, ['old']);
    await there.tag('latest', old);
    const store = createMemoryStore();
    await pullImage(store, there, debian, { platform: AMD64 });
    await there.tag('latest', await putLayers(there, ['new']));
    expect((await pullImage(store, there, debian, { platform: AMD64 })).status).toBe('downloaded');
    const roots = [];
    for await (const root of store.roots.list(UNTAGGED)) roots.push(...root.targets);
    expect(roots.map(({ digest }) => digest)).toEqual([old.digest]);
  });

  it('goes on where it was cut, and names nothing before it is whole', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobos-pull-'));
    try {
      const there = createMemoryStore();
      const large = 'a large layer; '.repeat(200_000);
      await there.tag('latest', await putLayers(there, ['small', large]));
      const store = createDirectoryStore(folder);
      const breaking = {
        ...there,
        open: (wanted: Descriptor, o?: Parameters<BlobSource['open']>[1]) =>
          breakAfter(there.open(wanted, o), wanted.digest === sha256(large) ? 1_500_000 : undefined),
      };
      await expect(pullImage(store, breaking, debian, { platform: AMD64 })).rejects.toThrow('cut');
      expect(await listNames(store)).toEqual([]);
      await expectClean(store);
      const from = repository(there);
      await pullImage(store, from, debian, { platform: AMD64 });
      expect(from.opened).toContainEqual([sha256(large), 1_500_000]);
      expect(from.opened.map(([digest]) => digest)).not.toContain(sha256('small'));
      await expectClean(store);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['layers that the config does not have', ['one'], ['one', 'two'], 'IMAGE_LAYER_COUNT'],
    ['fewer layers than the config has', ['one', 'two'], ['one'], 'IMAGE_LAYER_COUNT'],
  ])('fetches no layer of an image with %s', async (_, diffs, layers, code) => {
    const there = createMemoryStore();
    const blobs = [];
    for (const text of layers) blobs.push(await putText(there, text, LAYER));
    const config = await putJson(there, CONFIG, {
      ...AMD64,
      rootfs: { type: 'layers', diff_ids: diffs.map((text) => sha256(text)) },
    });
    await there.tag('latest', await putJson(there, MANIFEST, { schemaVersion: 2, config, layers: blobs }));
    const from = repository(there);
    const store = createMemoryStore();
    await expectCode(pullImage(store, from, debian, { platform: AMD64 }), code);
    expect(from.opened.length).toBe(2);
    expect(await listNames(store)).toEqual([]);
    expect((await store.collect()).blobs).toEqual([]);
  });

  it('says which platforms there are', async () => {
    const there = createMemoryStore();
    await there.tag('latest', await putIndex(there, [await putLayers(there, ['arm'], ARM64)]));
    await expect(pullImage(createMemoryStore(), there, debian, { platform: AMD64 })).rejects.toMatchObject({
      code: 'OCI_PLATFORM_MISSING',
      message: expect.stringContaining('linux/arm64'),
    });
  });

  it('leaves out foreign layers that the registry does not have', async () => {
    const there = createMemoryStore();
    const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const layer = { mediaType: foreign, digest: sha256('windows'), size: 7 };
    const config = await putJson(there, CONFIG, {
      ...AMD64,
      rootfs: { type: 'layers', diff_ids: [sha256('x')] },
    });
    await there.tag('latest', await putJson(there, MANIFEST, { schemaVersion: 2, config, layers: [layer] }));
    const store = createMemoryStore();
    const events: PullEvent[] = [];
    await pullImage(store, there, debian, { platform: AMD64, onEvent: (event) => events.push(event) });
    expect(events).toContainEqual({ kind: 'layer', name: NAME, layer, state: 'present', done: 7 });
    await expectClean(store);
  });

  it('stops when told to, and names nothing', async () => {
    const there = createMemoryStore();
    await there.tag('latest', await putLayers(there, ['one']));
    const store = createMemoryStore();
    const control = new AbortController();
    const onEvent = () => control.abort();
    await expect(
      pullImage(store, there, debian, { platform: AMD64, signal: control.signal, onEvent }),
    ).rejects.toThrow(/abort/);
    expect(await listNames(store)).toEqual([]);
  });

  it('refuses an artifact', async () => {
    const there = createMemoryStore();
    const config = await putText(there, '{}', 'application/vnd.oci.empty.v1+json');
    await there.tag('latest', await putJson(there, MANIFEST, { schemaVersion: 2, config, layers: [] }));
    await expectCode(pullImage(createMemoryStore(), there, debian), 'IMAGE_NOT_AN_IMAGE');
  });
});

async function* breakAfter(bytes: ByteStream, limit: number | undefined): ByteStream {
  if (limit === undefined) return yield* bytes;
  const whole = await collect(bytes, 10_000_000);
  for (let at = 0; at < limit; at += 50_000) yield whole.subarray(at, at + 50_000);
  throw new Error('cut');
}
