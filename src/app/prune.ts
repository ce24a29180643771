import { isDobosError } from '../base/errors.ts';
import { chainIds } from '../image/chain-id.ts';
import { imageId } from '../image/image-id.ts';
import { UNTAGGED } from '../image/name-image.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { CollectOptions, LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { namesOf } from './image-names.ts';

export interface Pruned {
  /** What was removed, a line each: ids of images or of build steps. */
  readonly removed: readonly string[];
  /** Bytes of disk that are free now: blobs and unpacked snapshots. */
  readonly bytes: number;
}

/** Removes images that lost their name; with `partials` what interrupted pulls left too. */
export async function pruneImages(app: App, o: Pick<CollectOptions, 'partials'> = {}): Promise<Pruned> {
  const store = await app.store();
  const removed: string[] = [];
  for await (const { id, targets } of store.roots.list(UNTAGGED)) {
    const [target] = targets;
    if (target !== undefined && (await namesOf(store, target.digest)).length > 0) continue;
    await store.roots.remove(UNTAGGED, id);
    removed.push(target === undefined ? id : await idOf(app, store, target));
  }
  return { removed, bytes: await freeSpace(app, store, o) };
}

/** The image's id; the manifest's digest of an image that cannot be read. */
async function idOf(app: App, store: LocalStore, target: Descriptor): Promise<Digest> {
  try {
    return imageId(await readImage(store, target, { platform: app.settings.hostPlatform }));
  } catch {
    return target.digest;
  }
}

/** Removes the build cache: the steps last used before `olderThan` (epoch milliseconds), or all. */
export async function pruneBuildCache(
  app: App,
  o: { readonly olderThan?: number | undefined } = {},
): Promise<Pruned> {
  const store = await app.store();
  const removed: string[] = [];
  for await (const { id, usedAt } of store.roots.list('step')) {
    if (o.olderThan !== undefined && usedAt >= o.olderThan) continue;
    await store.roots.remove('step', id);
    removed.push(id);
  }
  return { removed, bytes: await freeSpace(app, store) };
}

/** Removes blobs that nothing reaches and snapshots of layers that are gone; the bytes freed. */
export async function freeSpace(
  app: App,
  store: LocalStore,
  o: Pick<CollectOptions, 'partials'> = {},
): Promise<number> {
  const { bytes } = await store.collect(o);
  if (store.folder === undefined || !(await hasSnapshots(store.folder))) return bytes;
  const keeper = await app.keeper();
  return bytes + (await keeper.collectSnapshots([...(await liveChains(app, store))])).bytes;
}

/** The chain ids of every image that is still there. */
async function liveChains(app: App, store: LocalStore): Promise<Set<Digest>> {
  const chains = new Set<Digest>();
  const targets = [];
  for await (const [, target] of store.list()) targets.push(target);
  for await (const root of store.roots.list()) targets.push(...root.targets);
  for (const target of targets) {
    if (!target.mediaType.includes('manifest') && !target.mediaType.includes('index')) continue;
    const image = await readUnlessGone(app, store, target);
    for (const chain of chainIds(image?.layers.map(({ diffId }) => diffId) ?? [])) chains.add(chain);
  }
  return chains;
}

/** The image, or undefined if another command has removed it meanwhile. */
async function readUnlessGone(app: App, store: LocalStore, target: Descriptor): Promise<Image | undefined> {
  try {
    return await readImage(store, target, { platform: app.settings.hostPlatform });
  } catch (error) {
    if (isDobosError(error, 'STORE_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function hasSnapshots(folder: string): Promise<boolean> {
  const { existsSync } = await import('node:fs');
  return existsSync(`${folder}/snapshots`);
}
