import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { sha256 } from '../../src/base/bytes.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { type TarItem, tarOf } from './images.ts';

/** The full name in the archives of these tests. */
export const NAME = 'docker.io/library/app:1';
/** More than any archive of a test has. */
export const LIMIT = 64 * 1024 * 1024;

/** A folder and an empty directory store in it for each test of the file. */
export function useStore(): { readonly folder: string; readonly store: LocalStore } {
  const made: { folder: string; store: LocalStore | undefined } = { folder: '', store: undefined };
  beforeEach(() => {
    made.folder = mkdtempSync(join(tmpdir(), 'dobos-archive-'));
    made.store = createDirectoryStore(join(made.folder, 'store'));
  });
  afterEach(() => rmSync(made.folder, { recursive: true, force: true }));
  return {
    get folder() {
      return made.folder;
    },
    get store() {
      return made.store!;
    },
  };
}

/** Nothing that a person would see: no blob, no name, no root. */
export async function expectEmpty(target: LocalStore): Promise<void> {
  for await (const [name] of target.list()) throw new Error(`name ${name} is there`);
  for await (const root of target.roots.list()) throw new Error(`root ${root.id} is there`);
  for (const algorithm of ['sha256', 'tmp']) {
    const path = algorithm === 'tmp' ? join(target.folder!, 'tmp') : join(target.folder!, 'blobs', algorithm);
    expect(readdirSync(path)).toEqual([]);
  }
}

export const LAYER = tarOf([['greeting', 'hello\n']]);
export const OTHER = tarOf([['other', 'x']]);
export const configOf = (...layers: readonly Buffer[]): string =>
  JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256(layer)) },
  });
export const rowOf = (layers: readonly string[], more: object = {}): string =>
  JSON.stringify([{ Config: 'c.json', RepoTags: ['app:1'], Layers: layers, ...more }]);
export const old = (...items: readonly (readonly [string, TarItem])[]): Buffer => tarOf(items);
