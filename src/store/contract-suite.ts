import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ByteStream, collect, sha256, streamOf } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from './contract.ts';

const BLOB = 'application/octet-stream';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

export interface StoreUnderTest {
  readonly store: LocalStore;
  /** Another store over the same content, as another process would have; undefined where there can be none. */
  readonly again?: (() => LocalStore) | undefined;
  readonly dispose?: (() => void | Promise<void>) | undefined;
}

/** The tests that every local store passes. */
export function storeContract(name: string, make: () => StoreUnderTest | Promise<StoreUnderTest>): void {
  describe(`${name} keeps the store contract`, () => {
    let made: StoreUnderTest;
    let store: LocalStore;
    beforeEach(async () => {
      made = await make();
      store = made.store;
    });
    afterEach(async () => {
      await made.dispose?.();
    });

    blobTests(() => store);
    stageTests(() => store);
    nameTests(() => store);
    noteAndRootTests(() => store);
    collectTests(
      () => store,
      () => made.again?.() ?? store,
    );
  });
}

function blobTests(get: () => LocalStore): void {
  it('gives back what was put', async () => {
    const store = get();
    const blob = describeBytes('hello');
    expect(await store.has(blob)).toBe(false);
    await store.put(blob, streamOf(Buffer.from('he'), Buffer.from('llo')));
    expect(await store.has(blob)).toBe(true);
    expect(await readText(store, blob)).toBe('hello');
  });

  it('stores the empty blob', async () => {
    const blob = describeBytes('');
    await get().put(blob, streamOf());
    expect(await readText(get(), blob)).toBe('');
  });

  it('stores large blobs in chunks of any size', async () => {
    const bytes = Buffer.alloc(3_000_000, 'abcdefghijk');
    const blob = describeBytes(bytes);
    await get().put(
      blob,
      streamOf(bytes.subarray(0, 10), bytes.subarray(10, 2_000_000), bytes.subarray(2_000_000)),
    );
    expect(sha256(await collect(get().open(blob), bytes.length))).toBe(blob.digest);
  });

  it('stores blobs named by sha512', async () => {
    const digest =
      'sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043';
    const blob: Descriptor = { mediaType: BLOB, digest, size: 5 };
    await get().put(blob, streamOf(Buffer.from('hello')));
    expect(await readText(get(), blob)).toBe('hello');
  });

  it.each([
    ['other bytes of the same length', 'hellO'],
    ['too few bytes', 'hell'],
    ['too many bytes', 'hello!'],
    ['no bytes', ''],
  ])('refuses %s and shows nothing', async (_, text) => {
    const blob = describeBytes('hello');
    await expectCode(get().put(blob, streamOf(Buffer.from(text))), 'BYTES_MISMATCH');
    expect(await get().has(blob)).toBe(false);
    expect(await get().has(describeBytes(text))).toBe(false);
    await get().put(blob, streamOf(Buffer.from('hello')));
    expect(await get().has(blob)).toBe(true);
  });

  it('stops reading a stream that is longer than it says', async () => {
    const blob = describeBytes('hello');
    let pulled = 0;
    async function* endless(): ByteStream {
      for (;;) {
        pulled++;
        yield Buffer.alloc(1000);
      }
    }
    await expectCode(get().put(blob, endless()), 'BYTES_MISMATCH');
    expect(pulled).toBeLessThan(3);
  });

  it('passes on the error of the stream and shows nothing', async () => {
    const blob = describeBytes('hello');
    async function* failing(): ByteStream {
      yield Buffer.from('hel');
      throw Object.assign(new Error('source broke'), { code: 'EACCES', syscall: 'read' });
    }
    await expect(get().put(blob, failing())).rejects.toThrow('source broke');
    await expect(get().ingest(failing(), BLOB)).rejects.toThrow('source broke');
    expect(await get().has(blob)).toBe(false);
    expect((await get().collect()).blobs).toEqual([]);
  });

  it('takes a blob that is there without reading the stream, and ends the stream', async () => {
    const blob = await putText(get(), 'hello');
    let pulled = 0;
    let returned = 0;
    const stream: ByteStream = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          pulled++;
          return { done: true, value: undefined };
        },
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    await get().put(blob, stream);
    expect([pulled, returned]).toEqual([0, 1]);
  });

  it('stores one blob put by many at once', async () => {
    const bytes = Buffer.alloc(200_000, 'x');
    const blob = describeBytes(bytes);
    const put = () => get().put(blob, streamOf(bytes.subarray(0, 150_000), bytes.subarray(150_000)));
    await Promise.all(Array.from({ length: 10 }, put));
    expect((await collect(get().open(blob), 300_000)).equals(bytes)).toBe(true);
  });

  it('does not have a blob by another size, and does not open it', async () => {
    const blob = await putText(get(), 'hello');
    expect(await get().has({ ...blob, size: 4 })).toBe(false);
    expect(await get().locate({ ...blob, size: 4 })).toBeUndefined();
    await expect(readText(get(), { ...blob, size: 4 })).rejects.toThrow();
  });

  it('says which blob is not there', async () => {
    await expectCode(readText(get(), describeBytes('hello')), 'STORE_NOT_FOUND');
    expect(await get().locate(describeBytes('hello'))).toBeUndefined();
  });

  it('reads a part', async () => {
    const blob = await putText(get(), 'hello world');
    const part = async (offset: number, size: number) =>
      (await collect(get().open(blob, { range: { offset, size } }), 100)).toString();
    expect(await part(6, 5)).toBe('world');
    expect(await part(0, 2)).toBe('he');
    expect(await part(9, 100)).toBe('ld');
    expect(await part(11, 5)).toBe('');
    expect(await part(50, 5)).toBe('');
  });

  it('locates a blob on disk or nowhere', async () => {
    const blob = await putText(get(), 'hello');
    const region = await get().locate(blob);
    if (region === undefined) expect(get().folder).toBeUndefined();
    else
      expect(
        readFileSync(region.path)
          .subarray(region.offset, region.offset + region.size)
          .toString(),
      ).toBe('hello');
  });

  it('ingests bytes and says what they are', async () => {
    const blob = await get().ingest(streamOf(Buffer.from('hello')), LAYER);
    expect(blob).toEqual({ ...describeBytes('hello'), mediaType: LAYER });
    expect(await get().ingest(streamOf(Buffer.from('hello')), LAYER)).toEqual(blob);
    expect(await readText(get(), blob)).toBe('hello');
  });

  it.each([
    'sha256:../../../../etc/passwd',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha512:${'a'.repeat(64)}`,
    `md5:${'a'.repeat(32)}`,
    `blake3:${'a'.repeat(64)}`,
    'sha256',
    '',
  ])('refuses the digest %j before it becomes a path', async (text) => {
    const blob: Descriptor = { mediaType: BLOB, digest: text as Digest, size: 0 };
    await expectCode(get().put(blob, streamOf()), 'STORE_BAD_DIGEST');
    await expectCode(readText(get(), blob), 'STORE_BAD_DIGEST');
    await expectCode(get().has(blob), 'STORE_BAD_DIGEST');
    await expectCode(get().locate(blob), 'STORE_BAD_DIGEST');
    await expectCode(get().tag('a', blob), 'STORE_BAD_DIGEST');
    const staged = await get().stage();
    await expectCode(staged.commit(blob), 'STORE_BAD_DIGEST');
    await staged.abort();
  });

  it('honours a signal before and during a put, and shows nothing after', async () => {
    const blob = describeBytes('hello');
    const control = new AbortController();
    async function* aborting(): ByteStream {
      yield Buffer.from('hel');
      control.abort();
      yield Buffer.from('lo');
    }
    await expect(get().put(blob, aborting(), { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().put(blob, streamOf(), { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().ingest(streamOf(), BLOB, { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().has(blob, { signal: control.signal })).rejects.toThrow(/abort/);
    expect(await get().has(blob)).toBe(false);
    expect((await get().collect()).blobs).toEqual([]);
    await expectClean(get());
  });
}

function stageTests(get: () => LocalStore): void {
  it('makes a staged file a blob', async () => {
    const staged = await get().stage();
    expect(statSync(staged.path).mode & 0o777).toBe(0o600);
    expect(statSync(staged.path).size).toBe(0);
    writeFileSync(staged.path, 'hello');
    const blob = describeBytes('hello');
    expect(await staged.commit(blob)).toEqual(blob);
    expect(await readText(get(), blob)).toBe('hello');
    expect(() => statSync(staged.path)).toThrow();
    await staged.abort();
    expect(await get().has(blob)).toBe(true);
  });

  it('commits a staged file whose blob is there already', async () => {
    const blob = await putText(get(), 'hello');
    const staged = await get().stage();
    writeFileSync(staged.path, 'hello');
    await staged.commit(blob);
    expect(() => statSync(staged.path)).toThrow();
    expect(await readText(get(), blob)).toBe('hello');
  });

  it('refuses a staged file of another size and removes it', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hell');
    await expectCode(staged.commit(describeBytes('hello')), 'STORE_STAGED_SIZE');
    expect(await get().has(describeBytes('hello'))).toBe(false);
    expect(() => statSync(staged.path)).toThrow();
  });

  it('removes a staged file on abort, twice too', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hello');
    await staged.abort();
    await staged.abort();
    expect(() => statSync(staged.path)).toThrow();
    expect((await get().collect()).blobs).toEqual([]);
  });

  it('finds out when the digest of a staged file was wrong', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hellO');
    const blob = await staged.commit(describeBytes('hello'));
    await expectCode(readText(get(), blob), 'BYTES_MISMATCH');
  });
}

function nameTests(get: () => LocalStore): void {
  it('resolves, moves, lists and removes names', async () => {
    const store = get();
    const [one, two] = [await putText(store, 'one', MANIFEST), await putText(store, 'two', MANIFEST)];
    await store.tag('b:1', one);
    await store.tag('a:1', two);
    await store.tag('c:1', one);
    expect(await store.resolve('b:1')).toEqual(one);
    await store.tag('b:1', two);
    await store.tag('b:1', two);
    expect(await store.resolve('b:1')).toEqual(two);
    expect(await listNames(store)).toEqual(['a:1', 'b:1', 'c:1']);
    await store.remove('b:1');
    expect(await listNames(store)).toEqual(['a:1', 'c:1']);
    await expectCode(store.resolve('b:1'), 'STORE_NAME_UNKNOWN');
    await expectCode(store.remove('b:1'), 'STORE_NAME_UNKNOWN');
    expect(await store.resolve('c:1')).toEqual(one);
  });

  it('keeps platform and annotations of a target', async () => {
    const blob = await putText(get(), 'one', MANIFEST);
    const target = { ...blob, platform: { os: 'linux', architecture: 'amd64' }, annotations: { a: 'b' } };
    await get().tag('x:1', target);
    expect(await get().resolve('x:1')).toEqual(target);
    await get().tag('x:1', blob);
    expect(await get().resolve('x:1')).toEqual(blob);
  });

  it('keeps apart names that have one short form', async () => {
    const names = ['docker.io/library/x:1', 'docker.io/x:1', 'x:1', 'library/x:1', 'quay.io/library/x:1'];
    const blobs = new Map<string, Descriptor>();
    for (const name of names) {
      const blob = await putText(get(), name, MANIFEST);
      blobs.set(name, blob);
      await get().tag(name, blob);
    }
    for (const name of names) expect(await get().resolve(name), name).toEqual(blobs.get(name));
    expect(await listNames(get())).toEqual([...names].sort());
    await get().remove('x:1');
    expect((await listNames(get())).length).toBe(names.length - 1);
    expect(await get().resolve('docker.io/library/x:1')).toEqual(blobs.get('docker.io/library/x:1'));
  });

  it('does not give a name to what is not there', async () => {
    await expectCode(get().tag('x:1', describeBytes('nothing', MANIFEST)), 'STORE_NOT_FOUND');
    expect(await listNames(get())).toEqual([]);
  });

  it('offers near names for an unknown one', async () => {
    await get().tag('docker.io/library/hello-c:latest', await putText(get(), 'one', MANIFEST));
    await expect(get().resolve('docker.io/library/helo-c:latest')).rejects.toMatchObject({
      code: 'STORE_NAME_UNKNOWN',
      hint: 'did you mean docker.io/library/hello-c:latest?',
    });
    await expect(get().resolve('docker.io/library/zzz:latest')).rejects.toMatchObject({ hint: undefined });
  });

  it('loses no name of many set at once', async () => {
    const blob = await putText(get(), 'one', MANIFEST);
    const names = Array.from({ length: 40 }, (_, at) => `n${String(at).padStart(2, '0')}:1`);
    await Promise.all(names.map((name) => get().tag(name, blob)));
    expect(await listNames(get())).toEqual(names);
  });
}

function noteAndRootTests(get: () => LocalStore): void {
  it('keeps notes by kind and key', async () => {
    const { notes } = get();
    expect(await notes.get('index', 'sha256:aa')).toBeUndefined();
    await notes.put('index', 'sha256:aa', Buffer.from([1, 2]));
    await notes.put('index', 'b', Buffer.from('old'));
    await notes.put('index', 'b', Buffer.from('new'));
    await notes.put('context', 'b', Buffer.from('other'));
    expect(await notes.get('index', 'sha256:aa')).toEqual(Buffer.from([1, 2]));
    expect(String(await notes.get('index', 'b'))).toBe('new');
    expect(await toArray(notes.list('index'))).toEqual(['b', 'sha256:aa']);
    expect(await toArray(notes.list('nothing'))).toEqual([]);
    await notes.remove('index', 'b');
    await notes.remove('index', 'b');
    expect(await notes.get('index', 'b')).toBeUndefined();
    expect(String(await notes.get('context', 'b'))).toBe('other');
  });

  it.each(['..', '.', '', 'a/b', '../x', 'a+b', 'a b', 'ä', 'x'.repeat(201)])(
    'refuses the key %j',
    async (key) => {
      const { notes, roots } = get();
      await expectCode(notes.put('k', key, Buffer.alloc(0)), 'STORE_BAD_KEY');
      await expectCode(notes.put(key, 'k', Buffer.alloc(0)), 'STORE_BAD_KEY');
      await expectCode(notes.get('k', key), 'STORE_BAD_KEY');
      expect(() => notes.path('k', key)).toThrow();
      await expectCode(roots.put({ kind: 'k', id: key, targets: [] }), 'STORE_BAD_KEY');
      await expectCode(roots.get(key, 'k'), 'STORE_BAD_KEY');
      await expectCode(toArray(roots.list(key)), 'STORE_BAD_KEY');
    },
  );

  it('keeps roots with their data and their last use', async () => {
    const { roots } = get();
    const target = await putText(get(), 'one', MANIFEST);
    expect(await roots.get('step', 'sha256:aa')).toBeUndefined();
    const before = Date.now();
    await roots.put({
      kind: 'step',
      id: 'sha256:aa',
      targets: [target],
      data: { a: [1] },
      onlyWith: target.digest,
    });
    await roots.put({ kind: 'container', id: 'b', targets: [] });
    const root = await roots.get('step', 'sha256:aa');
    expect(root).toMatchObject({ kind: 'step', id: 'sha256:aa', targets: [target], data: { a: [1] } });
    expect(root?.onlyWith).toBe(target.digest);
    expect(root?.usedAt).toBeGreaterThanOrEqual(before);
    await roots.touch('step', 'sha256:aa');
    expect((await roots.get('step', 'sha256:aa'))?.usedAt).toBeGreaterThanOrEqual(root?.usedAt ?? 0);
    await roots.touch('step', 'none');
    expect((await toArray(roots.list())).map(({ id }) => id)).toEqual(['b', 'sha256:aa']);
    expect((await toArray(roots.list('step'))).map(({ id }) => id)).toEqual(['sha256:aa']);
    await roots.remove('step', 'sha256:aa');
    await roots.remove('step', 'sha256:aa');
    expect(await roots.get('step', 'sha256:aa')).toBeUndefined();
  });
}

function collectTests(get: () => LocalStore, again: () => LocalStore): void {
  it('collects what nothing reaches and keeps what a name reaches', async () => {
    const store = get();
    const kept = await putImage(store, 'kept');
    const index = await putJson(store, INDEX, {
      schemaVersion: 2,
      manifests: [(await putImage(store, 'nested')).manifest],
    });
    const gone = await putImage(store, 'gone');
    await store.tag('kept:1', kept.manifest);
    await store.tag('index:1', index);
    const planned = await store.collect({ dryRun: true });
    expect(await store.has(gone.layer)).toBe(true);
    const freed = await store.collect();
    expect(freed).toEqual(planned);
    expect(freed.blobs.map(({ digest }) => digest).sort()).toEqual(
      gone.all.map(({ digest }) => digest).sort(),
    );
    expect(freed.bytes).toBe(gone.all.reduce((sum, { size }) => sum + size, 0));
    for (const blob of kept.all) expect(await store.has(blob)).toBe(true);
    expect(await store.collect()).toEqual({ blobs: [], bytes: 0 });
    await expectClean(store);
  });

  it('keeps what a root reaches, until the root is removed', async () => {
    const store = get();
    const image = await putImage(store, 'one');
    await store.roots.put({ kind: 'container', id: 'c1', targets: [image.manifest] });
    expect((await store.collect()).blobs).toEqual([]);
    await store.roots.remove('container', 'c1');
    expect((await store.collect()).blobs.length).toBe(3);
  });

  it('counts a root with `onlyWith` only while something else reaches that blob', async () => {
    const store = get();
    const [a, b, c] = [await putImage(store, 'a'), await putImage(store, 'b'), await putImage(store, 'c')];
    // b lives with a, c lives with b: a chain that is followed to its end; d lives only with itself.
    const d = await putImage(store, 'd');
    await store.roots.put({ kind: 'step', id: 'c', targets: [c.manifest], onlyWith: b.manifest.digest });
    await store.roots.put({ kind: 'step', id: 'b', targets: [b.manifest], onlyWith: a.manifest.digest });
    await store.roots.put({ kind: 'step', id: 'd', targets: [d.manifest], onlyWith: d.manifest.digest });
    await store.tag('a:1', a.manifest);
    expect((await store.collect()).blobs.length).toBe(3);
    expect((await toArray(store.roots.list())).map(({ id }) => id)).toEqual(['b', 'c']);
    expect(await store.has(c.layer)).toBe(true);
    await store.remove('a:1');
    expect((await store.collect()).blobs.length).toBe(9);
    expect(await toArray(store.roots.list())).toEqual([]);
  });

  it('keeps what a lease has seen or written, until it is released', async () => {
    const store = get();
    const seen = await putImage(store, 'seen');
    await store.tag('seen:1', seen.manifest);
    const opened = await putText(store, 'opened');
    const unseen = await putText(store, 'unseen');
    const lease = await store.lease();
    await store.resolve('seen:1');
    await readText(store, opened);
    const put = await putText(store, 'put under the lease');
    const ingested = await store.ingest(streamOf(Buffer.from('ingested')), BLOB);
    const staged = await store.stage();
    writeFileSync(staged.path, 'staged');
    const committed = await staged.commit(describeBytes('staged'));
    const open = await store.stage();
    await store.remove('seen:1');
    expect((await again().collect()).blobs.map(({ digest }) => digest)).toEqual([unseen.digest]);
    for (const blob of [...seen.all, opened, put, ingested, committed])
      expect(await store.has(blob)).toBe(true);
    writeFileSync(open.path, 'x');
    await open.commit(describeBytes('x'));
    await lease.release();
    await lease.release();
    expect((await again().collect()).blobs.length).toBe(8);
  });

  it('never takes a live blob while others put, name and remove', async () => {
    const store = get();
    const other = again();
    let stop = false;
    let collections = 0;
    const collecting = (async () => {
      while (!stop) {
        await other.collect();
        collections++;
        await new Promise((resume) => setImmediate(resume));
      }
    })();
    try {
      for (let round = 0; round < 20; round++) {
        const lease = await store.lease();
        const image = await putImage(store, `image ${round % 5}`);
        for (const blob of image.all) expect(await store.has(blob)).toBe(true);
        await store.tag(`n${round % 5}:1`, image.manifest);
        await lease.release();
        for (const blob of image.all) expect(await store.has(blob)).toBe(true);
        if (round % 3 === 0) await store.remove(`n${round % 5}:1`);
      }
    } finally {
      stop = true;
      await collecting;
    }
    expect(collections).toBeGreaterThan(0);
    await expectClean(store);
  });

  it('finds references to blobs that are missing', async () => {
    const store = get();
    const layer = describeBytes('not there', LAYER);
    const config = await putText(store, '{}', CONFIG);
    const manifest = await putJson(store, MANIFEST, { schemaVersion: 2, config, layers: [layer] });
    await store.tag('x:1', manifest);
    const problems = await toArray(store.check());
    expect(problems).toMatchObject([{ kind: 'missing', digest: layer.digest }]);
  });
}

/** A descriptor of these bytes. */
export function describeBytes(bytes: string | Buffer, mediaType: string = BLOB): Descriptor {
  return { mediaType, digest: sha256(bytes), size: Buffer.byteLength(bytes) };
}

/** Stores a text. */
export async function putText(
  store: Pick<LocalStore, 'put'>,
  text: string,
  mediaType?: string,
): Promise<Descriptor> {
  const blob = describeBytes(text, mediaType);
  await store.put(blob, streamOf(Buffer.from(text)));
  return blob;
}

/** Stores a document. */
export async function putJson(
  store: Pick<LocalStore, 'put'>,
  mediaType: string,
  value: object,
): Promise<Descriptor> {
  return putText(store, JSON.stringify(value), mediaType);
}

/** Stores an image of one layer whose bytes are `text`. */
export async function putImage(
  store: Pick<LocalStore, 'put'>,
  text: string,
): Promise<{
  readonly manifest: Descriptor;
  readonly layer: Descriptor;
  readonly all: readonly Descriptor[];
}> {
  const layer = await putText(store, text, LAYER);
  const config = await putJson(store, CONFIG, { os: 'linux', architecture: 'amd64', author: text });
  const manifest = await putJson(store, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers: [layer],
  });
  return { manifest, layer, all: [manifest, config, layer] };
}

async function readText(store: LocalStore, blob: Descriptor): Promise<string> {
  return (await collect(store.open(blob), 1_000_000)).toString();
}

async function listNames(store: LocalStore): Promise<string[]> {
  return (await toArray(store.list())).map(([name]) => name);
}

async function expectClean(store: LocalStore): Promise<void> {
  expect(await toArray(store.check())).toEqual([]);
}

async function expectCode(work: Promise<unknown>, code: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isDobosError(error, code), `want ${code}, got ${error}`).toBe(true);
}

/** All items. */
export async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
