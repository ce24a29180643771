/**
 * Images: values read from a store, made and edited in memory, written back; archives of them in and out.
 * This room knows manifests, configs and layers as wholes; what is inside a layer is layer/'s business.
 * @module
 */
import { collect } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import { parseConfig } from '../oci/config.ts';
import { MAX_CONFIG_BYTES, MAX_INDEX_DEPTH, MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import { parseManifestOrIndex } from '../oci/manifest.ts';
import { isConfigType } from '../oci/media-types.ts';
import { choosePlatform, formatPlatform, hostPlatform, imageEntries } from '../oci/platform.ts';
import type { Descriptor, Platform } from '../oci/types.ts';
import type { BlobSource, Refs } from '../store/contract.ts';
import { imageError } from './errors.ts';
import type { Image } from './types.ts';

export interface ReadImageOptions extends CallOptions {
  /** Which of an index's images; this machine's when absent. A bare manifest is taken whatever its platform. */
  readonly platform?: Platform | undefined;
  /** Takes another of an index's images if the wanted one is not there: a pull brings those of one platform only. */
  readonly orPresent?: boolean | undefined;
}

/**
 * The image that the name or descriptor points at: manifest and config read and checked, layers to be opened on demand. Docker's types are read and kept byte for byte.
 * @throws IMAGE_NOT_AN_IMAGE, IMAGE_BROKEN, IMAGE_LAYER_COUNT, IMAGE_PLATFORM_ABSENT, OCI_PLATFORM_MISSING, OCI_SCHEMA1, and errors of the store
 */
export async function readImage(
  from: BlobSource & Pick<Refs, 'resolve'>,
  name: string | Descriptor,
  o: ReadImageOptions = {},
): Promise<Image> {
  const root = typeof name === 'string' ? await from.resolve(name, o) : name;
  return readManifestImage(from, root, typeof name === 'string' ? name : name.digest, o);
}

async function readManifestImage(
  from: BlobSource,
  root: Descriptor,
  name: string,
  o: ReadImageOptions,
): Promise<Image> {
  let at = root;
  for (let depth = 0; depth < MAX_INDEX_DEPTH; depth++) {
    const manifestBytes = await collect(from.open(at, o), MAX_MANIFEST_BYTES);
    const document = inImage(name, () => parseManifestOrIndex(manifestBytes, at.mediaType));
    if (document.kind === 'index') {
      at = await chooseImage(from, document.index.manifests, name, o);
      continue;
    }
    const { manifest } = document;
    if (!isConfigType(manifest.config.mediaType)) {
      throw imageError('IMAGE_NOT_AN_IMAGE', { name, mediaType: manifest.config.mediaType });
    }
    const configBytes = await collect(from.open(manifest.config, o), MAX_CONFIG_BYTES);
    const config = inImage(name, () => parseConfig(configBytes));
    const diffIds = config.rootfs.diff_ids;
    if (diffIds.length !== manifest.layers.length) {
      throw imageError('IMAGE_LAYER_COUNT', {
        name,
        layers: manifest.layers.length,
        diffIds: diffIds.length,
      });
    }
    const layers = manifest.layers.map((blob, i) => openLayer(from, blob, diffIds[i]!));
    return { descriptor: at, manifest, manifestBytes, config, configBytes, layers };
  }
  throw imageError('IMAGE_INDEX_DEPTH', { name, limit: MAX_INDEX_DEPTH });
}

/** The entry for the platform; it need not be there unless it is asked for by `orPresent`. @throws OCI_PLATFORM_MISSING, IMAGE_PLATFORM_ABSENT */
async function chooseImage(
  from: BlobSource,
  entries: readonly Descriptor[],
  name: string,
  o: ReadImageOptions,
): Promise<Descriptor> {
  const wanted = o.platform ?? thisPlatform();
  if (o.orPresent !== true) {
    const chosen = choosePlatform(entries, wanted);
    if (await from.has(chosen, o)) return chosen;
    throw imageError('IMAGE_PLATFORM_ABSENT', { name, wanted: formatPlatform(chosen.platform ?? wanted) });
  }
  const present: Descriptor[] = [];
  for (const entry of imageEntries(entries)) if (await from.has(entry, o)) present.push(entry);
  try {
    return choosePlatform(present.length === 0 ? entries : present, wanted);
  } catch (error) {
    if (present[0] === undefined || !isDobosError(error, 'OCI_PLATFORM_MISSING')) throw error;
    return present[0];
  }
}

/** What is wrong in a document, told with the image it belongs to. */
function inImage<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isDobosError(error) || !error.code.startsWith('OCI_DOCUMENT')) throw error;
    throw imageError('IMAGE_BROKEN', { name, why: error.message }, { cause: error });
  }
}

/** The platform of images that this machine runs. */
export function thisPlatform(): Platform {
  return hostPlatform(process.arch, process.platform);
}
