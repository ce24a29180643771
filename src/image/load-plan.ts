import { closeSync, openSync, readSync } from 'node:fs';
import { bytesError, type FileRegion, hasherFor } from '../base/bytes.ts';
import { fsPath } from '../base/names.ts';
import type { WatchOptions } from '../base/options.ts';
import type { Layer } from '../layer/types.ts';
import type { Descriptor, Digest, Platform } from '../oci/types.ts';
import { imageError } from './errors.ts';
import type { OpenArchive } from './open-archive.ts';

/** What happens while an archive is loaded. */
export type LoadEvent =
  /** `present`: the store had it. */
  | { readonly kind: 'layer'; readonly member: string; readonly size: number; readonly present: boolean }
  | { readonly kind: 'image'; readonly image: LoadedImage };

export interface LoadedImage {
  /** Full names; none for an image that the archive names not. */
  readonly names: readonly string[];
  /** The config's digest; of an index, of this platform's image. */
  readonly id: Digest;
  /** The manifest or index. */
  readonly target: Descriptor;
}

export interface LoadOptions extends WatchOptions<LoadEvent> {
  /** Taken out of an index that the archive does not hold whole; this machine's when absent. */
  readonly platform?: Platform | undefined;
  /** False stores the images and leaves all names alone; the caller keeps them alive. */
  readonly named?: boolean | undefined;
}

/** A blob of the archive to be stored. */
export interface PlannedBlob {
  /** Its name in the archive. */
  readonly member: string;
  readonly region: FileRegion;
  /** Set: the bytes are stored as they are and must be this. Unset: a layer that is stored uncompressed. */
  readonly blob?: Descriptor | undefined;
  /** What its uncompressed bytes must hash to; unset for what is no layer. */
  readonly diffId?: Digest | undefined;
}

/** A small document with its descriptor, stored before what refers to it. */
export interface PlannedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** What one image of an archive becomes; made before anything is stored. */
export interface PlannedImage {
  /** Full names. */
  readonly names: readonly string[];
  /** Words that index.json names it by and that are no names of images: the bare tags of other tools. */
  readonly tags?: readonly string[] | undefined;
  readonly id: Digest;
  readonly blobs: readonly PlannedBlob[];
  /** Documents, children first; the last is what names will point at. Given the layers as stored, by diff id. */
  documents(stored: ReadonlyMap<Digest, Layer>): readonly PlannedDocument[];
}

/** The bytes of a document of the archive. @throws ARCHIVE_MEMBER_MISSING, ARCHIVE_MEMBER_TOO_LARGE */
export function readDocument(archive: OpenArchive, member: string, wantedBy: string, limit: number): Buffer {
  const region = requireMember(archive, member, wantedBy);
  if (region.size > limit) {
    throw imageError('ARCHIVE_MEMBER_TOO_LARGE', { path: archive.shown, member, size: region.size, limit });
  }
  const bytes = Buffer.alloc(region.size);
  const fd = openSync(fsPath(region.path), 'r');
  try {
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(fd, bytes, done, bytes.length - done, region.offset + done);
      if (got === 0)
        throw bytesError('BYTES_SHORT_FILE', { path: region.path, want: bytes.length, got: done });
      done += got;
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** The document that a descriptor names, verified. @throws ARCHIVE_MEMBER_CORRUPT, and as `readDocument` */
export function readBlobDocument(
  archive: OpenArchive,
  wanted: Descriptor,
  wantedBy: string,
  limit: number,
): Buffer {
  const member = blobMember(wanted.digest);
  const bytes = readDocument(archive, member, wantedBy, limit);
  const algorithm = wanted.digest.slice(0, wanted.digest.indexOf(':'));
  const got = `${algorithm}:${hasherFor(wanted.digest).update(bytes).digest('hex')}`;
  if (got !== wanted.digest || bytes.length !== wanted.size) {
    const why =
      bytes.length === wanted.size
        ? `it reads as ${got}`
        : `it is ${bytes.length} bytes, want ${wanted.size}`;
    throw imageError('ARCHIVE_MEMBER_CORRUPT', { path: archive.shown, member, why });
  }
  return bytes;
}

/** Where a member is. @throws ARCHIVE_MEMBER_MISSING */
export function requireMember(archive: OpenArchive, member: string, wantedBy: string): FileRegion {
  const region = archive.find(member);
  if (region === undefined) {
    throw imageError('ARCHIVE_MEMBER_MISSING', { path: archive.shown, member, wantedBy });
  }
  return region;
}

/** `blobs/sha256/<hex>`. */
export function blobMember(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}
