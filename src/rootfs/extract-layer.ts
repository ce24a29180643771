import { type FileRegion, hasherFor, readRegion, verify } from '../base/bytes.ts';
import { decompress } from '../compress/decompress.ts';
import { cleanPath, decodeWhiteout } from '../layer/entry-paths.ts';
import { layerError } from '../layer/errors.ts';
import { createLayerIndexer } from '../layer/layer-indexer.ts';
import { AT_FDCWD, closeFd, O_DIRECTORY, O_NOFOLLOW, openAt, writeFd } from '../linux/at.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { createTarDecoder } from '../tar/decoder.ts';
import type { TarHeader } from '../tar/header.ts';
import { type AttributeSetter, createAttributeSetter } from './attributes.ts';
import type { RootfsEvent } from './errors.ts';
import type { SnapshotFormat } from './snapshot-names.ts';
import { contentName } from './staging.ts';
import { withPlaceAsync } from './system-errors.ts';

export interface ExtractTask {
  readonly kind: 'extract';
  /** Where the blob is stored. */
  readonly region: FileRegion;
  readonly blob: Descriptor;
  readonly diffId: Digest;
  /** The layer has no index yet: one is made in the same pass. */
  readonly index: boolean;
  /** An existing empty folder of our own. */
  readonly staging: string;
  readonly format: SnapshotFormat;
  readonly rootless: boolean;
}

/**
 * Writes the content of every regular file of the layer into the staging folder, each with its attributes under the name of its place in the tar, and proves the
 * blob's digest and the diffId by reading both to their ends (oci.md a.6 A16, A17). Where the files belong is decided afterwards: names from the archive touch no
 * disk here, and all layers of an image can be read at once. The bytes of the layer's index if it was asked for.
 * @throws BYTES_MISMATCH, LAYER_DIFF_ID, ROOTFS_OWNER, ROOTFS_SYSTEM, and errors of the tar, compress and layer rooms
 */
export function extractLayer(
  task: ExtractTask,
  warn: (event: RootfsEvent) => void,
): Promise<Uint8Array | undefined> {
  return withPlaceAsync('unpacking into', task.staging, () => extract(task, warn));
}

async function extract(
  task: ExtractTask,
  warn: (event: RootfsEvent) => void,
): Promise<Uint8Array | undefined> {
  const algorithm = task.diffId.slice(0, task.diffId.indexOf(':'));
  const dirfd = openAt(AT_FDCWD, task.staging, O_DIRECTORY | O_NOFOLLOW);
  const writer = createContentWriter(dirfd, createAttributeSetter({ ...task, warn }));
  try {
    const indexer = task.index ? createLayerIndexer(algorithm) : undefined;
    const hash = indexer === undefined ? hasherFor(task.diffId) : undefined;
    const stored = readRegion(task.region);
    // A blob stored uncompressed is its own tar: the diffId proves both.
    const proved = task.blob.digest === task.diffId ? stored : verify(stored, task.blob);
    for await (const part of decompress(proved)) {
      const chunk = Buffer.from(part.buffer, part.byteOffset, part.length);
      hash?.update(chunk);
      indexer?.write(chunk);
      writer.write(chunk);
    }
    writer.end();
    const made = indexer?.end();
    const got = made?.diffId ?? `${algorithm}:${hash!.digest('hex')}`;
    if (got !== task.diffId) {
      throw layerError('LAYER_DIFF_ID', { blob: task.blob.digest, want: task.diffId, got });
    }
    return made?.bytes;
  } finally {
    writer.close();
    closeFd(dirfd);
  }
}

/** Writes the content of the files of a tar that passes by. Their attributes are set while they are open: to open each again costs a third of its unpacking. */
function createContentWriter(dirfd: number, attributes: AttributeSetter) {
  let file: { readonly fd: number; readonly path: string; readonly header: TarHeader } | undefined;
  const close = (): void => {
    if (file !== undefined) closeFd(file.fd);
    file = undefined;
  };
  const decoder = createTarDecoder(
    {
      onEntry(header, place) {
        if (header.kind !== 'file' || header.size === 0) return;
        const name = decodeWhiteout(cleanPath(header.name));
        if (name?.kind !== 'plain') return;
        const fd = attributes.create(dirfd, contentName(place.offset), header);
        file = { fd, path: name.path, header };
      },
      wantsContent: () => file !== undefined,
      onData(chunk) {
        if (file !== undefined) writeFd(file.fd, chunk, file.path);
      },
      onEntryEnd() {
        if (file !== undefined) attributes.complete(file.fd, file.header, file.path);
        close();
      },
    },
    { trailing: 'ignore', globals: 'ignore' },
  );
  return { write: decoder.write, end: decoder.end, close };
}
