import { isDobosError } from '../base/errors.ts';
import { DOWNLOAD } from '../build/remote/fetch-url.ts';
import { chainIds } from '../image/chain-id.ts';
import { imageId } from '../image/image-id.ts';
import { UNTAGGED } from '../image/name-image.ts';
import { presentImages } from '../image/present-images.ts';
import { readImage } from '../image/read-image.ts';
import type { Image } from '../image/types.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { CacheMountUse } from '../rootfs/types.ts';
import type { CollectOptions, LocalStore, Root } from '../store/contract.ts';
import type { App } from './app.ts';
import { cacheMounts } from './disk-use.ts';
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
    return imageId(await readImage(store, target, { platform: app.settings.hostPlatform, orPresent: true }));
  } catch {
    return target.digest;
  }
}

/** Characters of an id as lists show it. */
const SHORT_ID = 12;

export interface CachePruning {
  /** Epoch milliseconds: what was used since then stays. */
  readonly olderThan?: number | undefined;
  /** So many bytes of results may stay: what was not used for longest goes first. Cache mounts are not counted, and stay. */
  readonly maxBytes?: number | undefined;
  /** `steps` or `mounts` only; both without it. */
  readonly only?: 'steps' | 'mounts' | undefined;
  /** Ids of steps (or the start of one) and of cache mounts; all without it. */
  readonly ids?: readonly string[] | undefined;
}

/** Removes the build cache: results of steps, downloads, and cache mounts that no build uses now. */
export async function pruneBuildCache(app: App, o: CachePruning = {}): Promise<Pruned> {
  const store = await app.store();
  const removed: string[] = [];
  const isChosen = (id: string): boolean =>
    o.ids === undefined || o.ids.some((wanted) => wanted.length >= SHORT_ID && id.startsWith(wanted));
  if (o.only !== 'mounts') {
    const chosen: Root[] = [];
    const kept: Root[] = [];
    for (const kind of ['step', DOWNLOAD]) {
      for await (const root of store.roots.list(kind)) {
        const goes = isChosen(root.id) && (o.olderThan === undefined || root.usedAt < o.olderThan);
        (goes ? chosen : kept).push(root);
      }
    }
    for (const { kind, id } of o.maxBytes === undefined ? chosen : beyond(chosen, kept, o.maxBytes)) {
      await store.roots.remove(kind, id);
      removed.push(id);
    }
  }
  const mounts = o.only === 'steps' || o.maxBytes !== undefined ? [] : await pruneCacheMounts(app, store, o);
  removed.push(...mounts.map(({ id }) => id));
  const mountBytes = mounts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (o.only === 'mounts') return { removed, bytes: mountBytes };
  return { removed, bytes: mountBytes + (await freeSpace(app, store)) };
}

/** Of the chosen roots those that must go, least recently used first, until what all roots keep alive is at most so large. */
function beyond(chosen: readonly Root[], kept: readonly Root[], maxBytes: number): readonly Root[] {
  const users = new Map<Digest, number>();
  let total = 0;
  for (const { digest, size } of [...chosen, ...kept].flatMap(blobsOf)) {
    const count = users.get(digest) ?? 0;
    if (count === 0) total += size;
    users.set(digest, count + 1);
  }
  const oldest = [...chosen].sort((a, b) => a.usedAt - b.usedAt);
  const gone: Root[] = [];
  for (const root of oldest) {
    if (total <= maxBytes) break;
    gone.push(root);
    for (const { digest, size } of blobsOf(root)) {
      const count = users.get(digest)! - 1;
      users.set(digest, count);
      if (count === 0) total -= size;
    }
  }
  return gone;
}

/** The layer that a step made; what a download gave. */
function blobsOf({ kind, targets, data }: Root): readonly Descriptor[] {
  if (kind !== 'step') return targets;
  const { layer } = (data ?? {}) as { layer?: { blob?: Descriptor } };
  return layer?.blob === undefined ? [] : [layer.blob];
}

async function pruneCacheMounts(
  app: App,
  store: LocalStore,
  { ids, olderThan }: CachePruning,
): Promise<readonly CacheMountUse[]> {
  if (store.folder === undefined || (await cacheMounts(app, store.folder)).length === 0) return [];
  return (await app.keeper()).removeCacheMounts({ ids, olderThan });
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
  return bytes + (await keeper.collectSnapshots([...(await liveChains(store))])).bytes;
}

/** The chain ids of every image that is still there. */
async function liveChains(store: LocalStore): Promise<Set<Digest>> {
  const chains = new Set<Digest>();
  const targets = [];
  for await (const [, target] of store.list()) targets.push(target);
  for await (const root of store.roots.list()) targets.push(...root.targets);
  for (const target of targets) {
    if (!target.mediaType.includes('manifest') && !target.mediaType.includes('index')) continue;
    for (const { layers } of await readUnlessGone(store, target))
      for (const chain of chainIds(layers.map(({ diffId }) => diffId))) chains.add(chain);
  }
  return chains;
}

/** The images of all platforms that are there; none if another command has removed them meanwhile. */
async function readUnlessGone(store: LocalStore, target: Descriptor): Promise<readonly Image[]> {
  try {
    const images: Image[] = [];
    for await (const image of presentImages(store, target)) images.push(image);
    return images;
  } catch (error) {
    if (isDobosError(error, 'STORE_NOT_FOUND')) return [];
    throw error;
  }
}

async function hasSnapshots(folder: string): Promise<boolean> {
  const { existsSync } = await import('node:fs');
  return existsSync(`${folder}/snapshots`);
}
