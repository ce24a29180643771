import { collect, streamOf } from '../../base/bytes.ts';
import type { CallOptions } from '../../base/options.ts';
import { decompress } from '../../compress/decompress.ts';
import type { Image } from '../../image/types.ts';
import { isDigest } from '../../oci/digest.ts';
import { MAX_MANIFEST_BYTES } from '../../oci/limits.ts';
import type { Descriptor, Digest } from '../../oci/types.ts';
import type { Keeper, LayerRef, RunMount } from '../../runtime/types.ts';
import type { BlobSource, Lease, LocalStore, Root } from '../../store/contract.ts';
import { copy } from '../../store/copy.ts';
import { isManifest, linksOf } from '../../store/manifest-links.ts';
import { STEP_KIND } from '../step-cache.ts';
import { type CachedStep, MAX_INDEX_BYTES, unpackLayerIndex } from './cache-document.ts';
import type { RemoteCache } from './read-remote-cache.ts';

/** A store whose build takes steps from repositories too: they count as kept, and what they are made of comes when it is needed. */
export interface BorrowingStore {
  /** For the build. Notes and roots that are read from a repository are not kept. */
  readonly store: LocalStore;
  /** Fetches the layers of a run before it begins: they are read by another process. */
  keeper(open: () => Promise<Keeper>): () => Promise<Keeper>;
  /** Brings what these images lack into the store, and keeps the steps that were taken and are whole there. */
  settle(images: readonly Image[]): Promise<void>;
  /** How a repository has a layer of which only the list was read. */
  lent(blob: Digest): { readonly packed: Descriptor; readonly from: BlobSource } | undefined;
  lentIndex(diffId: Digest): { readonly packed: Descriptor; readonly from: BlobSource } | undefined;
  close(): Promise<void>;
}

/** The store with these caches behind it, asked in their order for what it lacks. */
export function createBorrowingStore(
  store: LocalStore,
  caches: readonly RemoteCache[],
  o: CallOptions,
): BorrowingStore {
  const first = <K, V>(of: (cache: RemoteCache) => Iterable<readonly [K, V]>) =>
    new Map(
      [...caches]
        .reverse()
        .flatMap((cache) => [...of(cache)].map(([key, value]) => [key, { value, cache }] as const)),
    );
  const steps = first<string, CachedStep>(({ document }) => document.steps.map((step) => [step.id, step]));
  const documents = first<Digest, Buffer>(({ document }) => document.documents);
  const layers = first<Digest, Descriptor>(({ document }) => document.layers);
  const indexes = first<Digest, Descriptor>(({ document }) => document.indexes);
  const taken = new Map<string, CachedStep>();
  const fetching = new Map<Digest, Promise<void>>();
  let lease: Promise<Lease> | undefined;

  const fetchNow = async (blob: Descriptor): Promise<void> => {
    lease ??= store.lease();
    await lease;
    const found = layers.get(blob.digest);
    if (found === undefined || (await store.has(blob, o))) return;
    const { value: packed, cache } = found;
    if (packed.digest === blob.digest) await copy(cache.from, store, blob, o);
    else await store.put(blob, decompress(cache.from.open(packed, o), undefined, o), o);
  };
  const fetch = (blob: Descriptor): Promise<void> => {
    const running = fetching.get(blob.digest) ?? fetchNow(blob).finally(() => fetching.delete(blob.digest));
    fetching.set(blob.digest, running);
    return running;
  };

  const lentRoot = async (id: string, call: CallOptions | undefined): Promise<Root | undefined> => {
    const own = await store.roots.get(STEP_KIND, id, call);
    const found = steps.get(id)?.value;
    if (found === undefined) return own;
    const blob = layerOf(own?.data);
    if (own !== undefined && (blob === undefined || (await store.has(blob, call)))) return own;
    taken.set(id, found);
    return {
      kind: STEP_KIND,
      id,
      targets: [found.target],
      data: found.data,
      usedAt: Number.POSITIVE_INFINITY,
    };
  };

  const lentIndexBytes = async (
    diffId: Digest,
    call: CallOptions | undefined,
  ): Promise<Buffer | undefined> => {
    const found = indexes.get(diffId);
    if (found === undefined || found.value.size > MAX_INDEX_BYTES) return undefined;
    try {
      return unpackLayerIndex(await collect(found.cache.from.open(found.value, call), MAX_INDEX_BYTES));
    } catch {
      call?.signal?.throwIfAborted();
      // The layer itself tells it too.
      return undefined;
    }
  };

  const bring = async (wanted: Descriptor): Promise<void> => {
    if (await store.has(wanted, o)) return;
    const document = documents.get(wanted.digest)?.value;
    if (document !== undefined) await store.put(wanted, streamOf(document), o);
    else await fetch(wanted);
  };

  /** All of an image, its manifest last. */
  const bringImage = async (target: Descriptor): Promise<void> => {
    const known = documents.get(target.digest)?.value;
    const manifest = known ?? (await collect(store.open(target, o), MAX_MANIFEST_BYTES));
    for (const link of linksOf(manifest).links) await bring(link);
    await bring(target);
  };

  const borrowing: LocalStore = {
    ...store,
    has: async (wanted, call) =>
      documents.has(wanted.digest) || layers.has(wanted.digest) || store.has(wanted, call),
    async *open(wanted, call = {}) {
      const document = documents.get(wanted.digest)?.value;
      if (document !== undefined) {
        const { offset = 0, size = document.length } = call.range ?? {};
        yield* streamOf(document.subarray(offset, offset + size));
        return;
      }
      await fetch(wanted);
      yield* store.open(wanted, call);
    },
    async locate(wanted, call) {
      await fetch(wanted);
      return store.locate(wanted, call);
    },
    roots: {
      ...store.roots,
      get: (kind, id, call) => (kind === STEP_KIND ? lentRoot(id, call) : store.roots.get(kind, id, call)),
      async put(root, call) {
        // What was only promised does not count any more: a root keeps what is there.
        for (const target of root.targets) if (isManifest(target)) await bringImage(target);
        await store.roots.put(root, call);
      },
    },
    notes: {
      ...store.notes,
      async get(kind, key, call) {
        const own = await store.notes.get(kind, key, call);
        return own === undefined && kind === 'index' && isDigest(key) ? lentIndexBytes(key, call) : own;
      },
    },
  };

  /** Writes the step's root if all of its image is in the store now. */
  const keep = async ({ id, target, data }: CachedStep): Promise<void> => {
    const bytes = documents.get(target.digest)?.value;
    if (bytes === undefined) return;
    const { links } = linksOf(bytes);
    for (const link of links) if (!documents.has(link.digest) && !(await store.has(link, o))) return;
    await bringImage(target);
    await store.roots.put({ kind: STEP_KIND, id, targets: [target], data }, o);
  };

  const lentFrom = (found: { readonly value: Descriptor; readonly cache: RemoteCache } | undefined) =>
    found === undefined ? undefined : { packed: found.value, from: found.cache.from };

  return {
    store: borrowing,
    keeper: (open) => async () => {
      const keeper = await open();
      return {
        ...keeper,
        async run(request, call) {
          const mounted = (request.mounts ?? []).flatMap(mountedLayers);
          for (const { blob } of [...request.layers, ...mounted]) await fetch(blob);
          return keeper.run(request, call);
        },
      };
    },
    async settle(images) {
      lease ??= store.lease();
      await lease;
      for (const { manifest, descriptor } of images)
        for (const blob of [...manifest.layers, manifest.config, descriptor]) await bring(blob);
      for (const step of taken.values()) await keep(step);
    },
    lent: (blob) => lentFrom(layers.get(blob)),
    lentIndex: (diffId) => lentFrom(indexes.get(diffId)),
    close: async () => (await lease?.catch(() => undefined))?.release(),
  };
}

function mountedLayers(mount: RunMount): readonly LayerRef[] {
  const source = mount.kind === 'bind' ? mount.source : mount.kind === 'cache' ? mount.seed : undefined;
  return source?.kind === 'layers' ? source.layers : [];
}

/** The layer that a step's record names. */
export function layerOf(data: unknown): Descriptor | undefined {
  const { layer } = (data ?? {}) as { layer?: { blob?: Descriptor } };
  return layer?.blob;
}
