/**
 * The explorer's answers as plain data: numbers, strings, arrays, so that JSON is the value itself.
 * @module
 */

/** What an image holds and what of it nobody can see. Bytes are sizes of regular files unless the name says otherwise. */
export interface Exploration {
  /** Goes up when a field changes its meaning. */
  readonly version: 1;
  readonly image: {
    /** Digest of the manifest. */
    readonly digest: string;
    /** Digest of the config: the image's id. */
    readonly id: string;
    readonly os?: string | undefined;
    readonly architecture?: string | undefined;
    readonly variant?: string | undefined;
  };
  /** Bytes of all regular files in all layers. */
  readonly total: number;
  /** Bytes of the files that the image shows; hard links count once. */
  readonly visible: number;
  /** Bytes of files that have no name in the image any more; `total` is `visible` and `hidden`. */
  readonly hidden: number;
  /** (total - hidden) / total; 1 for an image without bytes. */
  readonly efficiency: number;
  /** Bytes of the blobs, as stored. */
  readonly storedBytes: number;
  /** Bytes of the blobs compressed, as a pull would fetch them; absent unless that is known of every layer. */
  readonly compressedBytes?: number | undefined;
  /** What the image says it was built on (`org.opencontainers.image.base.*`). */
  readonly base?: { readonly name?: string | undefined; readonly digest?: string | undefined } | undefined;
  /** The images that it stands on, lowest first, and the image itself at the end. */
  readonly levels: readonly ImageLevel[];
  /** Where the instructions' lines come from; absent if none is known. */
  readonly dockerfile?: { readonly file: string; readonly from: 'record' | 'file' } | undefined;
  /** Base first. */
  readonly layers: readonly ExploredLayer[];
  /** Largest first, then by layer and tar order. */
  readonly hiddenFiles: readonly HiddenFile[];
  /** Equal files under several names; present when it was asked for. */
  readonly duplicates?: Duplicates | undefined;
  /** Oldest first. */
  readonly history: readonly HistoryRow[];
  readonly warnings: readonly ExploreWarning[];
}

/** Paths of any type, and bytes of the regular files among them: with the first name that a file gets, or the last that it loses. */
export interface PathCount {
  readonly paths: number;
  readonly bytes: number;
}

/**
 * How a path differs from what it was below. `content`: the same type, but other bytes, link target or device. `metadata`: the same content, but another mode,
 * owner, time or attribute. `type`: a file became a directory, and so on. `rewritten`: written again without any difference.
 */
export type ChangeKind = 'content' | 'metadata' | 'type' | 'rewritten';

/** Paths by what happened to them; `added` and `removed` are not there on one side. */
export type LayerChanges = { readonly [K in ChangeKind | 'added' | 'removed']: PathCount };

/** What explains a layer: an instruction of a Dockerfile, an import, a squash, a tool that writes images, or nothing (a committed container). */
export type LayerOrigin = 'instruction' | 'import' | 'squash' | 'tool' | 'unexplained';

/** An image that the explored one contains from its base on, or itself. */
export interface ImageLevel {
  /** `annotation`: the image names it as its base; `store`: it is here, with these layers; `history`: guessed by a CMD in the middle of the history; `image`: the image itself. */
  readonly how: 'annotation' | 'store' | 'history' | 'image';
  /** Every name that it has here, sorted; none where nobody knows. */
  readonly names: readonly string[];
  readonly id?: string | undefined;
  /** Layers of it, those of the levels below included. */
  readonly layers: number;
  /** The first layer that it adds to the level below, and how many; 0 for settings only. */
  readonly first: number;
  readonly added: number;
  /** Bytes of regular files in the layers that it adds. */
  readonly bytes: number;
}

/** Where an instruction stands. */
export interface InstructionPlace {
  readonly file: string;
  /** 1 for the first line. */
  readonly line: number;
  readonly from: 'record' | 'file';
}

export interface Duplicates {
  /** What the image would be smaller by if each content were there once. */
  readonly bytes: number;
  /** Files that need not be there. */
  readonly files: number;
  /** Largest saving first; the first 1000. */
  readonly groups: readonly {
    readonly digest: string;
    /** Of one of them. */
    readonly bytes: number;
    readonly copies: number;
    /** The first 20, lowest layer first. */
    readonly files: readonly DuplicateFile[];
  }[];
}

export interface DuplicateFile {
  readonly layer: number;
  readonly path: string;
}

export interface ExploredLayer {
  /** 0 is the base. */
  readonly number: number;
  readonly diffId: string;
  /** Digest and media type of the blob. */
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of the blob, maybe compressed. */
  readonly storedBytes: number;
  /** Bytes of the blob compressed: as stored, or as the last push or save made it; absent if nobody compressed it yet. */
  readonly compressedBytes?: number | undefined;
  /** Of this layer and all below it, what a pull of them fetches; absent unless it is known of each. */
  readonly cumulativeCompressedBytes?: number | undefined;
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
  /** Entries of the tar, whiteouts and duplicates included. */
  readonly entries: number;
  /** Bytes of its regular files. */
  readonly fileBytes: number;
  /** What the layer adds to the bytes that the image shows: negative for one that mostly removes. Their sum is `visible`. */
  readonly contribution: number;
  /** Bytes that the image shows with this layer on top. */
  readonly cumulative: number;
  /** The level of `levels` that it comes from. */
  readonly level: number;
  readonly origin: LayerOrigin;
  readonly added: PathCount;
  /** All of `changes` but added and removed. */
  readonly changed: PathCount;
  /** Of `changed`: regular files whose bytes are those they had before (a chmod, a chown, a touch). */
  readonly copied: PathCount;
  readonly removed: PathCount;
  readonly changes: LayerChanges;
  /** What of `fileBytes` later layers (or the layer itself) hide. */
  readonly hiddenBytes: number;
  readonly hiddenFiles: number;
  /** Bytes that this layer hides, wherever they are stored. */
  readonly hidesBytes: number;
  /** The row of `history` that made it. */
  readonly history?: number | undefined;
  readonly createdBy?: string | undefined;
  /** The line of the Dockerfile, where it is known. */
  readonly place?: InstructionPlace | undefined;
}

/** How a file lost its last name: it was `removed`, `replaced` by something else, `copied` (replaced by the same bytes, as chmod and chown do), or stands `twice` in one layer. */
export type HiddenHow = 'removed' | 'replaced' | 'copied' | 'twice';

/** A regular file stored in a layer that no name of the image leads to. */
export interface HiddenFile {
  /** The layer that stores the bytes. */
  readonly layer: number;
  /** The layer that removed the last name; the same layer for a duplicate entry. */
  readonly hiddenBy: number;
  readonly how: HiddenHow;
  /** Its path in the layer that stores it. */
  readonly path: string;
  readonly bytes: number;
}

export interface HistoryRow {
  readonly created?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  readonly author?: string | undefined;
  /** The line of the Dockerfile, where it is known. */
  readonly place?: InstructionPlace | undefined;
  /** True if the row says that it made no layer. */
  readonly empty: boolean;
  /** The layer it made; absent for empty rows, and where the history has more rows than the image has layers. Layers that the history does not tell of have a row with nothing else in it. */
  readonly layer?: number | undefined;
}

export interface ExploreWarning {
  readonly kind: 'missing-whiteout' | 'history-mismatch';
  readonly layer?: number | undefined;
  readonly path?: string | undefined;
  /** For a person, complete. */
  readonly message: string;
}
