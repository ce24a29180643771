import { closeSync, lstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ByteStream, type FileRegion, readRegion } from '../base/bytes.ts';
import { isDobosError, systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { decompress } from '../compress/decompress.ts';
import { DETECT_BYTES, detectCompression } from '../compress/detect.ts';
import type { LocalStore } from '../store/contract.ts';
import { type ArchiveIndex, indexArchive } from './archive-index.ts';
import { imageError } from './errors.ts';

/** An archive of images or a layout folder, opened: its members are parts of files on disk. */
export interface OpenArchive {
  /** For messages. */
  readonly shown: string;
  find(member: string): FileRegion | undefined;
  close(): Promise<void>;
}

/**
 * The archive at a path (a tar, also compressed as a whole, or the folder of an OCI layout) or in a stream. A plain tar on disk is read where it stands; anything else goes through a temporary file of the store's.
 * @throws ARCHIVE_UNREADABLE, ARCHIVE_NOT_IMAGES, ARCHIVE_TOO_MANY_MEMBERS, COMPRESS_ errors
 */
export async function openArchive(
  store: LocalStore,
  source: string | ByteStream,
  o: CallOptions,
): Promise<OpenArchive> {
  if (typeof source !== 'string') return openStaged(store, source, 'standard input', o);
  let isFolder: boolean;
  let head: Buffer;
  try {
    isFolder = statSync(fsPath(source)).isDirectory();
    head = isFolder ? Buffer.alloc(0) : readHead(source);
  } catch (error) {
    throw unreadable(source, error);
  }
  if (isFolder) return openFolder(source);
  // A pipe or a device gives its bytes once only.
  if (detectCompression(head) !== 'none' || !statSync(fsPath(source)).isFile()) {
    return openStaged(store, readAll(source), source, o);
  }
  const index = indexTar(source, source);
  return { shown: source, find: index.find, close: async () => {} };
}

async function openStaged(
  store: LocalStore,
  bytes: ByteStream,
  shown: string,
  o: CallOptions,
): Promise<OpenArchive> {
  const staged = await store.stage();
  try {
    const fd = openSync(fsPath(staged.path), 'r+');
    try {
      for await (const chunk of decompress(bytes, undefined, o)) {
        o.signal?.throwIfAborted();
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      }
    } finally {
      closeSync(fd);
    }
    const index = indexTar(staged.path, shown);
    return { shown, find: index.find, close: () => staged.abort() };
  } catch (error) {
    await staged.abort();
    throw systemCode(error) === 'ENOSPC' ? unreadable(shown, error) : error;
  }
}

/** Only `index.json`, `oci-layout` and blobs are ever asked for here, the latter by checked digests: no name from a document becomes a path. */
function openFolder(folder: string): OpenArchive {
  return {
    shown: folder,
    find(member) {
      if (!/^(?:index\.json|oci-layout|blobs\/sha(?:256|512)\/[a-f0-9]+)$/.test(member)) return undefined;
      const path = join(folder, member);
      const found = lstatSync(fsPath(path), { throwIfNoEntry: false });
      if (found === undefined) return undefined;
      // A blob that is a link would be read from wherever it points (oci.md a.7).
      if (!found.isFile())
        throw imageError('ARCHIVE_MEMBER_TYPE', { path: folder, member, why: 'it is no regular file' });
      return { path, offset: 0, size: found.size };
    },
    close: async () => {},
  };
}

function indexTar(path: string, shown: string): ArchiveIndex {
  try {
    const index = indexArchive(path, shown);
    if (index.count === 0) throw imageError('ARCHIVE_NOT_IMAGES', { path: shown, why: 'it is empty' });
    return index;
  } catch (error) {
    if (isDobosError(error) && error.code.startsWith('TAR_')) {
      throw imageError('ARCHIVE_NOT_IMAGES', { path: shown, why: error.message }, { cause: error });
    }
    throw error;
  }
}

function readHead(path: string): Buffer {
  const fd = openSync(fsPath(path), 'r');
  try {
    const head = Buffer.alloc(DETECT_BYTES);
    if (!statSync(fsPath(path)).isFile()) return head.subarray(0, 0);
    return head.subarray(0, readSync(fd, head, 0, head.length, 0));
  } finally {
    closeSync(fd);
  }
}

async function* readAll(path: string): ByteStream {
  const found = statSync(fsPath(path));
  if (found.isFile()) {
    yield* readRegion({ path, offset: 0, size: found.size });
    return;
  }
  const { createReadStream } = await import('node:fs');
  yield* createReadStream(fsPath(path), { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
}

function unreadable(path: string, error: unknown): Error {
  const code = systemCode(error);
  const why =
    code === 'ENOENT'
      ? 'there is no such file'
      : code === 'EACCES'
        ? 'permission denied'
        : code === 'ENOSPC'
          ? 'no space left for a temporary copy'
          : String((error as Error).message);
  return imageError('ARCHIVE_UNREADABLE', { path, why }, { cause: error });
}
