/**
 * An image is a value: a manifest and a config already read, and layers that open on demand.
 * After `readImage` nothing about it can fail except reading a layer's bytes.
 * @module
 */
import type { Layer } from '../layer/types.ts';
import type { Descriptor, ImageConfig, Manifest } from '../oci/types.ts';

export interface Image {
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** The document as stored or sent; never re-serialised. */
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  /** Base first. */
  readonly layers: readonly Layer[];
}

/**
 * What builds and improvements are made of.
 * @public
 */
export type ImageStep = (image: Image) => Image | Promise<Image>;
