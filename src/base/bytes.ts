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
  const hasher = verifierFor(want);
  let total = 0;
  const mismatch = () =>
    bytesError('BYTES_MISMATCH', { ...want, gotDigest: hasher.digest(), gotSize: total });
  for await (const part of bytes) {
    total += part.length;
    hasher.update(part);
    if (total > want.size) throw mismatch();
    yield part;
  }
  if (total !== want.size) throw mismatch();
  const got = hasher.digest();
  if (got !== want.digest) {
    throw bytesError('BYTES_MISMATCH', { ...want, gotDigest: got, gotSize: total });
  }
}

/** SHA-256 of bytes at once. */
export type Sha256 = (bytes: Uint8Array) => Buffer;

let quick: Sha256 | undefined;

/** From now on short texts and documents are hashed by this, and Node's `crypto`, which takes 5 ms to load, is left for what is long; undefined changes nothing. */
export function hashShortBy(sha256: Sha256 | undefined): void {
  quick = sha256 ?? quick;
}

/** `sha256:<hex>` of the bytes. */
export function sha256(bytes: Uint8Array | string): `sha256:${string}` {
  return `sha256:${quick === undefined ? hash('sha256', bytes, 'hex') : digestOf(bytes).toString('hex')}`;
}

/** The 32 bytes of the text's SHA-256. */
export function digestOf(bytes: Uint8Array | string): Buffer {
  if (quick !== undefined) return quick(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  return createHash('sha256').update(bytes).digest();
}

/** A node hash for the algorithm that a digest names. */
export function hasherFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(':')));
}

/** What is at most as long is kept until it is hashed at once. */
const SHORT_BYTES = 1024 * 1024;

interface Verifier {
  update(part: Uint8Array): unknown;
  /** Of what has come so far. */
  digest(): string;
}

function verifierFor({ digest, size }: { readonly digest: string; readonly size: number }): Verifier {
  if (quick !== undefined && size <= SHORT_BYTES && digest.startsWith('sha256:')) {
    const parts: Uint8Array[] = [];
    // Copied: who lent it may use it for the next part.
    return {
      update: (part) => parts.push(Buffer.from(part)),
      digest: () => sha256(Buffer.concat(parts)),
    };
  }
  const hasher = hasherFor(digest);
  const algorithm = digest.slice(0, digest.indexOf(':'));
  return {
    update: (part) => hasher.update(part),
    digest: () => `${algorithm}:${hasher.copy().digest('hex')}`,
  };
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
