/**
 * The one stream type between rooms, and the few things done to any stream.
 * @module
 */
import { createHash, type Hash, hash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { errorMaker } from './errors.ts';
import { fsPath } from './names.ts';
import type { CallOptions } from './options.ts';

/** Pulled bytes; a producer reuses no chunk that was not given back to it (`lent-bytes.ts`). */
export type ByteStream = AsyncIterable<Uint8Array>;

/** Chunk size when reading files: 64 KiB chunks cost twice as much. */
export const FILE_CHUNK_BYTES = 1024 * 1024;

type BytesErrors = {
  BYTES_TOO_MANY: { limit: number };
  BYTES_MISMATCH: { digest: string; size: number; gotDigest: string; gotSize: number };
  BYTES_SHORT_FILE: { path: string; want: number; got: number };
};
export const bytesError = errorMaker<BytesErrors>({
  BYTES_TOO_MANY: ({ limit }) => `more than ${limit} bytes where at most ${limit} are accepted`,
  BYTES_MISMATCH: ({ digest, size, gotDigest, gotSize }) =>
    gotSize === size
      ? `content reads as ${gotDigest}, want ${digest}`
      : `content is ${gotSize} bytes, want ${size} (${digest})`,
  BYTES_SHORT_FILE: ({ path, want, got }) => `${path} ended after ${got} bytes, want ${want}`,
});

/** All bytes of the stream. @throws BYTES_TOO_MANY as soon as there are more than `limit`. */
export async function collect(bytes: ByteStream, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const part of bytes) {
    total += part.length;
    if (total > limit) throw bytesError('BYTES_TOO_MANY', { limit });
    parts.push(part);
  }
  return Buffer.concat(parts, total);
}

/** A stream of these chunks. */
export async function* streamOf(...parts: readonly Uint8Array[]): ByteStream {
  yield* parts;
}

/** The same bytes; fails at the end unless digest and size are as wanted, and before passing on more than `size` bytes. @throws BYTES_MISMATCH */
export async function* verify(
  bytes: ByteStream,
  want: { readonly digest: string; readonly size: number },
): ByteStream {
  const hash = hasherFor(want.digest);
  let total = 0;
  const mismatch = () =>
    bytesError('BYTES_MISMATCH', { ...want, gotDigest: digestText(want.digest, hash), gotSize: total });
  for await (const part of bytes) {
    total += part.length;
    hash.update(part);
    if (total > want.size) throw mismatch();
    yield part;
  }
  if (total !== want.size) throw mismatch();
  const got = digestText(want.digest, hash);
  if (got !== want.digest) {
    throw bytesError('BYTES_MISMATCH', { ...want, gotDigest: got, gotSize: total });
  }
}

/** `sha256:<hex>` of the bytes. */
export function sha256(bytes: Uint8Array | string): `sha256:${string}` {
  return `sha256:${hash('sha256', bytes, 'hex')}`;
}

/** A node hash for the algorithm that a digest names. */
export function hasherFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(':')));
}

function digestText(digest: string, hash: Hash): string {
  return `${digest.slice(0, digest.indexOf(':'))}:${hash.copy().digest('hex')}`;
}

/** A part of a file on disk. */
export interface FileRegion {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/** The bytes of a region in chunks of up to 1 MiB. @throws BYTES_SHORT_FILE, and system errors */
export async function* readRegion(region: FileRegion, o: CallOptions = {}): ByteStream {
  const fd = openSync(fsPath(region.path), 'r');
  try {
    let done = 0;
    while (done < region.size) {
      o.signal?.throwIfAborted();
      const chunk = Buffer.allocUnsafeSlow(Math.min(FILE_CHUNK_BYTES, region.size - done));
      const got = readSync(fd, chunk, 0, chunk.length, region.offset + done);
      if (got === 0)
        throw bytesError('BYTES_SHORT_FILE', { path: region.path, want: region.size, got: done });
      done += got;
      yield got === chunk.length ? chunk : chunk.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}
