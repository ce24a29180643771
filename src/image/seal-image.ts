import { sha256 } from '../base/bytes.ts';
import type { Layer } from '../layer/types.ts';
import { formatConfig, formatManifest } from '../oci/format.ts';
import { dockerToOci, OCI_CONFIG, OCI_MANIFEST } from '../oci/media-types.ts';
import type { Annotations, Descriptor, ImageConfig, Manifest } from '../oci/types.ts';
import type { Image } from './types.ts';

/** The image of this config over these layers (base first): the only maker of images. Its types are OCI's, its diff ids the layers', its bytes depend on nothing else. */
export function sealImage(config: ImageConfig, layers: readonly Layer[], annotations?: Annotations): Image {
  const diffIds = layers.map((layer) => layer.diffId);
  const sealed: ImageConfig = { ...config, rootfs: { type: 'layers', diff_ids: diffIds } };
  return sealLater(sealed, () => formatConfig(sealed), layers, annotations);
}

/** The same image with OCI types, the config's bytes (and so the image's id) untouched; the image itself if its types are OCI's already. */
export function toOciImage(image: Image): Image {
  const { manifest } = image;
  const types = [
    manifest.mediaType ?? OCI_MANIFEST,
    manifest.config.mediaType,
    ...manifest.layers.map((l) => l.mediaType),
  ];
  if (types.every((type) => dockerToOci(type) === type)) return image;
  return withLayers(image, image.layers);
}

/** The image with the same config bytes over the same diff ids stored otherwise (compressed or not). */
export function withLayers(image: Image, layers: readonly Layer[]): Image {
  return sealBytes(image.config, image.configBytes, layers, image.manifest.annotations);
}

/** The image with these annotations too in its manifest; config and id stay. */
export function annotateImage(image: Image, annotations: Annotations | undefined): Image {
  if (annotations === undefined || Object.keys(annotations).length === 0) return image;
  const all = { ...image.manifest.annotations, ...annotations };
  return sealBytes(image.config, image.configBytes, image.layers, all);
}

/** The image with exactly these config bytes. */
export const sealBytes = (
  config: ImageConfig,
  configBytes: Uint8Array,
  layers: readonly Layer[],
  annotations: Annotations | undefined,
): Image => sealLater(config, () => configBytes, layers, annotations);

/** Documents are made when somebody asks for them or for their digests: nobody does of the images between the instructions of a build that is cached whole. */
function sealLater(
  config: ImageConfig,
  formatted: () => Uint8Array,
  layers: readonly Layer[],
  annotations: Annotations | undefined,
): Image {
  const own = layers.map((layer): Layer => {
    const mediaType = dockerToOci(layer.blob.mediaType);
    if (mediaType === layer.blob.mediaType) return layer;
    const blob: Descriptor = { ...layer.blob, mediaType };
    return { ...layer, blob };
  });
  let made: Pick<Image, 'descriptor' | 'manifest' | 'manifestBytes' | 'configBytes'> | undefined;
  const documents = () => {
    if (made !== undefined) return made;
    const configBytes = formatted();
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: sha256(configBytes), size: configBytes.length },
      layers: own.map((layer) => layer.blob),
      ...(annotations !== undefined && Object.keys(annotations).length > 0 && { annotations }),
    };
    const manifestBytes = formatManifest(manifest);
    const digest = sha256(manifestBytes);
    const descriptor = { mediaType: OCI_MANIFEST, digest, size: manifestBytes.length };
    made = { descriptor, manifest, manifestBytes, configBytes };
    return made;
  };
  return {
    get descriptor() {
      return documents().descriptor;
    },
    get manifest() {
      return documents().manifest;
    },
    get manifestBytes() {
      return documents().manifestBytes;
    },
    config,
    get configBytes() {
      return documents().configBytes;
    },
    layers: own,
  };
}
