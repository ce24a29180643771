import type { Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type ByteStream, bytesError, FILE_CHUNK_BYTES, hasherFor } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor } from '../oci/types.ts';
import { discardTemp, type TempFile } from './atomic-file.ts';
import { settleOrPublish } from './blob-files.ts';
import type { BytesFrom } from './contract.ts';
import { isCallers, markCallers } from './errors.ts';
import { writeHashed } from './hashed-write.ts';
import { createPartial, keepPartial, takePartial } from './partial-files.ts';
import type { OnWritePoint } from './write-points.ts';

export interface ResumableOptions extends CallOptions {
  readonly at: OnWritePoint;
}

/**
 * Stores a blob and goes on where an earlier put of it was cut. If the stream fails, or the signal says so, what came is kept for the next put;
 * what is kept is hashed again, so that the whole is verified. If the beginning was wrong the bytes are asked for once more from 0.
 * On a full disk nothing is kept.
 * @throws BYTES_MISMATCH, and then keeps nothing
 */
export async function putResumable(
  folder: string,
  bytes: BytesFrom,
  expected: Descriptor,
  o: ResumableOptions,
): Promise<void> {
  const taken = takePartial(folder, expected, o.at);
  if (taken !== undefined) {
    try {
      return await putInto(folder, taken.file, taken.size, bytes, expected, o);
    } catch (error) {
      if (!isDobosError(error, 'BYTES_MISMATCH')) throw error;
    }
  }
  const file = createPartial(folder, expected.digest);
  await putInto(folder, file, 0, bytes, expected, o);
}

async function putInto(
  folder: string,
  file: TempFile,
  kept: number,
  bytes: BytesFrom,
  expected: Descriptor,
  o: ResumableOptions,
): Promise<void> {
  const { digest, size } = expected;
  try {
    o.at('temp-created');
    const hash = hasherFor(digest);
    let done = await hashFile(file.fd, kept, hash, o);
    if (done < size || size === 0)
      done += await writeHashed(file.fd, callerErrors(bytes, done), {
        hash,
        limit: size - done,
        signal: o.signal,
      });
    const gotDigest = `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
    if (done !== size || gotDigest !== digest)
      throw bytesError('BYTES_MISMATCH', { digest, size, gotDigest, gotSize: done });
    o.at('temp-written');
    await settleOrPublish(folder, file, expected, o.at);
  } catch (error) {
    const cut = o.signal?.aborted === true || (isCallers(error) && !isDobosError(error, 'BYTES_MISMATCH'));
    if (cut) keepPartial(folder, file, digest, o.at);
    else discardTemp(file);
    throw error;
  }
}

/** Hashes the first `size` bytes of the file; how many there are. 1 GB a second. */
async function hashFile(fd: number, size: number, hash: Hash, o: CallOptions): Promise<number> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(FILE_CHUNK_BYTES, size));
  let done = 0;
  while (done < size) {
    o.signal?.throwIfAborted();
    const got = readSync(fd, chunk, 0, Math.min(chunk.length, size - done), done);
    if (got === 0) break;
    hash.update(chunk.subarray(0, got));
    done += got;
    // Others' connections want to be heard meanwhile.
    await new Promise((resume) => setImmediate(resume));
  }
  return done;
}

/** The caller's stream; its errors are remembered as the caller's, so that they are not taken for failures of this folder. */
async function* callerErrors(bytes: BytesFrom, offset: number): ByteStream {
  try {
    yield* bytes(offset);
  } catch (error) {
    throw markCallers(error);
  }
}
