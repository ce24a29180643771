import { type ByteStream, hasherFor } from '../base/bytes.ts';
import { decompress } from '../compress/decompress.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { BlobSource } from '../store/contract.ts';
import { layerError } from './errors.ts';
import type { Layer } from './types.ts';

/** The layer in this blob; nothing is read yet. The content tells how it is compressed: media types lie. */
export function openLayer(store: BlobSource, blob: Descriptor, diffId: Digest): Layer {
  return {
    blob,
    diffId,
    openTar: (o = {}) => verifyTar(decompress(store.open(blob, o), undefined, o), blob, diffId),
  };
}

/** The same bytes; fails at the end unless they are the diffId's. Read to the end also what follows the archive (oci.md a.6 A16, A17). */
async function* verifyTar(tar: ByteStream, blob: Descriptor, diffId: Digest): ByteStream {
  const hash = hasherFor(diffId);
  for await (const chunk of tar) {
    hash.update(chunk);
    yield chunk;
  }
  const got = `${diffId.slice(0, diffId.indexOf(':'))}:${hash.digest('hex')}`;
  if (got !== diffId) throw layerError('LAYER_DIFF_ID', { blob: blob.digest, want: diffId, got });
}
