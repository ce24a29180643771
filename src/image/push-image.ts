import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import { mapLimited } from '../base/concurrency.ts';
import type { CallOptions, WatchOptions } from '../base/options.ts';
import type { TargetCompression } from '../compress/compress.ts';
import type { Layer } from '../layer/types.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { compressionOfType, DOCKER_MANIFEST, isForeign } from '../oci/media-types.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import type { BlobSink, BlobSource, LocalStore } from '../store/contract.ts';
import { type CopyEvent, copy } from '../store/copy.ts';
import { compressLayer } from './compress-layers.ts';
import { imagesIn, type PushNode, planPush, sealNode } from './push-plan.ts';
import { withLayers } from './seal-image.ts';
import type { Image } from './types.ts';

/** Layers sent at once, as dockerd does. */
const LANES = 5;

/** Where an image is pushed to. */
export interface PushTarget extends BlobSink, Pick<BlobSource, 'has'> {
  /** `bytes` are the manifest's, which is not put before. */
  tag(
    name: string,
    target: Descriptor,
    o?: CallOptions & { readonly bytes?: Uint8Array | undefined },
  ): Promise<void>;
}

export type PushLayerState =
  | 'preparing'
  /** It is compressed, as it was never pushed. */
  | 'packing'
  | 'started'
  /** `done` bytes were sent. */
  | 'moved'
  | 'pushed'
  | 'present'
  | 'mounted'
  /** Its licence forbids to pass it on. */
  | 'foreign';

/** What happens in a push; `name` is the full name, since several may be pushed by one command. */
export type PushEvent =
  /** What there is to send, the top layer first; `alone` is the platform of the only image of an index that is here. */
  | {
      readonly kind: 'layers';
      readonly name: string;
      readonly layers: readonly PushLayer[];
      readonly alone?: string | undefined;
    }
  | {
      readonly kind: 'layer';
      readonly name: string;
      readonly layer: PushLayer;
      readonly state: PushLayerState;
      readonly done: number;
      /** Bytes that it has as it is sent. */
      readonly size: number;
      /** The repository that it was mounted from. */
      readonly from?: string | undefined;
    }
  | ({ readonly kind: 'done' } & Pushed);

/** The uncompressed content names it: what is sent may be known only later. */
export interface PushLayer {
  readonly diffId: Digest;
}

export interface Pushed {
  readonly name: string;
  /** The tag; undefined if it was pushed by digest only. */
  readonly tag: string | undefined;
  /** What the tag points at now. */
  readonly target: Descriptor;
}

export interface PushImageOptions extends WatchOptions<PushEvent> {
  /** Which of an index's images; all of it when absent. */
  readonly platform?: Platform | undefined;
  /** How layers are stored that are not compressed here; gzip when absent. */
  readonly compression?: TargetCompression | undefined;
  readonly level?: number | undefined;
  /** Those that are compressed otherwise too. */
  readonly force?: boolean | undefined;
  /** The repository that the target took this blob from, if it did. */
  readonly mountedFrom?: ((digest: Digest) => string | undefined) | undefined;
}

/**
 * Brings what a name of the store points at to a repository and tags it there, last of all. Layers are compressed at the door, which is remembered: pushed again, nothing is compressed and nothing is
 * sent. Documents that nothing was compressed for go byte for byte, Docker's too. Layers are sent side by side while the next are compressed.
 * @throws PUSH_INCOMPLETE, as `copy`, and what `to` throws
 */
export async function pushImage(
  store: LocalStore,
  target: Descriptor,
  to: PushTarget,
  { name, tag }: Pick<Pushed, 'name' | 'tag'>,
  o: PushImageOptions = {},
): Promise<Pushed> {
  const lease = await store.lease();
  try {
    const { root, alone } = await planPush(store, target, name, o);
    const wanted = layersOf(root);
    const layers = wanted.map(({ layer: { diffId } }) => ({ diffId }));
    o.onEvent?.({ kind: 'layers', name, layers, alone });
    for (const { layer } of wanted) tell(o, name, layer, 'preparing', 0);
    const sent = await sendLayers(store, wanted, to, name, o);
    const documents = new Map<Digest, Uint8Array>();
    const imageOf = (image: Image): Image => {
      const own = image.layers.map((layer) => sent.get(layer.blob.digest) ?? layer);
      return own.every((layer, at) => layer === image.layers[at]) ? image : withLayers(image, own);
    };
    const made = sealNode(root, imageOf, documents);
    await sendDocuments(store, documents, made, to, tag, o);
    const pushed: Pushed = { name, tag, target: made };
    o.onEvent?.({ kind: 'done', ...pushed });
    return pushed;
  } finally {
    await lease.release();
  }
}

interface WantedLayer {
  readonly layer: Layer;
  /** Its manifest has to stay as it is. */
  readonly fixed: boolean;
}

/** All layers, each once; the top ones first, as docker lists them. */
function layersOf(root: PushNode): readonly WantedLayer[] {
  const found = new Map<Digest, WantedLayer>();
  for (const { image } of imagesIn(root)) {
    const fixed = image.manifest.mediaType === DOCKER_MANIFEST;
    for (const layer of [...image.layers].reverse())
      if (!found.has(layer.blob.digest)) found.set(layer.blob.digest, { layer, fixed });
  }
  return [...found.values()];
}

/** Layers as they are at the target, by the digest of their blob here. */
async function sendLayers(
  store: LocalStore,
  wanted: readonly WantedLayer[],
  to: PushTarget,
  name: string,
  o: PushImageOptions,
): Promise<ReadonlyMap<Digest, Layer>> {
  const sent = new Map<Digest, Layer>();
  let packing: Promise<unknown> = Promise.resolve();
  const { signal, level } = o;
  await mapLimited(wanted, LANES, async ({ layer, fixed }) => {
    if (isForeign(layer.blob.mediaType)) return tell(o, name, layer, 'foreign', 0);
    const how = fixed ? undefined : packingOf(layer, o);
    let packed = layer;
    if (how !== undefined) {
      // Compressing takes all cores: one after the other.
      const own = packing.then(() => {
        signal?.throwIfAborted();
        const onWork = (): void => tell(o, name, layer, 'packing', 0);
        return compressLayer(layer, how, store, {
          signal,
          level,
          onWork,
          elsewhere: (blob) => to.has(blob, { signal }),
        });
      });
      packing = own.catch(() => undefined);
      packed = await own;
    }
    sent.set(layer.blob.digest, packed);
    await copy(store, to, packed.blob, { signal, onEvent: (event) => tellMove(o, name, packed, event) });
  });
  return sent;
}

/** How the layer is to be compressed; undefined: it goes as it is. */
function packingOf(
  { blob, diffId }: Layer,
  { compression = 'gzip', force }: PushImageOptions,
): TargetCompression | undefined {
  const now = blob.digest === diffId ? 'none' : compressionOfType(blob.mediaType);
  if (now === compression) return undefined;
  return now === 'none' || force === true ? compression : undefined;
}

/** Everything else that the root leads to, and the root, under its tag if it has one. */
async function sendDocuments(
  store: LocalStore,
  documents: ReadonlyMap<Digest, Uint8Array>,
  root: Descriptor,
  to: PushTarget,
  tag: string | undefined,
  o: CallOptions,
): Promise<void> {
  const { signal } = o;
  const source: BlobSource = {
    open(wanted, call): ByteStream {
      const made = documents.get(wanted.digest);
      return made === undefined
        ? store.open(wanted, call)
        : streamOf(made.subarray(call?.range?.offset ?? 0));
    },
    has: async (wanted, call) => documents.has(wanted.digest) || store.has(wanted, call),
  };
  const below: BlobSink & Pick<BlobSource, 'has'> = {
    put: (wanted, bytes, call) => to.put(wanted, bytes, call),
    has: async (wanted, call) =>
      isForeign(wanted.mediaType) ||
      (tag !== undefined && wanted.digest === root.digest) ||
      to.has(wanted, call),
  };
  await copy(source, below, root, { signal, lanes: LANES });
  if (tag === undefined) return;
  const bytes = await collect(source.open(root), MAX_MANIFEST_BYTES);
  await to.tag(tag, root, { signal, bytes });
}

function tell(
  o: PushImageOptions,
  name: string,
  { diffId, blob: { size } }: Layer,
  state: PushLayerState,
  done: number,
  from?: string,
): void {
  o.onEvent?.({
    kind: 'layer',
    name,
    layer: { diffId },
    state,
    done,
    size,
    ...(from !== undefined && { from }),
  });
}

function tellMove(o: PushImageOptions, name: string, layer: Layer, event: CopyEvent): void {
  const { size, digest } = layer.blob;
  const from = event.kind === 'finished' ? o.mountedFrom?.(digest) : undefined;
  const ended = from === undefined ? 'pushed' : 'mounted';
  const states = { skipped: 'present', started: 'started', moved: 'moved', finished: ended } as const;
  const done = event.kind === 'moved' ? event.done : event.kind === 'started' ? 0 : size;
  tell(o, name, layer, states[event.kind], done, from);
}
