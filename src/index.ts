/**
 * The library's door: re-exports, nothing else. Each room is also reached by its own files: `dobos/store/directory-store`.
 * @module
 */
export { type ByteStream, collect, sha256, streamOf } from './base/bytes.ts';
export { type DobosError, isDobosError } from './base/errors.ts';
export { type BuildImageOptions, buildImage } from './build/build-image.ts';
export { planBuild } from './build/plan.ts';
export { compress } from './compress/compress.ts';
export { decompress } from './compress/decompress.ts';
export { parseDockerfile } from './dockerfile/parse-dockerfile.ts';
export { exploreImage } from './explore/explore-image.ts';
export type { Exploration } from './explore/types.ts';
export { findImage } from './image/find-image.ts';
export { importRootfs } from './image/import-rootfs.ts';
export { listImages } from './image/list-images.ts';
export { loadArchive } from './image/load-archive.ts';
export { nameImage } from './image/name-image.ts';
export { pullImage } from './image/pull-image.ts';
export { readImage } from './image/read-image.ts';
export { saveImages, saveToFile } from './image/save-images.ts';
export { sealImage } from './image/seal-image.ts';
export type { Image } from './image/types.ts';
export { viewArchive } from './image/view-archive.ts';
export { writeImage } from './image/write-image.ts';
export { diffTrees } from './layer/diff-trees.ts';
export { placeEntries } from './layer/place-entries.ts';
export { readLayerIndex } from './layer/read-index.ts';
export type { Layer, LayerIndex } from './layer/types.ts';
export { writeLayer } from './layer/write-layer.ts';
export { familiarName, formatReference, parseReference, withDefaultTag } from './oci/reference.ts';
export type { Descriptor, Digest, ImageConfig, Manifest, Platform } from './oci/types.ts';
export { openKeeper } from './runtime/keeper.ts';
export type { Keeper } from './runtime/types.ts';
export type { BlobSink, BlobSource, LocalStore, Refs, Store } from './store/contract.ts';
export { copy } from './store/copy.ts';
export { createDirectoryStore } from './store/directory-store.ts';
export { createMemoryStore } from './store/memory-store.ts';
export { readTar } from './tar/read.ts';
export { parseTemplate } from './template/parse-template.ts';
export { runTemplate } from './template/run-template.ts';
