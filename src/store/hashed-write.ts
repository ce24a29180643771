import type { Hash } from 'node:crypto';
import { fdatasync as fdatasyncCallback, writev as writevCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { ByteStream } from '../base/bytes.ts';
import { giveBack } from '../base/lent-bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { writeAll } from './atomic-file.ts';

const writev = promisify(writevCallback);
const fdatasync = promisify(fdatasyncCallback);

/** From this size on, bytes are written and synced off the main thread, which hashes meanwhile; below, a thread costs more than it saves. */
export const ASYNC_BYTES = 128 * 1024;
/** Bytes gathered for one write: each costs a turn of a thread. What a kill loses is at most twice this or two chunks, so a stream that may be long gathers more. */
const WRITE_BYTES = 256 * 1024;
const LONG_WRITE_BYTES = 768 * 1024;
/** Bytes from which a stream is long. */
const LONG_BYTES = 64 * 1024 * 1024;
/** Bytes after which the disk is told to begin: left alone it does nothing before the end, and then everything waits for it. */
const FLUSH_BYTES = 32 * 1024 * 1024;
/** Chunks gathered for one write, however small. */
const WRITE_PARTS = 64;

export interface HashedWriteOptions extends CallOptions {
  /** Told of all bytes in their order. */
  readonly hash: Hash;
  /** The stream is left as soon as it has more bytes than this, which are not written. */
  readonly limit?: number | undefined;
}

/**
 * Writes the stream to the file from where it stands and hashes it; how many bytes came. One write is under way while the next bytes are hashed and pulled.
 * If the stream fails, what came of it is in the file.
 */
export async function writeHashed(fd: number, bytes: ByteStream, o: HashedWriteOptions): Promise<number> {
  const { hash, limit = Number.POSITIVE_INFINITY } = o;
  const gathered = limit < LONG_BYTES ? WRITE_BYTES : LONG_WRITE_BYTES;
  let size = 0;
  let parts: Uint8Array[] = [];
  let waiting = 0;
  let writing: Promise<void> | undefined;
  let written: readonly Uint8Array[] = [];
  let unflushed = 0;
  let flushing: Promise<void> | undefined;
  const flush = async (): Promise<void> => {
    await writing;
    // Hashed by now as well.
    for (const part of written) giveBack(part);
    written = [];
    if (unflushed >= FLUSH_BYTES && !flushRunning) {
      // An error of the disk is told once, so it must be heard here.
      await flushing;
      flushing = flushFile(fd);
      flushing.catch(() => {});
      unflushed = 0;
    }
    unflushed += waiting;
    writing = writeParts(fd, parts, waiting);
    // Seen by whoever waits for it next.
    writing.catch(() => {});
    written = parts;
    parts = [];
    waiting = 0;
  };
  const pull = async (): Promise<void> => {
    for await (const part of bytes) {
      o.signal?.throwIfAborted();
      size += part.length;
      if (size > limit) break;
      parts.push(part);
      waiting += part.length;
      if (waiting >= gathered || parts.length >= WRITE_PARTS) await flush();
      hash.update(part);
    }
    o.signal?.throwIfAborted();
  };
  try {
    await pull();
  } catch (error) {
    await flush().then(
      () => Promise.all([writing, flushing]),
      () => {},
    );
    throw error;
  }
  if (parts.length > 0) await flush();
  await writing;
  await flushing;
  return size;
}

/** One at a time: a few of them would take all threads, and nobody could write. */
let flushRunning = false;

async function flushFile(fd: number): Promise<void> {
  flushRunning = true;
  try {
    await fdatasync(fd);
  } finally {
    flushRunning = false;
  }
}

async function writeParts(fd: number, parts: readonly Uint8Array[], size: number): Promise<void> {
  if (size < ASYNC_BYTES) {
    for (const part of parts) writeAll(fd, part);
    return;
  }
  const { bytesWritten } = await writev(fd, parts);
  // A nearly full disk takes a part; what is left over tells whether it is full.
  if (bytesWritten < size) writeAll(fd, Buffer.concat(parts).subarray(bytesWritten));
}
