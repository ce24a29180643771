import type { ByteStream } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { compress, type TargetCompression } from '../compress/compress.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { isDigest } from '../oci/digest.ts';
import { compressionOfType, layerType } from '../oci/media-types.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { keepUnpacked } from './plain-size.ts';
import { withLayers } from './seal-image.ts';
import type { Image } from './types.ts';

const NOTE = 'packed';

export interface CompressLayersOptions extends CallOptions {
  /** gzip 0 to 9 (6 if not given), zstd 1 to 22 (3 if not given). */
  readonly level?: number | undefined;
}

/**
 * The image with all layers stored that way; layers that are so already stay as they are, whatever their level. Config and id stay; the manifest changes. What was made once is remembered by diff id, algorithm and level.
 * The caller holds a lease until something refers to the new blobs.
 * Cost: one reading and compressing of each layer, which itself uses all cores. @throws LAYER_DIFF_ID, COMPRESS_ errors, and those of the store
 */
export async function compressLayers(
  image: Image,
  how: TargetCompression,
  store: LocalStore,
  o: CompressLayersOptions = {},
): Promise<Image> {
  const layers: Layer[] = [];
  for (const layer of image.layers)
    layers.push(isStoredAs(layer, how) ? layer : await compressLayer(layer, how, store, o));
  return layers.every((layer, i) => layer === image.layers[i]) ? image : withLayers(image, layers);
}

function isStoredAs({ blob, diffId }: Layer, how: TargetCompression): boolean {
  if (how === 'none' || blob.digest === diffId) return how === 'none' && blob.digest === diffId;
  return compressionOfType(blob.mediaType) === how;
}

export interface CompressLayerOptions extends CompressLayersOptions {
  /** True for a blob that is where the layer goes: what was made once is not made again for it, though it is gone from the store. */
  readonly elsewhere?: ((blob: Descriptor) => Promise<boolean>) | undefined;
  /** Called before it is really compressed. */
  readonly onWork?: (() => void) | undefined;
}

/** The layer stored that way, made or remembered: see `compressLayers`. */
export async function compressLayer(
  layer: Layer,
  how: TargetCompression,
  store: LocalStore,
  o: CompressLayerOptions = {},
): Promise<Layer> {
  const mediaType = layerType(how);
  const known = await packedBlob(store, layer, how, o.level);
  if (known !== undefined && ((await store.has(known, o)) || (await o.elsewhere?.(known)) === true))
    return openLayer(store, known, layer.diffId);
  o.onWork?.();
  let size = 0;
  const counted = async function* (): ByteStream {
    for await (const chunk of layer.openTar(o)) {
      size += chunk.length;
      yield chunk;
    }
  };
  const blob = await store.ingest(compress(counted(), how, o), mediaType, o);
  if (blob.digest !== layer.diffId) await keepUnpacked(store, blob.digest, { diffId: layer.diffId, size });
  try {
    await store.notes.put(
      NOTE,
      keyOf(layer, how, o.level),
      Buffer.from(JSON.stringify({ digest: blob.digest, size: blob.size })),
    );
  } catch (error) {
    if (!isDobosError(error)) throw error;
  }
  return openLayer(store, blob, layer.diffId);
}

/** What compressing the layer gave when it was last done; it need not be in the store any more. */
export async function packedBlob(
  store: LocalStore,
  layer: Pick<Layer, 'diffId'>,
  how: TargetCompression,
  level?: number,
): Promise<Descriptor | undefined> {
  return parseNote(await store.notes.get(NOTE, keyOf(layer, how, level)), layerType(how));
}

const keyOf = (
  { diffId }: Pick<Layer, 'diffId'>,
  how: TargetCompression,
  level: number | undefined,
): string => `${diffId}-${how}-${level ?? 'usual'}`;

function parseNote(bytes: Buffer | undefined, mediaType: string): Descriptor | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { digest, size } = JSON.parse(bytes.toString('utf8')) as { digest?: unknown; size?: unknown };
    return isDigest(digest) && Number.isSafeInteger(size)
      ? { mediaType, digest, size: size as number }
      : undefined;
  } catch {
    return undefined;
  }
}
