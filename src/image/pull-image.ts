import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import type { WatchOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { isIndexType, isManifestType } from '../oci/media-types.ts';
import { formatReference, type Reference, withDefaultTag } from '../oci/reference.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import type { BlobSource, LocalStore, Refs } from '../store/contract.ts';
import { type CopyEvent, copy } from '../store/copy.ts';
import { nameImage } from './name-image.ts';
import { readImage } from './read-image.ts';
import type { Image } from './types.ts';

/** Blobs fetched at once: as many as skopeo and podman; a registry far away is waited for most of the time. */
const LANES = 6;

/** What happens in a pull; `name` is the full name, since several may run at once. */
export type PullEvent =
  /** What there is to fetch is known: the layers, base first, each once. */
  | { readonly kind: 'layers'; readonly name: string; readonly layers: readonly Descriptor[] }
  /** A layer's way, told for all in their order first: `present` (already here, or not to be had from registries) or `waiting`; then `started`, `moved` (`done` bytes are here, those of an earlier try included), `stored`. */
  | {
      readonly kind: 'layer';
      readonly name: string;
      readonly layer: Descriptor;
      readonly state: 'present' | 'waiting' | 'started' | 'moved' | 'stored';
      readonly done: number;
    }
  | ({ readonly kind: 'done' } & Pulled);

export interface Pulled {
  /** The full name in the store: with its tag, or with the digest that was asked for. */
  readonly name: string;
  /** What the name points at: an index where the image was chosen from one. */
  readonly target: Descriptor;
  readonly status: 'downloaded' | 'up-to-date';
}

export interface PullImageOptions extends WatchOptions<PullEvent> {
  /** Which of an index's images; the others are not fetched. This machine's when absent. */
  readonly platform?: Platform | undefined;
}

/**
 * Brings an image from where `from` has it and names it: documents byte for byte, of an index the wanted platform's image only, everything verified before the name is set.
 * What the store has is not fetched; a pull that is cut keeps what came, and the next one goes on there. An image that is all there costs one look at the name.
 * @throws as `readImage` and `copy`, and what `from` throws
 */
export async function pullImage(
  store: LocalStore,
  from: BlobSource & Pick<Refs, 'resolve'>,
  wanted: Reference,
  o: PullImageOptions = {},
): Promise<Pulled> {
  const name = storedName(wanted);
  const lease = await store.lease();
  try {
    const { mediaType, digest, size } = await from.resolve(wanted.digest ?? withDefaultTag(wanted).tag!, o);
    const target: Descriptor = { mediaType, digest, size };
    // For the status only; what is wrong with the name is seen when it is set.
    const before = await store.resolve(name).catch(() => undefined);
    const { source, documents } = withDocuments(store, from);
    const { platform, signal } = o;
    const image = await readImage({ ...source, resolve: async () => target }, name, { platform, signal });
    const waiting = await announceLayers(store, name, image, o);
    let moved = false;
    const watch = layerEvents(name, waiting, o.onEvent);
    const onEvent = (event: CopyEvent): void => {
      moved ||= event.kind === 'started';
      watch(event);
    };
    await copy(source, store, image.descriptor, { lanes: LANES, signal, onEvent });
    // An index is stored after what it leads to.
    for (const { blob, bytes } of [...documents.values()].reverse())
      if (isIndexType(blob.mediaType) && !(await store.has(blob)))
        await store.put(blob, streamOf(bytes), { signal });
    await nameImage(store, name, target, o);
    const status = before?.digest === digest && !moved ? 'up-to-date' : 'downloaded';
    const pulled: Pulled = { name, target, status };
    o.onEvent?.({ kind: 'done', ...pulled });
    return pulled;
  } finally {
    await lease.release();
  }
}

export interface PeekedImage {
  /** Its documents as they are at the place; its layers are read from the store, where they may not be yet. */
  readonly image: Image;
  /** What the name points at: an index where the image was chosen from one. */
  readonly target: Descriptor;
}

/** The image as its documents at `from` describe it; nothing is written and no layer is fetched. @throws as `readImage`, and what `from` throws */
export async function peekImage(
  store: LocalStore,
  from: BlobSource & Pick<Refs, 'resolve'>,
  wanted: Reference,
  o: PullImageOptions = {},
): Promise<PeekedImage> {
  const { mediaType, digest, size } = await from.resolve(wanted.digest ?? withDefaultTag(wanted).tag!, o);
  const target: Descriptor = { mediaType, digest, size };
  const { source } = withDocuments(store, from);
  const { platform, signal } = o;
  const read = await readImage({ ...source, resolve: async () => target }, storedName(wanted), {
    platform,
    signal,
  });
  const layers = read.layers.map(({ blob, diffId }) => openLayer(store, blob, diffId));
  return { image: { ...read, layers }, target };
}

/** The name that a pulled image gets: a digest counts more than a tag, as with docker. */
export function storedName({ registry, repository, tag, digest }: Reference): string {
  return formatReference(
    digest === undefined ? withDefaultTag({ registry, repository, tag }) : { registry, repository, digest },
  );
}

interface Document {
  readonly blob: Descriptor;
  readonly bytes: Buffer;
}

/** The source with manifests and configs read once, from the store where it has them, in the order they were first read. */
function withDocuments(
  store: BlobSource,
  from: BlobSource,
): { readonly source: BlobSource; readonly documents: ReadonlyMap<Digest, Document> } {
  const documents = new Map<Digest, Document>();
  const limit = Math.max(MAX_MANIFEST_BYTES, MAX_CONFIG_BYTES);
  async function* open(blob: Descriptor, o: Parameters<BlobSource['open']>[1] = {}): ByteStream {
    const known = documents.get(blob.digest);
    if (known !== undefined) return yield* streamOf(known.bytes.subarray(o.range?.offset ?? 0));
    // The copy reads layers unverified, and has read all documents before it does.
    if (o.unverified === true) return yield* from.open(blob, o);
    const place = (await store.has(blob, o)) ? store : from;
    const bytes = await collect(place.open(blob, o), limit);
    documents.set(blob.digest, { blob, bytes });
    yield* streamOf(bytes);
  }
  const distrust = from.distrust?.bind(from);
  // An index names what may be fetched; whether it can be is seen then.
  const has: BlobSource['has'] = async (blob, o) =>
    isManifestType(blob.mediaType) || isIndexType(blob.mediaType) || from.has(blob, o);
  return { source: { open, has, ...(distrust !== undefined && { distrust }) }, documents };
}

function layersOf({ manifest }: Image): readonly Descriptor[] {
  return [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
}

/** Tells of all layers, which are here and which are not; the digests of the latter. */
async function announceLayers(
  store: LocalStore,
  name: string,
  image: Image,
  o: PullImageOptions,
): Promise<ReadonlySet<Digest>> {
  const layers = layersOf(image);
  o.onEvent?.({ kind: 'layers', name, layers });
  const waiting = new Set<Digest>();
  for (const layer of layers) {
    const here = await store.has(layer, o);
    if (!here) waiting.add(layer.digest);
    o.onEvent?.({
      kind: 'layer',
      name,
      layer,
      state: here ? 'present' : 'waiting',
      done: here ? layer.size : 0,
    });
  }
  return waiting;
}

/** The copy's events of layers that were not here; those of documents are nobody's concern. */
function layerEvents(
  name: string,
  waiting: ReadonlySet<Digest>,
  onEvent: ((event: PullEvent) => void) | undefined,
): (event: CopyEvent) => void {
  return (event) => {
    const { kind, blob: layer } = event;
    if (onEvent === undefined || !waiting.has(layer.digest)) return;
    const states = { skipped: 'present', started: 'started', moved: 'moved', finished: 'stored' } as const;
    const done = kind === 'moved' ? event.done : kind === 'started' ? 0 : layer.size;
    onEvent({ kind: 'layer', name, layer, state: states[kind], done });
  };
}
