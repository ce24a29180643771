import { closeSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { FILE_CHUNK_BYTES } from '../../base/bytes.ts';
import { isDobosError, systemCode } from '../../base/errors.ts';
import { fsPath } from '../../base/names.ts';
import type { CallOptions } from '../../base/options.ts';
import type { Content, PlannedEntry } from '../../layer/types.ts';
import { buildError } from '../errors.ts';
import { createFolderWriter } from './folder-writer.ts';

/** Entries written between two looks at the signal. */
const ENTRIES_AT_ONCE = 500;

/**
 * Writes the files into a folder, which is made if it is missing; what is there stays unless something of its name comes (docker's `type=local`).
 * All belong to whoever runs this. Devices, pipes and extended attributes are left out; the paths of such files are returned. No link is followed.
 * @throws BUILD_OUTPUT
 */
export async function writeFolder(
  folder: string,
  entries: readonly PlannedEntry[],
  o: CallOptions = {},
): Promise<readonly string[]> {
  const left: string[] = [];
  let at = '';
  try {
    mkdirSync(folder, { recursive: true });
    const writer = createFolderWriter(folder);
    const buffer = Buffer.allocUnsafeSlow(FILE_CHUNK_BYTES);
    const source = createSource();
    try {
      for (const [i, entry] of entries.entries()) {
        if (i % ENTRIES_AT_ONCE === 0) {
          await new Promise((resume) => setImmediate(resume));
          o.signal?.throwIfAborted();
        }
        at = entry.path;
        switch (entry.kind) {
          case 'directory':
            writer.directory(entry.path, entry);
            break;
          case 'file':
            writer.file(entry.path, entry, (fd) => copyContent(entry.content, fd, source, buffer));
            break;
          case 'symlink':
            writer.symlink(entry.path, entry.linkTo ?? '', entry);
            break;
          case 'hardlink':
            if (!writer.link(entry.path, entry.linkTo ?? '')) left.push(entry.path);
            break;
          default:
            left.push(entry.path);
        }
      }
      writer.finish();
    } finally {
      source.close();
    }
    return left;
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || isDobosError(error) || o.signal?.aborted) throw error;
    throw buildError(
      'BUILD_OUTPUT',
      { dest: at === '' ? folder : `${folder}/${at}`, code },
      { cause: error },
    );
  }
}

interface Source {
  open(path: string): number;
  close(): void;
}

/** Keeps the last file open: neighbours stand in one layer. */
function createSource(): Source {
  let last: { readonly path: string; readonly fd: number } | undefined;
  const close = (): void => {
    if (last !== undefined) closeSync(last.fd);
    last = undefined;
  };
  return {
    open(path) {
      if (last?.path !== path) {
        close();
        last = { path, fd: openSync(fsPath(path), 'r') };
      }
      return last.fd;
    },
    close,
  };
}

function copyContent(content: Content | undefined, fd: number, source: Source, buffer: Buffer): void {
  if (content === undefined) return;
  if (content.kind === 'bytes') {
    writeAll(fd, content.bytes, content.bytes.length);
    return;
  }
  const from = source.open(content.path);
  const start = content.kind === 'region' ? content.offset : 0;
  for (let done = 0; done < content.size; ) {
    const got = readSync(from, buffer, 0, Math.min(buffer.length, content.size - done), start + done);
    if (got === 0) throw buildError('BUILD_OUTPUT', { dest: content.path, code: 'it ends too early' });
    writeAll(fd, buffer, got);
    done += got;
  }
}

function writeAll(fd: number, bytes: Uint8Array, size: number): void {
  for (let at = 0; at < size; ) at += writeSync(fd, bytes, at, size - at);
}
