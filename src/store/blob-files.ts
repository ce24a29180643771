import {
  closeSync,
  constants,
  fsync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type ByteStream, bytesError, FILE_CHUNK_BYTES, hasherFor } from '../base/bytes.ts';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { createTemp, discardTemp, syncFolder, type TempFile, withFolder } from './atomic-file.ts';
import { ALGORITHMS, blobPath, isDigest } from './blob-path.ts';
import { markCallers, storeError } from './errors.ts';
import { ASYNC_BYTES, writeHashed } from './hashed-write.ts';
import type { OnWritePoint } from './write-points.ts';

const fsyncAsync = promisify(fsync);

/** A blob that changed less than this many milliseconds ago may not have its folder synced yet by whoever stored it. */
const RECENT_MS = 10_000;

/** Neither follows a link nor waits at a pipe that took a blob's place. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The size of a stored blob, or undefined; links and folders are not blobs. */
export function blobSize(folder: string, digest: string): number | undefined {
  return blobStat(folder, digest)?.size;
}

/** True if the blob is stored with the size that the descriptor says. */
export function hasBlob(folder: string, wanted: Descriptor): boolean {
  return blobSize(folder, wanted.digest) === wanted.size;
}

/** The bytes of a blob, or of a part of it, in chunks of up to 1 MiB; not verified. @throws STORE_NOT_FOUND, BYTES_MISMATCH when the file is shorter or longer */
export async function* readBlob(
  folder: string,
  wanted: Descriptor,
  range: { readonly offset: number; readonly size: number } | undefined,
  o: CallOptions,
): ByteStream {
  const fd = openBlob(folder, wanted);
  try {
    let at = Math.min(range?.offset ?? 0, wanted.size);
    const end = Math.min(wanted.size, at + (range?.size ?? wanted.size));
    // One byte more than wanted shows that the file is too long.
    const whole = range === undefined ? 1 : 0;
    for (;;) {
      o.signal?.throwIfAborted();
      const want = Math.min(FILE_CHUNK_BYTES, end - at + (at < end ? 0 : whole));
      if (want === 0) return;
      const chunk = Buffer.allocUnsafeSlow(want);
      const got = readSync(fd, chunk, 0, want, at);
      if (got === 0 && at < end) throw shortBlob(wanted, at);
      if (got === 0) return;
      at += got;
      yield got === want ? chunk : chunk.subarray(0, got);
    }
  } finally {
    closeSync(fd);
  }
}

/** All bytes of a small blob, or undefined when it is not there or larger than `limit`. Not verified. */
export function readSmallBlob(folder: string, digest: Digest, limit: number): Buffer | undefined {
  const size = blobSize(folder, digest);
  if (size === undefined || size > limit) return undefined;
  let fd: number;
  try {
    fd = openSync(join(folder, blobPath(digest)), READ_FLAGS);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

export interface HashedBlob {
  readonly digest: Digest;
  readonly size: number;
}

export interface WriteOptions extends CallOptions {
  readonly at: OnWritePoint;
  /** Called when the digest is known and the blob not yet visible. */
  readonly onHashed?: ((blob: HashedBlob) => Promise<void>) | undefined;
}

/** Stores the stream as a blob and says what it was. With `expected`, anything else is refused before it becomes visible. @throws BYTES_MISMATCH */
export async function writeBlob(
  folder: string,
  bytes: ByteStream,
  expected: Descriptor | undefined,
  o: WriteOptions,
): Promise<HashedBlob> {
  const temp = createTemp(folder);
  try {
    o.at('temp-created');
    const written = await writeAndHash(temp, callerErrors(bytes), expected, o);
    o.at('temp-written');
    await o.onHashed?.(written);
    await settleOrPublish(folder, temp, written, o.at);
    return written;
  } catch (error) {
    discardTemp(temp);
    throw error;
  }
}

/** Makes a written temporary file a blob, unless somebody else has stored it meanwhile. Closes it. */
export async function settleOrPublish(
  folder: string,
  temp: TempFile,
  blob: HashedBlob,
  at: OnWritePoint,
): Promise<void> {
  if (blobSize(folder, blob.digest) === blob.size) {
    settleBlob(folder, blob.digest);
    discardTemp(temp);
  } else await publish(folder, temp, blob, at);
}

/** Makes a written temporary file a blob: fsync, rename, fsync of the folder. Closes it. */
export async function publish(
  folder: string,
  temp: TempFile,
  blob: HashedBlob,
  at: OnWritePoint,
): Promise<void> {
  const target = join(folder, blobPath(blob.digest));
  if (blob.size < ASYNC_BYTES) fsyncSync(temp.fd);
  else await fsyncAsync(temp.fd);
  at('temp-synced');
  withFolder(target, () => renameSync(temp.path, target));
  temp.close();
  at('blob-renamed');
  syncFolder(dirname(target));
  at('blob-durable');
}

/** Makes sure that a blob somebody else has just stored survives a power cut: its folder may not be synced yet. */
export function settleBlob(folder: string, digest: Digest): void {
  const stat = blobStat(folder, digest);
  if (stat !== undefined && Date.now() - stat.ctimeMs < RECENT_MS) {
    syncFolder(dirname(join(folder, blobPath(digest))));
  }
}

/** Every blob of the folder with its size, in the order of digests. Files with other names are not listed. */
export function* listBlobs(folder: string): Generator<HashedBlob> {
  for (const algorithm of ALGORITHMS) {
    for (const name of readNames(join(folder, 'blobs', algorithm))) {
      const digest = `${algorithm}:${name}`;
      const size = isDigest(digest) ? blobSize(folder, digest) : undefined;
      if (size !== undefined) yield { digest: digest as Digest, size };
    }
  }
}

/** Names in a folder, sorted; none if there is no such folder. */
export function readNames(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

function blobStat(folder: string, digest: string): Stats | undefined {
  const stat = lstatSync(join(folder, blobPath(digest)), { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat : undefined;
}

function openBlob(folder: string, wanted: Descriptor): number {
  const path = join(folder, blobPath(wanted.digest));
  const size = blobSize(folder, wanted.digest);
  if (size === undefined) throw storeError('STORE_NOT_FOUND', { digest: wanted.digest, where: folder });
  if (size !== wanted.size) throw shortBlob(wanted, size);
  return openSync(path, READ_FLAGS);
}

function shortBlob({ digest, size }: Descriptor, gotSize: number): Error {
  return bytesError('BYTES_MISMATCH', { digest, size, gotDigest: 'other content', gotSize });
}

/** The caller's stream; its errors are remembered as the caller's, so that they are not taken for failures of this folder. */
async function* callerErrors(bytes: ByteStream): ByteStream {
  try {
    yield* bytes;
  } catch (error) {
    throw markCallers(error);
  }
}

async function writeAndHash(
  temp: TempFile,
  bytes: ByteStream,
  expected: Descriptor | undefined,
  o: CallOptions,
): Promise<HashedBlob> {
  const algorithm = (expected?.digest ?? 'sha256:').split(':')[0]!;
  const hash = hasherFor(`${algorithm}:`);
  const size = await writeHashed(temp.fd, bytes, { hash, limit: expected?.size, signal: o.signal });
  const digest = `${algorithm}:${hash.digest('hex')}` as Digest;
  if (expected !== undefined && (size !== expected.size || digest !== expected.digest)) {
    const { digest: want, size: wantSize } = expected;
    throw bytesError('BYTES_MISMATCH', { digest: want, size: wantSize, gotDigest: digest, gotSize: size });
  }
  return { digest, size };
}
