import { writeSync } from 'node:fs';
import type { ByteStream } from '../../base/bytes.ts';
import { isDobosError, systemCode } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { decompress } from '../../compress/decompress.ts';
import { createTarDecoder } from '../../tar/decoder.ts';
import type { TarHeader } from '../../tar/header.ts';
import { buildError } from '../errors.ts';
import { createFolderWriter, type OpenFile } from '../export/folder-writer.ts';
import { clampPath } from './file-source.ts';

/** Entries of a context: a large repository has some hundred thousand; each costs a file. */
const MAX_ENTRIES = 2_000_000;
/** Bytes of a context unpacked: larger than any, and an end to archives that unpack without one. */
const MAX_BYTES = 64 * 1024 * 1024 * 1024;

export interface UnpackOptions extends CallOptions {
  readonly maxEntries?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/**
 * Unpacks an archive of a build context, plain or compressed, into an empty folder: names are clamped at its root and no link is followed. Owners are nobody's, as everywhere
 * in a context; devices and pipes are left out and counted. To a user other than root every entry stays open that the owner may not read.
 * @throws BUILD_CONTEXT_ARCHIVE, and errors of decompression
 */
export async function unpackContext(
  bytes: ByteStream,
  folder: string,
  o: UnpackOptions = {},
): Promise<{ readonly leftOut: number }> {
  const { maxEntries = MAX_ENTRIES, maxBytes = MAX_BYTES } = o;
  const open = process.getuid?.() === 0 ? { file: 0, folder: 0 } : { file: 0o400, folder: 0o700 };
  const writer = createFolderWriter(folder);
  let entries = 0;
  let total = 0;
  let leftOut = 0;
  let file: OpenFile | undefined;
  const tooLarge = (limit: string) =>
    buildError('BUILD_CONTEXT_ARCHIVE', { problem: `it holds more than ${limit}` });

  const onEntry = (header: TarHeader): void => {
    if (++entries > maxEntries) throw tooLarge(`${maxEntries} files`);
    total += header.size;
    if (total > maxBytes) throw tooLarge(`${maxBytes} bytes`);
    const path = clampPath(header.name);
    const facts = { mode: header.mode, mtime: header.mtime.seconds };
    if (header.kind === 'directory') writer.directory(path, { ...facts, mode: facts.mode | open.folder });
    else if (path === '') return;
    else if (header.kind === 'file') file = writer.open(path, { ...facts, mode: facts.mode | open.file });
    else if (header.kind === 'symlink') writer.symlink(path, header.linkName, facts);
    else if (header.kind === 'hardlink') {
      const target = clampPath(header.linkName);
      if (!writer.link(path, target)) {
        const problem = `${JSON.stringify(header.name)} is a link to ${JSON.stringify(header.linkName)}, which is not in it`;
        throw buildError('BUILD_CONTEXT_ARCHIVE', { problem });
      }
    } else leftOut++;
  };
  const decoder = createTarDecoder(
    {
      onEntry,
      onData(chunk) {
        for (let at = 0; file !== undefined && at < chunk.length; ) at += writeSync(file.fd, chunk, at);
      },
      onEntryEnd() {
        file?.keep();
        file = undefined;
      },
    },
    { trailing: 'ignore' },
  );
  try {
    for await (const chunk of decompress(bytes, undefined, o)) {
      o.signal?.throwIfAborted();
      decoder.write(chunk);
    }
    decoder.end();
    writer.finish();
    return { leftOut };
  } catch (error) {
    file?.drop();
    throw told(error);
  }
}

function told(error: unknown): unknown {
  if (isDobosError(error)) {
    if (!error.code.startsWith('TAR_')) return error;
    return buildError('BUILD_CONTEXT_ARCHIVE', { problem: error.message }, { cause: error });
  }
  const code = systemCode(error);
  if (code === undefined) return error;
  const problem =
    code === 'ENOSPC' ? 'no space is left to unpack it in the store' : `unpacking fails with ${code}`;
  return buildError('BUILD_CONTEXT_ARCHIVE', { problem }, { cause: error });
}
