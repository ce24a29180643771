import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { bytesError, type FileRegion, readRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import { decompress } from '../compress/decompress.ts';
import { type CompressionKind, DETECT_BYTES, detectCompression } from '../compress/detect.ts';
import type { Digest } from '../oci/types.ts';
import { layerError } from './errors.ts';
import { createLayerIndexer } from './layer-indexer.ts';

/** Read at once from a file: the buffer is reused, so this is the memory of the whole reading. */
const READ_BYTES = 4 * 1024 * 1024;

export interface IndexTask {
  /** Where the blob is stored, compressed or not. */
  readonly region: FileRegion;
  /** What the uncompressed tar must hash to. */
  readonly diffId: Digest;
  /** The blob's digest, for messages. */
  readonly blob: string;
  /** Half of the work, for a large uncompressed layer: the entries alone, or only the proof of the diffId (then the result is empty). */
  readonly part?: 'entries' | 'digest' | undefined;
}

/** The bytes of a layer's index, made by reading its blob once: the worker's job. @throws LAYER_DIFF_ID, and errors of the tar and compress rooms */
export async function buildLayerIndex(task: IndexTask): Promise<Uint8Array> {
  const { region, diffId, part } = task;
  const algorithm = diffId.slice(0, diffId.indexOf(':'));
  if (part === 'digest') {
    const hash = createHash(algorithm);
    readWhole(region, (chunk) => hash.update(chunk));
    return checked(task, `${algorithm}:${hash.digest('hex')}`, Buffer.alloc(0));
  }
  const indexer = createLayerIndexer(algorithm, part === 'entries' ? diffId : undefined);
  const kind = readCompression(region);
  if (kind === 'none') readWhole(region, indexer.write);
  else {
    for await (const chunk of decompress(readRegion(region), kind)) {
      indexer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    }
  }
  const made = indexer.end();
  return checked(task, made.diffId, made.bytes);
}

/** How the region's first bytes say that it is compressed. */
export function readCompression(region: FileRegion): CompressionKind {
  const fd = openSync(fsPath(region.path), 'r');
  try {
    const head = Buffer.alloc(Math.min(DETECT_BYTES, region.size));
    return detectCompression(head.subarray(0, readSync(fd, head, 0, head.length, region.offset)));
  } finally {
    closeSync(fd);
  }
}

function checked(task: IndexTask, got: string, bytes: Uint8Array): Uint8Array {
  if (got === task.diffId) return bytes;
  throw layerError('LAYER_DIFF_ID', { blob: task.blob, want: task.diffId, got });
}

function readWhole(region: FileRegion, take: (chunk: Buffer) => void): void {
  const fd = openSync(fsPath(region.path), 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, region.size));
    for (let done = 0; done < region.size; ) {
      const want = Math.min(buffer.length, region.size - done);
      const got = readSync(fd, buffer, 0, want, region.offset + done);
      if (got === 0)
        throw bytesError('BYTES_SHORT_FILE', { path: region.path, want: region.size, got: done });
      take(buffer.subarray(0, got));
      done += got;
    }
  } finally {
    closeSync(fd);
  }
}
