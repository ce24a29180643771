/**
 * The Store contract: bytes named by digest, and names for them. Every implementation runs the suite in `contract-suite.ts`.
 * A descriptor, not a digest, addresses content: its media type tells a registry where to look, so a folder and a registry are one shape.
 * @module
 */
import type { ByteStream, FileRegion } from '../base/bytes.ts';
import type { CallOptions, WatchOptions } from '../base/options.ts';
import type { Descriptor, Digest } from '../oci/types.ts';

export interface OpenOptions extends CallOptions {
  /** A part of the blob; such a read is not verified as a whole. */
  readonly range?: { readonly offset: number; readonly size: number } | undefined;
  /** The reader verifies the bytes, as every `put` does: a source that hashes them as they pass may leave it. */
  readonly unverified?: boolean | undefined;
}

export interface BlobSource {
  /** The blob's bytes, verified against digest and size while they are read (BYTES_MISMATCH). @throws STORE_NOT_FOUND */
  open(wanted: Descriptor, o?: OpenOptions): ByteStream;
  has(wanted: Descriptor, o?: CallOptions): Promise<boolean>;
  /** Told that a blob opened `unverified` was not what its digest says: true if it may be asked for once more, since it then comes from another place (a mirror was wrong). */
  distrust?(wanted: Descriptor): boolean;
}

/**
 * The bytes of a blob from `offset` on. A sink that kept the beginning of an interrupted `put` asks for the rest only, and verifies the whole;
 * one that kept nothing asks for offset 0. If what was kept turns out wrong it may ask once more, from 0.
 */
export type BytesFrom = (offset: number) => ByteStream;

/** All bytes of either form. */
export const fromStart = (bytes: ByteStream | BytesFrom): ByteStream =>
  typeof bytes === 'function' ? bytes(0) : bytes;

export interface BlobSink {
  /** Stores the bytes if they are what `expected` says; returning means stored and durable, not that this call stored it. @throws BYTES_MISMATCH */
  put(expected: Descriptor, bytes: ByteStream | BytesFrom, o?: CallOptions): Promise<void>;
}

export interface Refs {
  /** What the name points at. @throws STORE_NAME_UNKNOWN */
  resolve(name: string, o?: CallOptions): Promise<Descriptor>;
  /** Points the name at `target`; another target of that name loses it. Other names are untouched, also with many writers at once. */
  tag(name: string, target: Descriptor, o?: CallOptions): Promise<void>;
  /** All names with their targets, sorted by name. */
  list(o?: CallOptions): AsyncIterable<readonly [name: string, target: Descriptor]>;
}

export interface Store extends BlobSource, BlobSink, Refs {}

/** A file being written inside the store, invisible until committed. */
export interface StagedFile {
  /** Where to write; exists and is empty, mode 0600. Workers open it themselves. */
  readonly path: string;
  /** Makes the bytes a blob: fsync, rename, fsync of the folder. The digest is trusted: the caller hashed while writing; the size is checked. */
  commit(written: Descriptor): Promise<Descriptor>;
  /** Removes it; harmless after commit. */
  abort(): Promise<void>;
}

/** What keeps blobs alive besides names: build steps with their last use, containers, snapshots in use. */
export interface Root {
  readonly kind: string;
  readonly id: string;
  /** Manifests or blobs kept alive, with all they refer to. */
  readonly targets: readonly Descriptor[];
  /** JSON data of the owner's. */
  readonly data?: unknown;
  /** The root counts only while this blob is reached by something else; `collect` removes it otherwise. */
  readonly onlyWith?: Digest | undefined;
  /** Epoch milliseconds of the last `put` or `touch`. */
  readonly usedAt: number;
}

export interface Roots {
  get(kind: string, id: string, o?: CallOptions): Promise<Root | undefined>;
  put(root: Omit<Root, 'usedAt'>, o?: CallOptions): Promise<void>;
  /** Marks a root as used now. */
  touch(kind: string, id: string): Promise<void>;
  list(kind?: string, o?: CallOptions): AsyncIterable<Root>;
  remove(kind: string, id: string): Promise<void>;
}

/** Derived data beside the blobs (`index/<diffId>`, `context/<key>` …), never in index.json; losing it costs time only. */
export interface Notes {
  get(kind: string, key: string, o?: CallOptions): Promise<Buffer | undefined>;
  put(kind: string, key: string, bytes: Uint8Array, o?: CallOptions): Promise<void>;
  remove(kind: string, key: string): Promise<void>;
  list(kind: string, o?: CallOptions): AsyncIterable<string>;
  /** The note's file, for a worker to read; undefined in stores without files. The file need not exist. */
  path(kind: string, key: string): string | undefined;
}

/** While a lease is open, blobs that its holder has seen or written are not collected. Dies with its process. */
export interface Lease {
  release(): Promise<void>;
}

export interface Freed {
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  /** Of the blobs, and of beginnings of blobs. */
  readonly bytes: number;
}

export interface CollectOptions extends CallOptions {
  /** Reports what would be freed and frees nothing. */
  readonly dryRun?: boolean | undefined;
  /** Removes the beginnings of blobs too, which interrupted puts kept for the next one. */
  readonly partials?: boolean | undefined;
}

/** A problem that `check` found. */
export interface StoreProblem {
  readonly kind: 'corrupt' | 'missing' | 'leftover' | 'broken-index' | 'broken-root';
  readonly what: string;
  readonly digest?: Digest | undefined;
  /** True if `repair` was asked for and removed it. */
  readonly repaired: boolean;
}

export interface CheckOptions extends WatchOptions<{ readonly digest: Digest }> {
  /** Removes corrupt blobs, leftovers and broken roots: what is lost can then be pulled or built again. Names stay. */
  readonly repair?: boolean | undefined;
}

export interface LocalStore extends Store {
  /** Stores bytes whose digest is not known yet. */
  ingest(bytes: ByteStream, mediaType: string, o?: CallOptions): Promise<Descriptor>;
  stage(): Promise<StagedFile>;
  /** Where the blob's bytes are on disk, for workers to read themselves; undefined if the store has no files or lacks the blob. Not verified. */
  locate(wanted: Descriptor, o?: CallOptions): Promise<FileRegion | undefined>;
  /** Removes the name only. @throws STORE_NAME_UNKNOWN */
  remove(name: string, o?: CallOptions): Promise<void>;
  lease(): Promise<Lease>;
  /** Removes blobs that no name, root or lease reaches, and leftovers of dead processes. */
  collect(o?: CollectOptions): Promise<Freed>;
  /** Every problem of the store: blobs whose bytes are not their digest, references to missing blobs, leftovers. */
  check(o?: CheckOptions): AsyncIterable<StoreProblem>;
  readonly notes: Notes;
  readonly roots: Roots;
  /** The store's folder; undefined for the memory store. */
  readonly folder: string | undefined;
}
