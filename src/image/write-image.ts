import { streamOf } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor } from '../oci/types.ts';
import type { Store } from '../store/contract.ts';
import { imageError } from './errors.ts';
import type { Image } from './types.ts';

export interface WriteImageOptions extends CallOptions {
  /** The full name to point at the image. */
  readonly name?: string | undefined;
}

/** Stores config and manifest, then the name; the manifest's descriptor. The layers must be in the store. @throws IMAGE_LAYER_ABSENT, and errors of the store */
export async function writeImage(to: Store, image: Image, o: WriteImageOptions = {}): Promise<Descriptor> {
  for (const { blob, diffId } of image.layers) {
    if (!(await to.has(blob, o))) throw imageError('IMAGE_LAYER_ABSENT', { digest: blob.digest, diffId });
  }
  await writeDocuments(to, image, o);
  if (o.name !== undefined) await to.tag(o.name, image.descriptor, o);
  return image.descriptor;
}

/** Stores config and manifest only: of an image whose layers are elsewhere, and which no name or root may keep. */
export async function writeDocuments(to: Store, image: Image, o: CallOptions = {}): Promise<void> {
  await putOnce(to, image.manifest.config, image.configBytes, o);
  await putOnce(to, image.descriptor, image.manifestBytes, o);
}

async function putOnce(to: Store, blob: Descriptor, bytes: Uint8Array, o: CallOptions): Promise<void> {
  if (!(await to.has(blob, o))) await to.put(blob, streamOf(bytes), o);
}
