import { collect, sha256, streamOf } from '../../base/bytes.ts';
import { mapLimited } from '../../base/concurrency.ts';
import type { CallOptions } from '../../base/options.ts';
import type { TargetCompression } from '../../compress/compress.ts';
import { compressLayer } from '../../image/compress-layers.ts';
import type { PushTarget } from '../../image/push-image.ts';
import { openLayer } from '../../layer/open-layer.ts';
import { formatManifest } from '../../oci/format.ts';
import { MAX_CONFIG_BYTES } from '../../oci/limits.ts';
import { OCI_MANIFEST } from '../../oci/media-types.ts';
import type { Descriptor, Digest } from '../../oci/types.ts';
import type { BlobSource, LocalStore } from '../../store/contract.ts';
import { copy } from '../../store/copy.ts';
import { linksOf } from '../../store/manifest-links.ts';
import type { StepReport } from '../build-events.ts';
import { lendable } from '../cache-folder.ts';
import type { BuildGraph } from '../graph.ts';
import { isStepRecord, STEP_KIND } from '../step-cache.ts';
import type { BorrowingStore } from './borrowing-store.ts';
import {
  CACHE_LAYER_INDEX,
  CACHE_STEPS,
  CACHE_TYPE,
  type CachedStep,
  MAX_INDEX_BYTES,
  packCacheDocument,
  packLayerIndex,
} from './cache-document.ts';

/** Layers sent at once. */
const LANES = 5;

export interface WriteRemoteCacheOptions extends CallOptions {
  readonly mode: 'min' | 'max';
  /** gzip when absent. */
  readonly compression?: TargetCompression | undefined;
  /** What the build took from repositories: it need not come here to be sent on. */
  readonly borrowed?: BorrowingStore | undefined;
}

interface Lendable {
  readonly steps: readonly CachedStep[];
  readonly documents: ReadonlyMap<Digest, Buffer>;
  /** Each layer that a step made, by its blob here. */
  readonly layers: ReadonlyMap<Digest, { readonly blob: Descriptor; readonly diffId: Digest }>;
}

/**
 * Writes the steps of builds to a repository as one manifest under `tag`, in place of what was there: with `min` the steps that the images consist of, with `max` those of all stages. Layers of bases
 * are not in it: who builds has them by FROM. How many steps there are is returned.
 * @throws what `to` and the store throw
 */
export async function writeRemoteCache(
  local: LocalStore,
  to: PushTarget,
  tag: string,
  builds: readonly { readonly graph: BuildGraph; readonly steps: readonly StepReport[] }[],
  o: WriteRemoteCacheOptions,
): Promise<number> {
  const store = o.borrowed?.store ?? local;
  const lease = await store.lease();
  try {
    const ids = new Set(builds.flatMap((build) => lendable(build, o.mode)).flat());
    const { steps, documents, layers } = await readSteps(store, ids, o);
    const sent = new Map<Digest, Descriptor>();
    const indexes = new Map<Digest, Descriptor>();
    await mapLimited(layers.values(), LANES, async ({ blob, diffId }) => {
      sent.set(blob.digest, await sendLayer(local, to, blob, diffId, o));
      const index = await sendIndex(local, to, diffId, o);
      if (index !== undefined) indexes.set(diffId, index);
    });
    const inOrder = <V>(found: ReadonlyMap<Digest, V>) =>
      new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
    const packed = packCacheDocument({ steps, documents, layers: inOrder(sent), indexes: inOrder(indexes) });
    const config = describe(packed, CACHE_STEPS);
    await putBytes(to, config, packed, o);
    const below = [
      ...new Map([...sent.values(), ...indexes.values()].map((each) => [each.digest, each])).values(),
    ];
    const manifest = formatManifest({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: CACHE_TYPE,
      config,
      layers: below.length > 0 ? below : [config],
    });
    const root = describe(manifest, OCI_MANIFEST);
    await to.tag(tag, root, { signal: o.signal, bytes: manifest });
    return steps.length;
  } finally {
    await lease.release();
  }
}

async function readSteps(store: LocalStore, ids: Iterable<string>, o: CallOptions): Promise<Lendable> {
  const steps: CachedStep[] = [];
  const documents = new Map<Digest, Buffer>();
  const layers = new Map<Digest, { blob: Descriptor; diffId: Digest }>();
  const read = async (blob: Descriptor): Promise<Buffer> => {
    const bytes = documents.get(blob.digest) ?? (await collect(store.open(blob, o), MAX_CONFIG_BYTES));
    documents.set(blob.digest, bytes);
    return bytes;
  };
  for (const id of ids) {
    const root = await store.roots.get(STEP_KIND, id, o);
    const [target] = root?.targets ?? [];
    if (root === undefined || target === undefined || !isStepRecord(store, root.data)) continue;
    if (!(await store.has(target, o))) continue;
    const [config] = linksOf(await read(target)).links;
    if (config !== undefined) await read(config);
    const { mediaType, digest, size } = target;
    steps.push({ id, target: { mediaType, digest, size }, data: root.data });
    const { layer } = root.data as { layer?: { blob: Descriptor; diffId: Digest } };
    if (layer !== undefined) layers.set(layer.blob.digest, layer);
  }
  return { steps, documents, layers };
}

/** The layer as the repository has it now. */
async function sendLayer(
  store: LocalStore,
  to: PushTarget,
  blob: Descriptor,
  diffId: Digest,
  { signal, compression = 'gzip', borrowed }: WriteRemoteCacheOptions,
): Promise<Descriptor> {
  const lent = (await store.has(blob)) ? undefined : borrowed?.lent(blob.digest);
  if (lent !== undefined) {
    await copy(lent.from, to, lent.packed, { signal });
    return lent.packed;
  }
  const elsewhere = (packed: Descriptor) => to.has(packed, { signal });
  const made =
    blob.digest === diffId && compression !== 'none'
      ? (await compressLayer(openLayer(store, blob, diffId), compression, store, { signal, elsewhere })).blob
      : blob;
  await copy(store, to, made, { signal });
  return made;
}

/** What is in the layer, if that is known: a build elsewhere then finds it without fetching the layer. */
async function sendIndex(
  store: LocalStore,
  to: PushTarget,
  diffId: Digest,
  { signal, borrowed }: WriteRemoteCacheOptions,
): Promise<Descriptor | undefined> {
  const own = await store.notes.get('index', diffId);
  if (own === undefined) {
    const lent = borrowed?.lentIndex(diffId);
    if (lent !== undefined) await copy(lent.from, to, lent.packed, { signal });
    return lent?.packed;
  }
  const bytes = packLayerIndex(own);
  if (bytes.length > MAX_INDEX_BYTES) return undefined;
  const blob = describe(bytes, CACHE_LAYER_INDEX);
  await putBytes(to, blob, bytes, { signal });
  return blob;
}

async function putBytes(to: PushTarget, blob: Descriptor, bytes: Uint8Array, o: CallOptions): Promise<void> {
  const source: BlobSource = {
    open: (_, call) => streamOf(bytes.subarray(call?.range?.offset ?? 0)),
    has: async () => true,
  };
  await copy(source, to, blob, { signal: o.signal });
}

const describe = (bytes: Uint8Array, mediaType: string): Descriptor => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.length,
});
