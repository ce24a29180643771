import { afterEach, describe, expect, it } from 'vitest';
import { type ServedStore, type ServeOptions, serveStore } from '../../test/support/registry-server.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { createHttp } from '../http/http.ts';
import type { Http } from '../http/types.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore, OpenOptions } from '../store/contract.ts';
import {
  CONFIG,
  describeBytes,
  expectCode,
  INDEX,
  LAYER,
  MANIFEST,
  putImage,
  putJson,
  toArray,
} from '../store/contract-fixtures.ts';
import { copy } from '../store/copy.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createRegistry } from './registry.ts';
import type { Credential, RegistryEvent, Repository } from './types.ts';

interface World {
  readonly served: ServedStore;
  readonly repository: Repository;
  readonly events: RegistryEvent[];
  readonly traffic: () => { readonly requests: number };
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Never waits. */
const clock = { now: () => 1_700_000_000_000, random: () => 0.5, sleep: async () => {} };

function newHttp(): Http {
  const http = createHttp({ userAgent: 'test', clock });
  open.push(() => http.close());
  return http;
}

async function serve(store: LocalStore, o: ServeOptions = {}): Promise<ServedStore> {
  const served = await serveStore(store, o);
  open.push(() => served.close());
  return served;
}

/** A client of a store that is served. */
async function world(store: LocalStore, o: ServeOptions = {}, credential?: Credential): Promise<World> {
  const served = await serve(store, o);
  const events: RegistryEvent[] = [];
  const registry = createRegistry({
    http: newHttp(),
    credentials: { find: async (host) => ({ credential: host === served.host ? credential : undefined }) },
    endpoints: {
      find: async (host, repository) => [{ base: `https://${host}`, repository, mirror: false }],
    },
    clock,
    onEvent: (event) => events.push(event),
  });
  return {
    served,
    repository: registry.repository(served.host, 'app'),
    events,
    traffic: registry.traffic,
  };
}

describe('the registry client', () => {
  it('pulls an image over plain HTTP from loopback, and nothing the second time', async () => {
    const store = createMemoryStore();
    const { manifest, all } = await putImage(store, 'hello');
    await store.tag('app:1', manifest);
    const { repository, served } = await world(store);
    const root = await repository.resolve('1');
    expect(root).toEqual(manifest);
    const to = createMemoryStore();
    await copy(repository, to, root);
    for (const blob of all) expect(await to.has(blob)).toBe(true);
    const blobs = () => served.requests.filter(({ url }) => url.includes('/blobs/')).length;
    expect(blobs()).toBe(2);
    await copy(repository, to, root);
    expect(blobs()).toBe(2);
    expect(served.requests.filter(({ url }) => url.includes('/manifests/'))).toHaveLength(1);
  });

  it('tries HTTPS first on loopback, without proof, and remembers what worked', async () => {
    const store = createMemoryStore();
    const { manifest } = await putImage(store, 'hello');
    await store.tag('app:1', manifest);
    const { repository, served, traffic } = await world(
      store,
      { auth: { basic: { username: 'me', password: 'x' } } },
      { kind: 'basic', username: 'me', password: 'x' },
    );
    await repository.resolve('1');
    await repository.has(manifest);
    // HTTPS, HTTP without proof, HTTP with it, and the second question with it at once.
    expect(traffic().requests).toBe(4);
    expect(served.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });
});

/** What every store does for its readers (store/contract.ts), by a repository over HTTP. */
describe('a repository keeps the reading half of the store contract', () => {
  const BIG = Buffer.alloc(3_000_000, 'abcdefghijk');
  const filled = async (o: ServeOptions = {}, credential?: Credential) => {
    const store = createMemoryStore();
    const config = await store.ingest(streamOf(Buffer.from('{}')), CONFIG);
    const texts = await Promise.all(
      ['hello world', '', BIG].map((text) => store.ingest(streamOf(Buffer.from(text)), LAYER)),
    );
    const manifest = await putJson(store, MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers: texts,
    });
    const index = await putJson(store, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: [manifest] });
    await store.tag('app:1', index);
    const [hello, empty, big] = texts as [Descriptor, Descriptor, Descriptor];
    return { ...(await world(store, o, credential)), hello, empty, big, manifest, index };
  };
  const text = async (repository: Repository, blob: Descriptor, range?: OpenOptions['range']) =>
    (await collect(repository.open(blob, { range }), 10_000_000)).toString();

  it('gives back blobs and manifests, and has them by their size only', async () => {
    const { repository, hello, empty, big, manifest, index } = await filled();
    expect(await text(repository, hello)).toBe('hello world');
    expect(await text(repository, empty)).toBe('');
    expect(sha256(await text(repository, big))).toBe(big.digest);
    expect(await repository.resolve('1')).toEqual(index);
    expect(await repository.resolve(manifest.digest)).toEqual(manifest);
    expect(sha256(await text(repository, manifest))).toBe(manifest.digest);
    for (const blob of [hello, empty, big, manifest, index]) {
      expect(await repository.has(blob)).toBe(true);
      expect(await repository.has({ ...blob, size: blob.size + 1 })).toBe(false);
      await expect(text(repository, { ...blob, size: blob.size + 1 })).rejects.toThrow();
    }
  });

  it.each([
    ['that knows ranges', true],
    ['that knows none', false],
  ])('reads parts of a server %s', async (_, ranges) => {
    const { repository, hello, manifest } = await filled({ ranges });
    const part = (offset: number, size: number) => text(repository, hello, { offset, size });
    expect(await part(6, 5)).toBe('world');
    expect(await part(0, 2)).toBe('he');
    expect(await part(9, 100)).toBe('ld');
    expect(await part(11, 5)).toBe('');
    expect(await part(50, 5)).toBe('');
    expect(await text(repository, manifest, { offset: 1, size: 15 })).toBe('"schemaVersion"');
  });

  it('says what is not there', async () => {
    const { repository } = await filled();
    const absent = describeBytes('absent', LAYER);
    expect(await repository.has(absent)).toBe(false);
    await expectCode(text(repository, absent), 'REGISTRY_NOT_FOUND');
    await expectCode(text(repository, describeBytes('absent', MANIFEST)), 'REGISTRY_NOT_FOUND');
    await expectCode(repository.resolve('nothing'), 'REGISTRY_NOT_FOUND');
    await expectCode(repository.resolve(absent.digest), 'REGISTRY_NOT_FOUND');
  });

  it('honours a signal before and during a read', async () => {
    const { repository, big } = await filled();
    const control = new AbortController();
    const { signal } = control;
    const reading = async () => {
      for await (const _ of repository.open(big, { signal })) control.abort();
    };
    await expect(reading()).rejects.toThrow(/abort/);
    await expect(repository.has(big, { signal })).rejects.toThrow(/abort/);
    await expect(repository.resolve('1', { signal })).rejects.toThrow(/abort/);
  });

  it('lists its tags', async () => {
    const { repository } = await filled({ tagsPerPage: 1 });
    expect(await toArray(repository.tags())).toEqual(['1']);
  });
});
