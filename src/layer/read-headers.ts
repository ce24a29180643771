import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { bytesError, type FileRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import type { Digest } from '../oci/types.ts';
import { ContentsWanted } from './contents-wanted.ts';
import { createLayerIndexer, type LayerIndexer } from './layer-indexer.ts';
import { type ColumnarIndex, indexOfColumns } from './load-layer-index.ts';
import type { LayerEntry } from './types.ts';

/** Read at once, at most. */
const READ_BYTES = 64 * 1024;
/** Read behind a content that was passed over: mostly there is one header and the next content. */
const FIRST_BYTES = 4 * 1024;
/** Bytes of a layer's contents that are hashed here, where nothing else goes on meanwhile. */
const MAX_HASHED_BYTES = 64 * 1024 * 1024;

/**
 * The index of an uncompressed layer by its headers alone: contents are passed over unread, so the diffId is taken at its word and not proven. The digest of a file is made
 * when it is asked for, by reading that file; after 64 MiB of a layer that throws ContentsWanted.
 * @throws BYTES_SHORT_FILE, and errors of the tar and layer rooms
 */
export function readHeaderIndex(region: FileRegion, diffId: Digest): ColumnarIndex {
  const { tarSize, columns } = walkHeaders(region, diffId);
  const index = indexOfColumns(diffId, tarSize, columns);
  const known = new Map<number, Buffer>();
  let left = MAX_HASHED_BYTES;
  const hashOf = (order: number): Buffer | undefined => {
    if (index.kindAt(order) !== 'file') return undefined;
    let made = known.get(order);
    if (made === undefined) {
      left -= index.sizeAt(order);
      if (left < 0) throw new ContentsWanted();
      made = hashContent(region, index.at(order));
      known.set(order, made);
    }
    return made;
  };
  const digestAt = (order: number): Digest | undefined => {
    const made = hashOf(order);
    return made === undefined ? undefined : `sha256:${made.toString('hex')}`;
  };
  const at = (order: number): LayerEntry => {
    const { contentDigest: _, ...entry } = index.at(order);
    return Object.defineProperty(entry, 'contentDigest', {
      enumerable: true,
      get: () => digestAt(order),
    }) as LayerEntry;
  };
  return {
    ...index,
    unproven: true,
    at,
    digestAt,
    digestHeadAt: (order, word = 0) => hashOf(order)?.readUInt32LE(word * 4) ?? -1,
    *entries() {
      for (let order = 0; order < index.count; order++) yield at(order);
    },
    find(path, kind) {
      const found = index.find(path, kind);
      return found === undefined ? undefined : at(found.order);
    },
  };
}

function walkHeaders(region: FileRegion, diffId: Digest): ReturnType<LayerIndexer['endColumns']> {
  const indexer = createLayerIndexer('sha256', diffId, { contents: false });
  withFile(region, (read) => {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, region.size));
    for (let done = 0, most = FIRST_BYTES; done < region.size; ) {
      const want = Math.min(buffer.length, most, region.size - done);
      const bytes = buffer.subarray(0, want);
      read(bytes, done);
      indexer.write(bytes);
      done += want;
      // Not past the end: what a cut archive lacks is told by the end of the walk.
      const over = Math.min(indexer.skippable, region.size - done);
      if (over > 0) indexer.skip(over);
      most = over >= READ_BYTES ? FIRST_BYTES : most * 4;
      done += over;
    }
  });
  return indexer.endColumns();
}

function hashContent(region: FileRegion, { offset, size, pieces }: LayerEntry): Buffer {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, Math.max(size, 1)));
  withFile(region, (read) => {
    for (const piece of pieces ?? [{ at: offset, size }]) {
      if (piece.at === undefined) buffer.fill(0);
      for (let done = 0; done < piece.size; ) {
        const part = buffer.subarray(0, Math.min(buffer.length, piece.size - done));
        if (piece.at !== undefined) read(part, piece.at + done);
        hash.update(part);
        done += part.length;
      }
    }
  });
  return hash.digest();
}

/** `read` fills the bytes from a place in the region. */
function withFile(region: FileRegion, work: (read: (bytes: Buffer, at: number) => void) => void): void {
  const { path, offset, size } = region;
  const fd = openSync(fsPath(path), 'r');
  try {
    work((bytes, at) => {
      for (let done = 0; done < bytes.length; ) {
        const got = readSync(fd, bytes, done, bytes.length - done, offset + at + done);
        if (got === 0) throw bytesError('BYTES_SHORT_FILE', { path, want: size, got: at + done });
        done += got;
      }
    });
  } finally {
    closeSync(fd);
  }
}
