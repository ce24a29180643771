import { type ByteStream, type FileRegion, readRegion, verify } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import type { LocalStore } from '../store/contract.ts';
import { readCompression } from './build-layer-index.ts';
import type { Layer, LayerEntry } from './types.ts';

/** Calls `take` with each regular file's content, in tar order; what it leaves unread is jumped over. The layer is read once, to its last wanted byte; where it lies uncompressed on disk, only the contents are. Each content is checked against the digest that the index has of it. @throws BYTES_MISMATCH, and those of the store and compress rooms */
export async function readContents(
  store: LocalStore,
  layer: Layer,
  entries: readonly LayerEntry[],
  take: (entry: LayerEntry, content: ByteStream) => Promise<void>,
  o: CallOptions = {},
): Promise<void> {
  const tar = await openTarBytes(store, layer, o);
  try {
    for (const entry of [...entries].sort((a, b) => a.offset - b.offset)) {
      o.signal?.throwIfAborted();
      await take(entry, contentOf(tar, entry));
    }
  } finally {
    await tar.close();
  }
}

/** One regular file's content. @throws as `readContents` */
export async function* readContent(
  store: LocalStore,
  layer: Layer,
  entry: LayerEntry,
  o: CallOptions = {},
): ByteStream {
  const tar = await openTarBytes(store, layer, o);
  try {
    yield* contentOf(tar, entry);
  } finally {
    await tar.close();
  }
}

/** The uncompressed tar, read forwards. */
interface TarBytes {
  read(at: number, size: number): ByteStream;
  close(): Promise<void>;
}

function contentOf(tar: TarBytes, { offset, size, pieces, contentDigest }: LayerEntry): ByteStream {
  const bytes = pieces === undefined ? tar.read(offset, size) : joinPieces(tar, pieces);
  return contentDigest === undefined ? bytes : verify(bytes, { digest: contentDigest, size });
}

const ZEROS = new Uint8Array(64 * 1024);

async function* joinPieces(tar: TarBytes, pieces: NonNullable<LayerEntry['pieces']>): ByteStream {
  for (const { at, size } of pieces) {
    if (at !== undefined) yield* tar.read(at, size);
    else
      for (let left = size; left > 0; left -= ZEROS.length)
        yield ZEROS.subarray(0, Math.min(ZEROS.length, left));
  }
}

async function openTarBytes(store: LocalStore, layer: Layer, o: CallOptions): Promise<TarBytes> {
  const stored = layer.blob.digest === layer.diffId ? await store.locate(layer.blob, o) : undefined;
  // A layer of docker's archives stands under its diff id however it is stored there.
  const isPlain = stored !== undefined && readCompression(stored) === 'none';
  return isPlain ? createPlainBytes(stored, o) : createStreamBytes(layer, o);
}

function createPlainBytes(region: FileRegion, o: CallOptions): TarBytes {
  return {
    read: (at, size) => readRegion({ path: region.path, offset: region.offset + at, size }, o),
    close: async () => {},
  };
}

/** Reads the layer from its beginning, and again if somebody goes back. */
function createStreamBytes(layer: Layer, o: CallOptions): TarBytes {
  let input: AsyncIterator<Uint8Array> | undefined;
  /** What was read and not given yet starts at this byte of the tar. */
  let position = 0;
  let rest: Uint8Array = new Uint8Array(0);
  const close = async (): Promise<void> => {
    await input?.return?.();
    input = undefined;
    position = 0;
    rest = new Uint8Array(0);
  };
  const more = async (): Promise<boolean> => {
    if (rest.length > 0) return true;
    input ??= layer.openTar(o)[Symbol.asyncIterator]();
    const next = await input.next();
    if (next.done === true) return false;
    rest = next.value;
    return true;
  };
  const drop = (count: number): Uint8Array => {
    const part = rest.subarray(0, count);
    rest = rest.subarray(part.length);
    position += part.length;
    return part;
  };
  return {
    async *read(at, size) {
      if (at < position) await close();
      while (position < at && (await more())) drop(at - position);
      for (let left = size; left > 0 && (await more()); ) {
        const part = drop(left);
        left -= part.length;
        // A producer may use its chunk again: what waits in `rest` is only looked at before the next one is asked for.
        yield part;
      }
    },
    close,
  };
}
