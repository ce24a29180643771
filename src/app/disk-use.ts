import { DOWNLOAD } from '../build/remote/fetch-url.ts';
import { FAILED_STEP } from '../image/list-images.ts';
import { UNTAGGED } from '../image/name-image.ts';
import { presentImages } from '../image/present-images.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { CacheMountUse } from '../rootfs/types.ts';
import { listPartials } from '../store/partial-files.ts';
import type { App } from './app.ts';
import { type RecordUse, recordUse } from './build-records.ts';

export interface DiskUse {
  readonly kind:
    | 'Images'
    | 'Containers'
    | 'Local Volumes'
    | 'Build Cache'
    | 'Snapshots'
    | 'Build Records'
    | 'Interrupted Pulls';
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimable: number;
}

/** What takes space: what containers wrote, blobs of named and unnamed images, blobs only the build cache holds, unpacked snapshots, and, if there are any, records of builds with what failed steps left, and beginnings of blobs. */
export async function diskUse(app: App): Promise<DiskUse[]> {
  const store = await app.store();
  const blobsOf = async (target: Descriptor): Promise<Descriptor[]> => {
    if (!(await store.has(target))) return [];
    if (!/manifest|index/.test(target.mediaType)) return [target];
    const blobs = [target];
    for await (const { descriptor, manifest } of presentImages(store, target))
      blobs.push(descriptor, manifest.config, ...manifest.layers);
    return blobs;
  };
  const named = new Map<Digest, number>();
  const unnamed = new Map<Digest, number>();
  const cached = new Map<Digest, number>();
  const fill = async (into: Map<Digest, number>, targets: Iterable<Descriptor>): Promise<void> => {
    for (const target of targets)
      for (const { digest, size } of await blobsOf(target)) into.set(digest, size);
  };
  const names = new Map<Digest, Descriptor>();
  for await (const [, target] of store.list()) names.set(target.digest, target);
  await fill(named, names.values());
  let dangling = 0;
  for await (const { targets } of store.roots.list(UNTAGGED)) {
    dangling++;
    await fill(unnamed, targets);
  }
  let steps = 0;
  for (const kind of ['step', DOWNLOAD]) {
    for await (const { targets } of store.roots.list(kind)) {
      steps++;
      await fill(cached, targets);
    }
  }
  const sum = (blobs: Map<Digest, number>, except: readonly Map<Digest, number>[]): number =>
    [...blobs]
      .filter(([digest]) => !except.some((other) => other.has(digest)))
      .reduce((total, [, size]) => total + size, 0);
  const failed = new Map<Digest, number>();
  for await (const { targets } of store.roots.list(FAILED_STEP)) await fill(failed, targets);
  const records = await recordUse(app);
  const cacheOnly = sum(cached, [named, unnamed]);
  const danglingOnly = sum(unnamed, [named]);
  const mounts = store.folder === undefined ? [] : await cacheMounts(app, store.folder);
  const mountBytes = mounts.reduce((total, { bytes }) => total + bytes, 0);
  const snapshots = store.folder === undefined ? [] : await snapshotUse(app, store.folder);
  const snapshotBytes = snapshots.reduce((total, { bytes }) => total + bytes, 0);
  return [
    {
      kind: 'Images',
      total: names.size + dangling,
      active: names.size,
      bytes: sum(named, []) + danglingOnly,
      reclaimable: danglingOnly,
    },
    ...(store.folder === undefined ? [] : [await containerUse(app), await volumeRow(app)]),
    {
      kind: 'Build Cache',
      total: steps + mounts.length,
      active: 0,
      bytes: cacheOnly + mountBytes,
      reclaimable: cacheOnly + mountBytes,
    },
    {
      kind: 'Snapshots',
      total: snapshots.length,
      active: 0,
      bytes: snapshotBytes,
      reclaimable: snapshotBytes,
    },
    ...(records.total === 0 ? [] : [recordRow(records, sum(failed, [named, unnamed, cached]))]),
    ...(store.folder === undefined ? [] : partialUse(store.folder)),
  ];
}

function recordRow({ total, active, bytes, activeBytes }: RecordUse, left: number): DiskUse {
  return {
    kind: 'Build Records',
    total,
    active,
    bytes: bytes + left,
    reclaimable: bytes - activeBytes + left,
  };
}

async function containerUse(app: App): Promise<DiskUse> {
  const [{ openContainers }, { writtenBytes }] = await Promise.all([
    import('./containers.ts'),
    import('./list-containers.ts'),
  ]);
  const tools = await openContainers(app);
  const all = await tools.records.list();
  const sizes = all.length === 0 ? [] : await writtenBytes(tools, all);
  const sum = (wanted: (at: number) => boolean): number =>
    sizes.reduce((total, size, at) => total + (wanted(at) ? size : 0), 0);
  const runs = (at: number): boolean => ['running', 'restarting'].includes(all[at]?.state.kind ?? '');
  return {
    kind: 'Containers',
    total: all.length,
    active: all.filter((_, at) => runs(at)).length,
    bytes: sum(() => true),
    reclaimable: sum((at) => !runs(at)),
  };
}

async function volumeRow(app: App): Promise<DiskUse> {
  const { volumeUse } = await import('./volumes.ts');
  return { kind: 'Local Volumes', ...(await volumeUse(app)) };
}

function partialUse(folder: string): DiskUse[] {
  const partials = listPartials(folder);
  if (partials.length === 0) return [];
  const sum = (some: typeof partials): number => some.reduce((total, { size }) => total + size, 0);
  const free = partials.filter((partial) => partial.free);
  return [
    {
      kind: 'Interrupted Pulls',
      total: partials.length,
      active: partials.length - free.length,
      bytes: sum(partials),
      reclaimable: sum(free),
    },
  ];
}

async function snapshotUse(app: App, folder: string): Promise<readonly { readonly bytes: number }[]> {
  const { existsSync } = await import('node:fs');
  if (!existsSync(`${folder}/snapshots`)) return [];
  return (await app.keeper()).listSnapshots();
}

/** The cache mounts of the store's folder; asked of the keeper, as they may belong to users of its namespace. */
export async function cacheMounts(app: App, folder: string): Promise<readonly CacheMountUse[]> {
  const { existsSync } = await import('node:fs');
  if (!existsSync(`${folder}/cache-mounts`)) return [];
  return (await app.keeper()).listCacheMounts();
}
