import { type ByteStream, collect } from '../base/bytes.ts';
import { mapLimited } from '../base/concurrency.ts';
import { isDobosError } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import { MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { BlobSink, BlobSource, BytesFrom } from './contract.ts';
import { storeError } from './errors.ts';
import { isForeignLayer, isManifest, linksOf } from './manifest-links.ts';

/** Blobs moved at once: what dockerd and containerd use. */
const LANES = 3;
/** Blobs below one descriptor: an index of 50 platforms with 127 layers each has 6,500. */
const MAX_GRAPH_BLOBS = 100_000;
/** Bytes of all manifests held while their blobs move. */
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

export type CopyEvent =
  /** The blob is at the destination already, or need not be there. */
  | { readonly kind: 'skipped'; readonly blob: Descriptor }
  | { readonly kind: 'started'; readonly blob: Descriptor }
  /** `done` bytes of the blob have been handed over, those of an earlier try included. */
  | { readonly kind: 'moved'; readonly blob: Descriptor; readonly done: number }
  | { readonly kind: 'finished'; readonly blob: Descriptor };

export interface CopyOptions extends WatchOptions<CopyEvent> {
  /** Blobs moved at once; 3 when absent. */
  readonly lanes?: number | undefined;
}

/**
 * Moves `root` and all it refers to, children before parents, verified on both sides; what the destination has is skipped.
 * Whatever it is that descriptors point at is moved: images, indexes, artifacts. Names are not: tag afterwards.
 * A blob whose moving was cut is gone on with where the destination kept its beginning.
 * A manifest at the destination is not trusted to have its children there: an index may be stored for one platform only.
 * @throws STORE_NOT_FOUND, BYTES_MISMATCH, STORE_TOO_DEEP, STORE_TOO_MANY, STORE_FORMAT, and what the stores throw
 */
export async function copy(
  from: BlobSource,
  to: BlobSink & Pick<BlobSource, 'has'>,
  root: Descriptor,
  o: CopyOptions = {},
): Promise<void> {
  const { blobs, manifests } = await readGraph(from, root, o);
  await mapLimited(blobs, o.lanes ?? LANES, (blob) => moveTrusted(from, to, blob, o));
  for (const { blob, bytes } of manifests) {
    await moveBlob(from, to, blob, (offset) => once(bytes.subarray(offset)), o);
  }
}

interface Graph {
  /** What refers to nothing, each once. */
  readonly blobs: readonly Descriptor[];
  /** Manifests and indexes, each after all it refers to. */
  readonly manifests: readonly { readonly blob: Descriptor; readonly bytes: Buffer }[];
}

async function readGraph(from: BlobSource, root: Descriptor, o: CopyOptions): Promise<Graph> {
  const blobs = new Map<Digest, Descriptor>();
  const manifests = new Map<Digest, { readonly blob: Descriptor; readonly bytes: Buffer }>();
  let held = 0;

  const visit = async (blob: Descriptor, depth: number): Promise<void> => {
    o.signal?.throwIfAborted();
    if (!isManifest(blob)) {
      if (!manifests.has(blob.digest)) blobs.set(blob.digest, blob);
      if (blobs.size > MAX_GRAPH_BLOBS) throw tooMany(root);
      return;
    }
    if (manifests.has(blob.digest)) return;
    if (depth > MAX_INDEX_DEPTH) {
      throw storeError('STORE_TOO_DEEP', { digest: root.digest, limit: MAX_INDEX_DEPTH });
    }
    const bytes = await collect(from.open(blob, o), MAX_MANIFEST_BYTES);
    held += bytes.length;
    if (held > MAX_GRAPH_BYTES) throw tooMany(root);
    const { links, problem } = linksOf(bytes);
    if (problem !== undefined) throw storeError('STORE_FORMAT', { path: blob.digest, problem });
    for (const link of links) await visit(link, depth + 1);
    manifests.set(blob.digest, { blob, bytes });
    blobs.delete(blob.digest);
  };

  await visit(root, 0);
  return { blobs: [...blobs.values()], manifests: [...manifests.values()] };
}

function tooMany(root: Descriptor): Error {
  return storeError('STORE_TOO_MANY', { what: root.digest, limit: MAX_GRAPH_BLOBS });
}

/** Moves a blob that `put` alone verifies; a source that has another place to read it from is asked again when the bytes were wrong. */
async function moveTrusted(
  from: BlobSource,
  to: BlobSink & Pick<BlobSource, 'has'>,
  blob: Descriptor,
  o: CopyOptions,
): Promise<void> {
  for (;;) {
    try {
      return await moveBlob(from, to, blob, bytesOf(from, blob, o), o);
    } catch (error) {
      if (!isDobosError(error, 'BYTES_MISMATCH') || from.distrust?.(blob) !== true) throw error;
    }
  }
}

async function moveBlob(
  from: BlobSource,
  to: BlobSink & Pick<BlobSource, 'has'>,
  blob: Descriptor,
  bytes: BytesFrom,
  o: CopyOptions,
): Promise<void> {
  if ((await to.has(blob, o)) || (isForeignLayer(blob) && !(await from.has(blob, o)))) {
    o.onEvent?.({ kind: 'skipped', blob });
    return;
  }
  o.onEvent?.({ kind: 'started', blob });
  const { onEvent } = o;
  await to.put(
    blob,
    onEvent === undefined ? bytes : (offset) => watched(bytes(offset), blob, offset, onEvent),
    o,
  );
  o.onEvent?.({ kind: 'finished', blob });
}

/** The put verifies, so the source need not. */
function bytesOf(from: BlobSource, blob: Descriptor, { signal }: CopyOptions): BytesFrom {
  return (offset) =>
    from.open(blob, {
      signal,
      unverified: true,
      ...(offset > 0 && { range: { offset, size: blob.size - offset } }),
    });
}

async function* watched(
  bytes: ByteStream,
  blob: Descriptor,
  offset: number,
  onEvent: (event: CopyEvent) => void,
): ByteStream {
  let done = offset;
  if (done > 0) onEvent({ kind: 'moved', blob, done });
  for await (const part of bytes) {
    yield part;
    done += part.length;
    onEvent({ kind: 'moved', blob, done });
  }
}

async function* once(bytes: Uint8Array): ByteStream {
  yield bytes;
}
