import { createHash, type Hash, hash } from 'node:crypto';
import { hasherFor } from '../base/bytes.ts';
import type { Digest } from '../oci/types.ts';
import { createTarDecoder } from '../tar/decoder.ts';
import { contentPieces, type TarHeader, type TarPlace } from '../tar/header.ts';
import { cleanPath, decodeWhiteout } from './entry-paths.ts';
import { createIndexBuilder, type IndexColumns, isAccountPath, MAX_ACCOUNT_BYTES } from './index-builder.ts';
import { formatLayerIndex } from './layer-index-format.ts';

/** Makes an index while a tar passes by. */
export interface LayerIndexer {
  /** The next bytes of the uncompressed tar; not kept. @throws errors of the tar and layer rooms */
  write(chunk: Buffer): void;
  /** The bytes of the index, to be loaded by `loadLayerIndex`, and the digest of all that was written. */
  end(): { readonly diffId: Digest; readonly bytes: Buffer };
  /** Instead of `end`: the columns, for an index that nobody keeps. */
  endColumns(): { readonly tarSize: number; readonly columns: IndexColumns };
  /** How many of the next bytes need not be seen: as `TarDecoder`. */
  readonly skippable: number;
  skip(bytes: number): void;
}

/** An indexer of one layer; `algorithm` is that of the diffId it will be compared with; with a `known` diffId the whole is not hashed, and without `contents` no file is. pax global headers are ignored and so is what follows the end of the archive, as in containerd and umoci (oci.md a.6 A14, A15). */
export function createLayerIndexer(
  algorithm = 'sha256',
  known?: Digest,
  o: { readonly contents?: boolean } = {},
): LayerIndexer {
  const hashes = o.contents !== false;
  const whole = known === undefined ? hasherFor(`${algorithm}:`) : undefined;
  const builder = createIndexBuilder();
  let file: { readonly path: string; readonly size: number } | undefined;
  let running: Hash | undefined;
  let account: Buffer[] | undefined;

  const decoder = createTarDecoder(
    {
      onEntry(header, place) {
        file = addHeader(header, place);
        account =
          file !== undefined && isAccountPath(file.path) && file.size <= MAX_ACCOUNT_BYTES ? [] : undefined;
        if (file?.size === 0) builder.setDigest(EMPTY_SHA256);
      },
      wantsContent: () => file !== undefined && (hashes || account !== undefined),
      onData(chunk) {
        if (file === undefined) return;
        account?.push(Buffer.from(chunk));
        if (!hashes) return;
        // One call per small file: a hash object costs as much as hashing 2 KB.
        if (running === undefined && chunk.length === file.size) {
          builder.setDigest(hash('sha256', chunk, 'buffer'));
        } else {
          running ??= createHash('sha256');
          running.update(chunk);
        }
      },
      onEntryEnd() {
        if (running !== undefined) builder.setDigest(running.digest());
        if (file !== undefined && account !== undefined)
          builder.setAccount(file.path, Buffer.concat(account));
        running = undefined;
        account = undefined;
        file = undefined;
      },
    },
    { trailing: 'ignore', globals: 'ignore' },
  );

  /** The regular file whose content comes next, if the entry is one. */
  const addHeader = (header: TarHeader, place: TarPlace) => {
    const name = decodeWhiteout(cleanPath(header.name));
    if (name === undefined) return undefined;
    const { path } = name;
    const kind = name.kind === 'plain' ? header.kind : name.kind;
    const size = kind === 'file' ? header.size : 0;
    builder.add({
      path,
      kind,
      mode: header.mode,
      uid: header.uid,
      gid: header.gid,
      seconds: header.mtime.seconds,
      nanos: header.mtime.nanos,
      size,
      offset: place.offset,
      linkTo:
        kind === 'symlink' ? header.linkName : kind === 'hardlink' ? cleanPath(header.linkName) : undefined,
      device: kind === 'character' || kind === 'block' ? header.device : undefined,
      xattrs: header.xattrs,
      pieces: kind === 'file' && header.sparse !== undefined ? contentPieces(header, place) : undefined,
    });
    return kind === 'file' ? { path, size } : undefined;
  };

  return {
    get skippable() {
      return decoder.skippable;
    },
    skip: decoder.skip,
    write(chunk) {
      whole?.update(chunk);
      decoder.write(chunk);
    },
    end() {
      decoder.end();
      const diffId = known ?? (`${algorithm}:${whole!.digest('hex')}` as Digest);
      return { diffId, bytes: formatLayerIndex(diffId, decoder.offset, builder.columns()) };
    },
    endColumns() {
      decoder.end();
      return { tarSize: decoder.offset, columns: builder.columns() };
    },
  };
}

/** sha256 of no bytes. */
export const EMPTY_SHA256: Buffer = hash('sha256', '', 'buffer');
