import { isDobosError } from '../base/errors.ts';
import type { CallOptions, WatchOptions } from '../base/options.ts';
import { stackLayers } from '../layer/apply-layer.ts';
import { compareViews } from '../layer/compare-views.ts';
import { createLayerContents } from '../layer/layer-contents.ts';
import { openLayer } from '../layer/open-layer.ts';
import { readLayerIndex, readLayerIndexes } from '../layer/read-index.ts';
import { squashEntries } from '../layer/squash-entries.ts';
import type { Layer, LayerIndex, PlannedEntry } from '../layer/types.ts';
import { LAYER_MEDIA_TYPE, writeLayer } from '../layer/write-layer.ts';
import { isDigest } from '../oci/digest.ts';
import type { HistoryEntry, ImageConfig } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { chainIds } from './chain-id.ts';
import { imageError } from './errors.ts';
import { pairHistory } from './pair-history.ts';
import { sealImage } from './seal-image.ts';
import type { Image } from './types.ts';

/** Layers by their number, 0 is the base, both ends included; without `to` up to the top. */
export interface SquashRange {
  readonly from: number;
  readonly to?: number | undefined;
}

/** What a squash came to. */
export interface SquashReport {
  /** Layers that became one. */
  readonly layers: number;
  /** 0 where they come to nothing. */
  readonly into: 0 | 1;
  /** Bytes of the files in those layers. */
  readonly before: number;
  /** Bytes of the files in the layer that stands for them. */
  readonly after: number;
}

export interface SquashOptions extends WatchOptions<SquashReport> {
  /** Called before anything is read or written, and not at all when the result is remembered. */
  readonly onPack?: (() => Promise<void>) | undefined;
}

/**
 * The image with these layers as one: it shows the same files, which is checked, and lacks the bytes that nobody saw. A range of one layer or none gives the image itself. Every row of the history
 * stays; the layer belongs to the last row of those that made one, whose comment says so. Where the layers come to nothing there is no layer. The rest of the config stays, the manifest's
 * annotations, which describe the image as it was, do not. The new layer is stored uncompressed and holds no sparse files (image-spec 1.1.1, layer.md: they should not be used); the same layers give the same bytes, and what was squashed once is remembered.
 * The caller holds a lease until something refers to the new layer. Cost: one reading of what stays, and a plain copy of each compressed layer meanwhile.
 * @throws RangeError for layers that the image does not have; IMAGE_SQUASH_DIFFERS if a stored layer is damaged; LAYER_ errors and those of the store
 */
export async function squash(
  image: Image,
  range: SquashRange,
  store: LocalStore,
  o: SquashOptions = {},
): Promise<Image> {
  const count = image.layers.length;
  const { from, to = count - 1 } = range;
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from > count || to >= count)
    throw new RangeError(`layers ${from} to ${to} of ${count}`);
  if (to <= from) return image;
  const top = chainIds(image.layers.slice(0, to + 1).map(({ diffId }) => diffId)).at(-1)!;
  const key = `${top}-${from}`;
  const known = await recall(store, key, o);
  const { layer, before, after } = known ?? (await packOnce(image, { from, to }, key, store, o));
  o.onEvent?.({ layers: to - from + 1, into: layer === undefined ? 0 : 1, before, after });
  const history = squashHistory(image.config, from, to, layer !== undefined);
  const own = layer === undefined ? [] : [layer];
  const layers = [...image.layers.slice(0, from), ...own, ...image.layers.slice(to + 1)];
  return sealImage({ ...image.config, history }, layers);
}

/** A squashed range; no layer where it comes to nothing. */
interface Packed extends Pick<SquashReport, 'before' | 'after'> {
  readonly layer: Layer | undefined;
}

async function packOnce(
  image: Image,
  range: { readonly from: number; readonly to: number },
  key: string,
  store: LocalStore,
  o: SquashOptions,
): Promise<Packed> {
  await o.onPack?.();
  const packed = await pack(image, range, store, o);
  await remember(store, key, packed);
  return packed;
}

async function pack(
  image: Image,
  range: { readonly from: number; readonly to: number },
  store: LocalStore,
  o: CallOptions,
): Promise<Packed> {
  const { from, to } = range;
  const layers = image.layers.slice(0, to + 1);
  const indexes = await readLayerIndexes(store, layers, o);
  const before = indexes.slice(from).reduce((sum, index) => sum + index.fileBytes, 0);
  const entries = [...squashEntries(indexes, range)];
  if (entries.length === 0) return { layer: undefined, before, after: 0 };
  const contents = createLayerContents(store, layers, indexes);
  try {
    const sources = entries.flatMap(({ source }) => (source === undefined ? [] : [source]));
    const contentOf = await contents.open(sources, o);
    const plan = entries.map(
      ({ source, ...entry }): PlannedEntry =>
        source === undefined ? entry : { ...entry, content: contentOf(source.layer, source.order) },
    );
    const layer = await writeLayer(store, plan, { signal: o.signal, verbatim: true });
    const index = await readLayerIndex(store, layer, o);
    checkView(image, indexes, [...indexes.slice(0, from), index]);
    return { layer, before, after: index.fileBytes };
  } finally {
    await contents.close();
  }
}

/** The contents come from stored blobs, which nothing has verified since their indexes were made. @throws IMAGE_SQUASH_DIFFERS */
function checkView(image: Image, before: readonly LayerIndex[], after: readonly LayerIndex[]): void {
  const { difference: path } = compareViews(stackLayers(before), stackLayers(after));
  if (path !== undefined) throw imageError('IMAGE_SQUASH_DIFFERS', { image: image.descriptor.digest, path });
}

/** The rows with the layers `from` to `to` as one, or as none. */
function squashHistory(
  config: ImageConfig,
  from: number,
  to: number,
  isLayer: boolean,
): readonly HistoryEntry[] {
  return pairHistory(config).map(({ entry, layer }): HistoryEntry => {
    if (layer === undefined || layer < from || layer > to) return entry;
    if (layer < to || !isLayer) return { ...entry, empty_layer: true };
    const note = `squashed from ${to - from + 1} layers`;
    return { ...entry, comment: entry.comment ? `${entry.comment}, ${note}` : note };
  });
}

/** Kind of the notes that say what a range of layers was squashed to; key: chain id of its top, and number of its first layer. */
const NOTE = 'squashed';
/** Goes up when the same layers would give other bytes. */
const VERSION = 1;

async function remember(store: LocalStore, key: string, { layer, before, after }: Packed): Promise<void> {
  const size = layer?.blob.size;
  const text = JSON.stringify({ version: VERSION, diffId: layer?.diffId, size, before, after });
  try {
    await store.notes.put(NOTE, key, Buffer.from(text));
  } catch (error) {
    // A store that cannot be written loses time only.
    if (!isDobosError(error) || !error.code.startsWith('STORE_')) throw error;
  }
}

async function recall(store: LocalStore, key: string, o: CallOptions): Promise<Packed | undefined> {
  const bytes = await store.notes.get(NOTE, key, o);
  if (bytes === undefined) return undefined;
  let note: Record<string, unknown>;
  try {
    note = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { version, diffId, size, before, after } = note ?? {};
  if (version !== VERSION || typeof before !== 'number' || typeof after !== 'number') return undefined;
  if (diffId === undefined) return { layer: undefined, before, after };
  if (!isDigest(diffId) || typeof size !== 'number') return undefined;
  const blob = { mediaType: LAYER_MEDIA_TYPE, digest: diffId, size };
  return (await store.has(blob, o)) ? { layer: openLayer(store, blob, diffId), before, after } : undefined;
}
