/**
 * What a layer is and what moves between the rooms that read and write layers.
 * Paths are relative to the root, without leading or trailing slash, cleaned; the root itself is ''. Names are lossless strings (base/names.ts).
 * @module
 */
import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor, Digest } from '../oci/types.ts';

/** A changeset that has its digests. */
export interface Layer {
  /** The blob as stored (maybe compressed); read it with store.open(layer.blob). */
  readonly blob: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Always the uncompressed tar, verified against the diffId. */
  openTar(o?: CallOptions): ByteStream;
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';
/** `whiteout`: path is the path that is hidden (`.wh.` decoded). `opaque`: path is the directory whose lower children are hidden. */
export type EntryKind = FileKind | 'whiteout' | 'opaque';

export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** Modification time: whole seconds since the epoch (may be negative) and 0 to 999,999,999 nanoseconds. */
export interface EntryTime {
  readonly seconds: number;
  readonly nanos: number;
}

/** One entry of a layer's tar, whiteouts decoded. */
export interface LayerEntry {
  readonly path: string;
  readonly kind: EntryKind;
  /** Permission bits with setuid, setgid, sticky (0 to 0o7777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: EntryTime;
  /** Bytes of content (regular files; with holes read through), else 0. */
  readonly size: number;
  /** Symlink target as written, or the hard link's target path, cleaned like `path`. */
  readonly linkTo?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: Xattrs | undefined;
  /** Where the content starts in the uncompressed tar. */
  readonly offset: number;
  /** Of a file stored as sparse: where its content is, in order of the file; `at` is the byte in the tar, undefined for zeros. Without it the content is one run at `offset`. */
  readonly pieces?: readonly ContentPiece[] | undefined;
  /** sha256 of a regular file's content. */
  readonly contentDigest?: Digest | undefined;
  /** Position among the layer's entries, from 0 in tar order. */
  readonly order: number;
}

export interface ContentPiece {
  readonly at: number | undefined;
  readonly size: number;
}

/** Everything about a layer but its bytes. */
export interface LayerIndex {
  readonly diffId: Digest;
  /** True if the diffId was taken at its word (`readHeaderIndex`). */
  readonly unproven?: boolean | undefined;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Number of entries, whiteouts and duplicates included. */
  readonly count: number;
  /** Sum of the sizes of regular files, duplicates included. */
  readonly fileBytes: number;
  /** The last entry of that path (a later duplicate wins), not counting whiteouts; `whiteout`/`opaque` are asked by kind. */
  find(path: string, kind?: 'whiteout' | 'opaque'): LayerEntry | undefined;
  /** Entries in tar order. */
  entries(): Iterable<LayerEntry>;
  /** The entry at a position in tar order. */
  at(order: number): LayerEntry;
  /** Texts of `etc/passwd` and `etc/group` as this layer's last entry of that path has them; absent if it has none, or one of over 1 MiB. */
  readonly accounts?: { readonly passwd?: AccountText | undefined; readonly group?: AccountText | undefined };
}

/** The text of an accounts file, and the entry that holds it. */
export interface AccountText {
  readonly order: number;
  readonly text: string;
}

/** Where a file's bytes are: never a stream, so that a worker can pack them. */
export type Content =
  /** `size` is the size when planned; a file that has changed since is an error. */
  | { readonly kind: 'disk'; readonly path: string; readonly size: number }
  /** A part of an uncompressed tar stored as a plain file. */
  | { readonly kind: 'region'; readonly path: string; readonly offset: number; readonly size: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** An entry of a layer about to be written. */
export interface PlannedEntry {
  readonly path: string;
  readonly kind: EntryKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since the epoch. */
  readonly mtime: number;
  /** 0 to 999,999,999, of entries that come from layers; what is made here carries no fractions. */
  readonly nanos?: number | undefined;
  readonly xattrs?: Xattrs | undefined;
  readonly content?: Content | undefined;
  readonly linkTo?: string | undefined;
  /** Of a hard link: the layers below hold its target, not this plan. */
  readonly linkBelow?: true | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
}

/** A file of a tree: names (paths) point at it, hard links share it. Two names are one file exactly when `layer` and `order` are equal (and `order` is not -1); inodes are made on demand, so do not compare objects. */
export interface Inode {
  readonly kind: FileKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: EntryTime;
  readonly size: number;
  readonly linkTo?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: Xattrs | undefined;
  readonly contentDigest?: Digest | undefined;
  /** The layer (0 = base) and the entry that these attributes come from; `order` -1 for an implied directory. */
  readonly layer: number;
  readonly order: number;
}

/** The file system that a stack of layers shows: an immutable view that shares unchanged directories with its lower trees. */
export interface FileTree {
  /** The inode at this exact path (no symlink is followed); '' is the root. */
  get(path: string): Inode | undefined;
  /** The path with every symlink followed inside the root (the last component too unless `keepLast`), clamped at the root; missing components stay as they are. @throws LAYER_LINK_LOOP */
  resolve(path: string, o?: { readonly keepLast?: boolean }): string;
  /** Names and inodes directly below a directory, sorted by name; empty for anything else. */
  children(path: string): Iterable<readonly [name: string, inode: Inode]>;
  /** Every path below `path` (not itself) depth first, parents before children, siblings by name. */
  walk(path?: string): Iterable<readonly [path: string, inode: Inode]>;
}

/**
 * One thing that a layer does to the tree below it; `path` is already resolved through the symlinks of the lower tree and of this layer.
 * In the order in which they are to be carried out: whiteouts and opaque directories first (never two of them inside one another), then the entries
 * in tar order. Every parent directory of an operation was implied or put before it.
 */
export type Operation =
  /** What the lower layers (never this one) have at the path goes, with all below it. Whiteouts, and paths that change their type: then the `put`, `link` or `imply` of the same path follows at once. Something is there to be removed: a whiteout of a missing path is no operation. */
  | { readonly kind: 'remove'; readonly path: string; readonly whiteout: boolean }
  /** The lower layers' children of this directory go; the directory stays. */
  | { readonly kind: 'clear'; readonly path: string }
  /** A parent directory without an entry in this layer: `lower` has the attributes it keeps, or it is new (0755, 0:0, epoch). */
  | { readonly kind: 'imply'; readonly path: string; readonly lower: Inode | undefined }
  /**
   * The entry (not a hard link) is placed; a directory over a directory replaces the attributes and keeps the children.
   * `overOwn`: this layer itself has already put or implied something else there (a duplicate entry): that goes first, with all below it. Also of `link`.
   */
  | { readonly kind: 'put'; readonly path: string; readonly entry: LayerEntry; readonly overOwn?: true }
  /** A hard link to `target`, which this layer put before, or (`lower`) which a lower layer holds. */
  | {
      readonly kind: 'link';
      readonly path: string;
      readonly target: string;
      readonly entry: LayerEntry;
      readonly lower: Inode | undefined;
      readonly overOwn?: true;
    };

/** A path that differs between two trees. Directories are reported themselves, and all below them. */
export interface TreeChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly path: string;
  readonly before?: Inode | undefined;
  readonly after?: Inode | undefined;
  /** Type, bytes, link target or device differ. */
  readonly content: boolean;
  /** Mode, owner, time or xattrs differ. */
  readonly metadata: boolean;
}
