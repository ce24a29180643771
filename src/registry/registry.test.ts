import { afterEach, describe, expect, it } from 'vitest';
import { type ServedStore, type ServeOptions, serveStore } from '../../test/support/registry-server.ts';
import { createHttp } from '../http/http.ts';
import type { Http } from '../http/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { putImage } from '../store/contract-fixtures.ts';
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
});
