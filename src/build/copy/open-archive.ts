/**
 * Archives that ADD unpacks: tars, plain or compressed with gzip, bzip2, xz or zstd, known by their content. They are read once, for an index;
 * their files go from the archive's tar straight into the layer.
 */
import { createHash } from 'node:crypto';
import { type ByteStream, type FileRegion, readRegion } from '../../base/bytes.ts';
import { isDobosError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { decompress } from '../../compress/decompress.ts';
import { readCompression } from '../../layer/build-layer-index.ts';
import { createLayerIndexer, type LayerIndexer } from '../../layer/layer-indexer.ts';
import { indexOfColumns } from '../../layer/load-layer-index.ts';
import type { Content, LayerEntry, LayerIndex } from '../../layer/types.ts';
import { createTarDecoder } from '../../tar/decoder.ts';
import { buildError } from '../errors.ts';
import type { Staging } from './staging.ts';

/** An archive whose entries can be placed. */
export interface Archive {
  /** As the instruction names it. */
  readonly name: string;
  readonly index: LayerIndex;
  /** Where the content of a regular file of the index is. */
  readonly content: (entry: LayerEntry) => Content;
}

export interface ArchiveFile {
  /** For messages. */
  readonly name: string;
  readonly region: FileRegion;
  /** Hex; what the file must hash to. */
  readonly digest: string;
}

/** Uncompressed bytes in which the first entry must be: extension headers may stand before it. */
const MAX_BEFORE_ENTRY = 4 * 1024 * 1024;
/** Bytes of zeros that fill a hole at once. */
const ZEROS = Buffer.alloc(64 * 1024);
/** Errors that say that the bytes are not what they look like. */
const OF_BYTES = /^(?:TAR_\w+|LAYER_\w+|BYTES_\w+|COMPRESS_(?:TRUNCATED|TRAILING|CORRUPT|WINDOW))$/;

/**
 * The archive in this file, undefined if it is none. What has to be written for that lives as long as `staging`.
 * @throws BUILD_ARCHIVE, BUILD_CONTEXT_CHANGED, COMPRESS_PROGRAM_MISSING, COMPRESS_NO_ZSTD
 */
export async function openArchive(
  file: ArchiveFile,
  staging: Staging,
  o: CallOptions = {},
): Promise<Archive | undefined> {
  if (file.region.size === 0 || !(await isArchive(file.region, o))) return undefined;
  try {
    const { index, tar } = await readArchive(file, staging, o);
    const filled = await fillHoles(index, tar, staging, o);
    return {
      name: file.name,
      index,
      content: (entry) => {
        const { path, offset } = tar;
        const region = filled.get(entry.order) ?? { path, offset: offset + entry.offset, size: entry.size };
        return { kind: 'region', ...region };
      },
    };
  } catch (error) {
    if (isDobosError(error, 'BYTES_SHORT_FILE'))
      throw buildError('BUILD_CONTEXT_CHANGED', { path: file.name });
    throw archiveError(file.name, error);
  }
}

/** The error as one of this archive, if its bytes are the cause. */
export function archiveError(path: string, error: unknown): unknown {
  if (!isDobosError(error) || !OF_BYTES.test(error.code)) return error;
  return buildError('BUILD_ARCHIVE', { path, problem: error.message }, { cause: error });
}

/** True if its first entry can be read, as BuildKit decides it. */
async function isArchive(region: FileRegion, o: CallOptions): Promise<boolean> {
  let found = false;
  const decoder = createTarDecoder({
    onEntry: () => {
      found = true;
    },
  });
  let seen = 0;
  try {
    for await (const chunk of decompress(readRegion(region, o), readCompression(region), o)) {
      decoder.write(chunk);
      seen += chunk.length;
      if (found || seen > MAX_BEFORE_ENTRY) break;
    }
  } catch (error) {
    if (!isDobosError(error) || !OF_BYTES.test(error.code)) throw error;
  }
  return found;
}

async function readArchive(
  { name, region, digest }: ArchiveFile,
  staging: Staging,
  o: CallOptions,
): Promise<{ readonly index: LayerIndex; readonly tar: FileRegion }> {
  const kind = readCompression(region);
  const hash = createHash('sha256');
  // The diffId is nobody's here.
  const indexer = createLayerIndexer('sha256', `sha256:${digest}`);
  const packed = hashed(readRegion(region, o), hash);
  let tar = region;
  if (kind === 'none') for await (const chunk of packed) indexer.write(asBuffer(chunk));
  else tar = await staging.write(indexed(decompress(packed, kind, o), indexer));
  if (hash.digest('hex') !== digest) throw buildError('BUILD_CONTEXT_CHANGED', { path: name });
  const { tarSize, columns } = indexer.endColumns();
  return { index: indexOfColumns(`sha256:${digest}`, tarSize, columns), tar };
}

async function* indexed(bytes: ByteStream, indexer: LayerIndexer): ByteStream {
  for await (const chunk of bytes) {
    indexer.write(asBuffer(chunk));
    yield chunk;
  }
}

async function* hashed(bytes: ByteStream, hash: ReturnType<typeof createHash>): ByteStream {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Files with holes, written out whole, by their order. */
async function fillHoles(
  index: LayerIndex,
  tar: FileRegion,
  staging: Staging,
  o: CallOptions,
): Promise<ReadonlyMap<number, FileRegion>> {
  const whole = new Map<number, FileRegion>();
  for (const { order, pieces } of index.entries()) {
    if (pieces === undefined) continue;
    const bytes = async function* (): ByteStream {
      for (const { at, size } of pieces) {
        if (at !== undefined) yield* readRegion({ path: tar.path, offset: tar.offset + at, size }, o);
        else for (let done = 0; done < size; done += ZEROS.length) yield ZEROS.subarray(0, size - done);
      }
    };
    whole.set(order, await staging.write(bytes()));
  }
  return whole;
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
}
