import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LINUX } from '../../test/support/build.ts';
import type { LocalStore } from '../store/contract.ts';
import { storeError } from '../store/errors.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import type { App } from './app.ts';
import { build } from './build.ts';
import { readSettings } from './settings.ts';

const NAME = 'docker.io/library/app:latest';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-build-verb-'));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function appOver(store: LocalStore): App {
  const settings = readSettings({ env: {}, uid: 0, home: '/', arch: 'x64', platform: 'linux', now: () => 0 });
  return {
    settings: { ...settings, hostPlatform: LINUX },
    version: '0',
    store: async () => store,
    keeper: async () => {
      throw new Error('nothing here needs a keeper');
    },
    http: async () => {
      throw new Error('nothing here needs the web');
    },
    registry: async () => {
      throw new Error('nothing here needs a registry');
    },
    close: async () => {},
  };
}

/** A store in which somebody prunes what the build has found, just before it is named, so many times; with the leases open at each naming. */
function prunedStore(times: number): { readonly store: LocalStore; readonly leases: number[] } {
  const inner = createMemoryStore();
  const leases: number[] = [];
  let open = 0;
  const store: LocalStore = {
    ...inner,
    lease: async () => {
      const lease = await inner.lease();
      open++;
      return {
        release: async () => {
          open--;
          await lease.release();
        },
      };
    },
    tag: async (name, target, o) => {
      leases.push(open);
      if (leases.length > times) return inner.tag(name, target, o);
      throw storeError('STORE_NOT_FOUND', { digest: target.digest, where: 'the store' });
    },
  };
  return { store, leases };
}

const request = () => ({ context: folder, tags: ['app'], buildArgs: [], labels: [], useCache: true });

describe('a build whose result is pruned before it is named', () => {
  it('is done once more, with a lease from its start to its end', async () => {
    const { store, leases } = prunedStore(1);
    const { image } = await build(appOver(store), request(), {});
    expect((await store.resolve(NAME)).digest).toBe(image.descriptor.digest);
    expect(leases).toEqual([0, 1]);
  });

  it('fails if that happens again, and leaves no lease open', async () => {
    const { store, leases } = prunedStore(Number.POSITIVE_INFINITY);
    await expect(build(appOver(store), request(), {})).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
    expect(leases).toEqual([0, 1]);
    await expect(build(appOver(store), request(), {})).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
    expect(leases).toEqual([0, 1, 0, 1]);
  });
});
