/** Media types of the image specification and of Docker's schema 2, and what they say. */

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER_TAR = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
export const OCI_FOREIGN_TAR = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
export const OCI_FOREIGN_GZIP = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
export const OCI_FOREIGN_ZSTD = 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd';

export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER_TAR = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
export const DOCKER_LAYER_ZSTD = 'application/vnd.docker.image.rootfs.diff.tar.zstd';
export const DOCKER_FOREIGN_GZIP = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

/** How a layer's bytes are packed, as far as its media type says. */
export type LayerCompression = 'none' | 'gzip' | 'zstd';

const LAYERS: ReadonlyMap<
  string,
  { readonly packed: LayerCompression; readonly oci: string; readonly foreign: boolean }
> = new Map([
  [OCI_LAYER_TAR, { packed: 'none', oci: OCI_LAYER_TAR, foreign: false }],
  [OCI_LAYER_GZIP, { packed: 'gzip', oci: OCI_LAYER_GZIP, foreign: false }],
  [OCI_LAYER_ZSTD, { packed: 'zstd', oci: OCI_LAYER_ZSTD, foreign: false }],
  [OCI_FOREIGN_TAR, { packed: 'none', oci: OCI_FOREIGN_TAR, foreign: true }],
  [OCI_FOREIGN_GZIP, { packed: 'gzip', oci: OCI_FOREIGN_GZIP, foreign: true }],
  [OCI_FOREIGN_ZSTD, { packed: 'zstd', oci: OCI_FOREIGN_ZSTD, foreign: true }],
  [DOCKER_LAYER_TAR, { packed: 'none', oci: OCI_LAYER_TAR, foreign: false }],
  [DOCKER_LAYER_GZIP, { packed: 'gzip', oci: OCI_LAYER_GZIP, foreign: false }],
  [DOCKER_LAYER_ZSTD, { packed: 'zstd', oci: OCI_LAYER_ZSTD, foreign: false }],
  [DOCKER_FOREIGN_GZIP, { packed: 'gzip', oci: OCI_FOREIGN_GZIP, foreign: true }],
]);

/** True for an image manifest, OCI or Docker schema 2. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;
}

/** True for an index, OCI or Docker's manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

/** True for an image config, OCI or Docker. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
}

/**
 * True for a changeset of a known type, foreign ones too.
 * @public
 */
export function isLayerType(mediaType: string): boolean {
  return LAYERS.has(mediaType);
}

/** True for Docker's schema 1 manifests, signed or not. */
export function isSchema1Type(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(mediaType);
}

/** How the layer is packed; undefined if the type is unknown: then the content tells. */
export function compressionOfType(mediaType: string): LayerCompression | undefined {
  return LAYERS.get(mediaType)?.packed;
}

/** The OCI layer type for a packing. */
export function layerType(packed: LayerCompression): string {
  return packed === 'gzip' ? OCI_LAYER_GZIP : packed === 'zstd' ? OCI_LAYER_ZSTD : OCI_LAYER_TAR;
}

/**
 * True for a layer that may not be pushed and may have to be fetched from its `urls`.
 * @public
 */
export function isForeign(mediaType: string): boolean {
  return LAYERS.get(mediaType)?.foreign ?? false;
}

/** The OCI name of a Docker type; any other type stays as it is. */
export function dockerToOci(mediaType: string): string {
  switch (mediaType) {
    case DOCKER_MANIFEST:
      return OCI_MANIFEST;
    case DOCKER_LIST:
      return OCI_INDEX;
    case DOCKER_CONFIG:
      return OCI_CONFIG;
    default:
      return LAYERS.get(mediaType)?.oci ?? mediaType;
  }
}
