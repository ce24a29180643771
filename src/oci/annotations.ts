/** Annotation keys that mean something here (image-spec 1.1.1, annotations.md; the last two by containerd and BuildKit). */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The full name of the image that a descriptor in a layout's index stands for. */
export const IMAGE_NAME = 'io.containerd.image.name';
/** `attestation-manifest` on index entries that are no images. */
export const DOCKER_REFERENCE_TYPE = 'vnd.docker.reference.type';
/** The image that this one was built on: its full name, and the digest of its manifest or index. */
export const BASE_NAME = 'org.opencontainers.image.base.name';
export const BASE_DIGEST = 'org.opencontainers.image.base.digest';
