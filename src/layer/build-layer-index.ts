import { closeSync, openSync, readSync } from 'node:fs';
import { bytesError, type FileRegion, readRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import { decompress } from '../compress/decompress.ts';
import { DETECT_BYTES, detectCompression } from '../compress/detect.ts';
import type { Digest } from '../oci/types.ts';
import { layerError } from './errors.ts';
import { createLayerIndexer, type LayerIndexer } from './layer-indexer.ts';

/** Read at once from a file: the buffer is reused, so this is the memory of the whole reading. */
const READ_BYTES = 4 * 1024 * 1024;

export interface IndexTask {
  /** Where the blob is stored, compressed or not. */
  readonly region: FileRegion;
  /** What the uncompressed tar must hash to. */
  readonly diffId: Digest;
  /** The blob's digest, for messages. */
  readonly blob: string;
}

/** The bytes of a layer's index, made by reading its blob once: the worker's job. @throws LAYER_DIFF_ID, and errors of the tar and compress rooms */
export async function buildLayerIndex(task: IndexTask): Promise<Uint8Array> {
  const indexer = createLayerIndexer(task.diffId.slice(0, task.diffId.indexOf(':')));
  const fd = openSync(fsPath(task.region.path), 'r');
  try {
    const head = Buffer.alloc(Math.min(DETECT_BYTES, task.region.size));
    readSync(fd, head, 0, head.length, task.region.offset);
    const kind = detectCompression(head);
    if (kind === 'none') readWhole(fd, task.region, indexer);
    else {
      for await (const chunk of decompress(readRegion(task.region), kind)) {
        indexer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      }
    }
  } finally {
    closeSync(fd);
  }
  const { bytes, diffId } = indexer.end();
  if (diffId !== task.diffId) {
    throw layerError('LAYER_DIFF_ID', { blob: task.blob, want: task.diffId, got: diffId });
  }
  return bytes;
}

function readWhole(fd: number, region: FileRegion, indexer: LayerIndexer): void {
  const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, region.size));
  for (let done = 0; done < region.size; ) {
    const want = Math.min(buffer.length, region.size - done);
    const got = readSync(fd, buffer, 0, want, region.offset + done);
    if (got === 0) throw bytesError('BYTES_SHORT_FILE', { path: region.path, want: region.size, got: done });
    indexer.write(buffer.subarray(0, got));
    done += got;
  }
}
