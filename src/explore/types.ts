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
  /** Base first. */
  readonly layers: readonly ExploredLayer[];
  /** Largest first, then by layer and tar order. */
  readonly hiddenFiles: readonly HiddenFile[];
  /** Oldest first. */
  readonly history: readonly HistoryRow[];
  readonly warnings: readonly ExploreWarning[];
}

/** Paths of any type, and bytes of the regular files among them: with the first name that a file gets, or the last that it loses. */
export interface PathCount {
  readonly paths: number;
  readonly bytes: number;
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
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
  /** Entries of the tar, whiteouts and duplicates included. */
  readonly entries: number;
  /** Bytes of its regular files. */
  readonly fileBytes: number;
  readonly added: PathCount;
  readonly changed: PathCount;
  /** Of `changed`: regular files whose bytes are those they had before (a chmod, a chown, a touch). */
  readonly copied: PathCount;
  readonly removed: PathCount;
  /** What of `fileBytes` later layers (or the layer itself) hide. */
  readonly hiddenBytes: number;
  readonly hiddenFiles: number;
  /** Bytes that this layer hides, wherever they are stored. */
  readonly hidesBytes: number;
  /** The row of `history` that made it. */
  readonly history?: number | undefined;
  readonly createdBy?: string | undefined;
}

/** A regular file stored in a layer that no name of the image leads to. */
export interface HiddenFile {
  /** The layer that stores the bytes. */
  readonly layer: number;
  /** The layer that removed the last name; the same layer for a duplicate entry. */
  readonly hiddenBy: number;
  /** Its path in the layer that stores it. */
  readonly path: string;
  readonly bytes: number;
}

export interface HistoryRow {
  readonly created?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  readonly author?: string | undefined;
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
