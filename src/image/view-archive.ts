import { bytesError, type FileRegion, readRegion, streamOf, verify } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { OCI_LAYER_TAR } from '../oci/media-types.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import type { LocalStore, OpenOptions } from '../store/contract.ts';
import { planLoad } from './load-archive.ts';
import { openArchive } from './open-archive.ts';
import { readImage } from './read-image.ts';
import type { Image } from './types.ts';

export interface ArchiveView {
  /** The images, in the archive's order. */
  readonly images: readonly { readonly names: readonly string[]; readonly image: Image }[];
  /** Reads blobs out of the archive where they lie; notes are those of the store it was made over. Nothing can be written to it but notes. */
  readonly store: LocalStore;
  close(): Promise<void>;
}

/**
 * The images of an archive or layout without loading it. Layers that the archive does not name by digest stand under their diffId.
 * @throws as `loadArchive`, but for the layers' bytes, which are checked when they are read
 */
export async function viewArchive(
  store: LocalStore,
  path: string,
  o: CallOptions & { readonly platform: Platform },
): Promise<ArchiveView> {
  const archive = await openArchive(store, path, o);
  try {
    const regions = new Map<Digest, FileRegion>();
    const documents = new Map<Digest, Uint8Array>();
    const view = viewStore(store, regions, documents);
    const targets: { readonly names: readonly string[]; readonly target: Descriptor }[] = [];
    for (const planned of planLoad(archive, o.platform)) {
      const layers = new Map<Digest, Layer>();
      for (const { blob, diffId, region } of planned.blobs) {
        const descriptor = blob ?? { mediaType: OCI_LAYER_TAR, digest: diffId!, size: region.size };
        regions.set(descriptor.digest, region);
        if (diffId !== undefined) layers.set(diffId, openLayer(view, descriptor, diffId));
      }
      const made = planned.documents(layers);
      for (const { descriptor, bytes } of made) documents.set(descriptor.digest, bytes);
      targets.push({ names: planned.names, target: made.at(-1)!.descriptor });
    }
    const images = [];
    for (const { names, target } of targets) images.push({ names, image: await readImage(view, target, o) });
    return { images, store: view, close: () => archive.close() };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

function viewStore(
  store: LocalStore,
  regions: ReadonlyMap<Digest, FileRegion>,
  documents: ReadonlyMap<Digest, Uint8Array>,
): LocalStore {
  return {
    ...store,
    has: async ({ digest }) => regions.has(digest) || documents.has(digest),
    locate: async ({ digest }) => regions.get(digest),
    open: (wanted: Descriptor, o: OpenOptions = {}) => {
      const document = documents.get(wanted.digest);
      const region = regions.get(wanted.digest);
      if (document === undefined && region === undefined)
        throw bytesError('BYTES_SHORT_FILE', { path: wanted.digest, want: wanted.size, got: 0 });
      return verify(document === undefined ? readRegion(region!, o) : streamOf(document), wanted);
    },
  };
}
