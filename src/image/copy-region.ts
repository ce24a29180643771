import type { Hash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { bytesError, type FileRegion, hasherFor, readRegion } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import { decompress } from '../compress/decompress.ts';
import { DETECT_BYTES, detectCompression } from '../compress/detect.ts';
import type { Digest } from '../oci/types.ts';

/** Read and written at once: the buffer is reused, so this is the memory of one copy. */
const BUFFER_BYTES = 4 * 1024 * 1024;

type Algorithm = 'sha256' | 'sha512';

export interface CopyTask {
  readonly from: FileRegion;
  /** An existing file, written from `offset` on. */
  readonly to: { readonly path: string; readonly offset: number };
  /** Nothing is written past so many bytes. */
  readonly limit?: number | undefined;
  /** `plain`: what comes out of the decompressor is written; `stored`: the bytes as they are. */
  readonly write: 'plain' | 'stored';
  /** Also unpacks what is written as stored, to know its diff id. */
  readonly wantDiffId: boolean;
  /** Algorithm of the digest of what is written, and of the diff id. */
  readonly digestBy: Algorithm;
  readonly diffIdBy: Algorithm;
}

export interface Copied {
  /** Digest and size of what was written. */
  readonly digest: Digest;
  readonly size: number;
  /** Bytes of `diffId`. */
  readonly plainSize: number | undefined;
  /** Digest of the uncompressed bytes; undefined if it was not asked for and would cost a decompression. */
  readonly diffId: Digest | undefined;
}

/** What was copied, hashed on the way. Synchronous but for decompression. @throws BYTES_SHORT_FILE, COMPRESS_ errors, system errors */
export async function copyRegion(task: CopyTask): Promise<Copied> {
  const from = openSync(fsPath(task.from.path), 'r');
  try {
    const to = openSync(fsPath(task.to.path), 'r+');
    try {
      const head = Buffer.alloc(Math.min(DETECT_BYTES, task.from.size));
      readSync(from, head, 0, head.length, task.from.offset);
      const packed = detectCompression(head) !== 'none';
      if (packed && task.write === 'plain') return await copyPlain(task, to);
      if (packed && task.wantDiffId) return await copyAndUnpack(task, to);
      return copyStored(task, from, to, packed);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function copyStored(task: CopyTask, from: number, to: number, packed: boolean): Copied {
  const { path, offset, size } = task.from;
  const hash = hasherFor(`${task.digestBy}:`);
  const second = packed || task.diffIdBy === task.digestBy ? undefined : hasherFor(`${task.diffIdBy}:`);
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(BUFFER_BYTES, size)));
  for (let done = 0; done < size; ) {
    const got = readSync(from, buffer, 0, Math.min(buffer.length, size - done), offset + done);
    if (got === 0) throw bytesError('BYTES_SHORT_FILE', { path, want: size, got: done });
    const bytes = buffer.subarray(0, got);
    hash.update(bytes);
    second?.update(bytes);
    writeAll(to, bytes, task.to.offset + done);
    done += got;
  }
  const digest = digestOf(task.digestBy, hash);
  const diffId = packed ? undefined : second === undefined ? digest : digestOf(task.diffIdBy, second);
  return { digest, size, diffId, plainSize: packed ? undefined : size };
}

async function copyPlain(task: CopyTask, to: number): Promise<Copied> {
  const hash = hasherFor(`${task.digestBy}:`);
  const second = task.diffIdBy === task.digestBy ? undefined : hasherFor(`${task.diffIdBy}:`);
  let size = 0;
  for await (const chunk of decompress(readRegion(task.from))) {
    if (task.limit !== undefined && size + chunk.length > task.limit)
      throw bytesError('BYTES_TOO_MANY', { limit: task.limit });
    hash.update(chunk);
    second?.update(chunk);
    writeAll(to, chunk, task.to.offset + size);
    size += chunk.length;
  }
  const digest = digestOf(task.digestBy, hash);
  const diffId = second === undefined ? digest : digestOf(task.diffIdBy, second);
  return { digest, size, diffId, plainSize: size };
}

/** Writes the stored bytes and hashes what they unpack to, in one reading. */
async function copyAndUnpack(task: CopyTask, to: number): Promise<Copied> {
  const stored = hasherFor(`${task.digestBy}:`);
  const plain = hasherFor(`${task.diffIdBy}:`);
  let size = 0;
  const copied = async function* () {
    for await (const chunk of readRegion(task.from)) {
      stored.update(chunk);
      writeAll(to, chunk, task.to.offset + size);
      size += chunk.length;
      yield chunk;
    }
  };
  let plainSize = 0;
  for await (const chunk of decompress(copied())) {
    plain.update(chunk);
    plainSize += chunk.length;
  }
  return { digest: digestOf(task.digestBy, stored), size, diffId: digestOf(task.diffIdBy, plain), plainSize };
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

function digestOf(algorithm: Algorithm, hash: Hash): Digest {
  return `${algorithm}:${hash.digest('hex')}`;
}

/** The algorithm that a digest names. */
export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}
