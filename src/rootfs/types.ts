/**
 * Layers as a writable directory. A plan is not a mounted path: it is mounted inside the step's own namespaces,
 * so that killing the process leaves no mount behind.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import type { Layer, PlannedEntry } from '../layer/types.ts';
import type { Digest } from '../oci/types.ts';

/** How a root is put together. `merged` is the directory that shows it (for `plain` it is the directory itself, nothing is mounted). */
export type MountPlan =
  | {
      readonly kind: 'overlay';
      readonly lowers: readonly string[];
      readonly upper: string;
      readonly work: string;
      readonly merged: string;
      readonly userxattr: boolean;
    }
  | { readonly kind: 'plain'; readonly merged: string };

/** Where a root is found by those who know the container's folder: it is the folder's `root`. */
export interface RootPlace {
  readonly folder: string;
  /** True: it lies there, is gone on with by the next that prepares it, and stays. False: `root` is a link to it that leads nowhere when it has gone. */
  readonly keep: boolean;
}

/** A path of a root that differs from the layers below. */
export interface RootChange {
  readonly kind: 'added' | 'changed' | 'removed';
  /** Relative to the root. */
  readonly path: string;
}

/** A container's root, looked at from outside. One in which processes run is copied before it is read as a whole, or read again so if something changes meanwhile. */
export interface RootLook {
  /** Sorted, parents before what is in them (docker's order). */
  changes(): Promise<readonly RootChange[]>;
  /** Writes the changes as a layer into the store; undefined if there are none. */
  commit(o?: CommitOptions): Promise<Layer | undefined>;
  /** Writes all files of the root as a tar to the file or pipe at `path`; its bytes. */
  pack(path: string, o?: CallOptions): Promise<number>;
  /** Calls `use` with a folder that shows all files of the root. */
  merged<T>(use: (folder: string) => Promise<T>): Promise<T>;
  /** Bytes of the files that were added or changed. */
  bytes(): Promise<number>;
  close(): void;
}

export interface CommitOptions extends CallOptions {
  /** Epoch seconds: later times become this one (SOURCE_DATE_EPOCH), on disk too before the snapshot is published. */
  readonly epoch?: number | undefined;
  /** Paths (relative to the root) made only as mount points: left out if still empty, and their parents restored. */
  readonly mountPoints?: readonly string[] | undefined;
}

/** A writable root over read-only snapshots. Used inside the namespaces of the keeper process. */
export interface Rootfs {
  readonly id: string;
  /** The folder of this root: the runtime's bundle may live in it; removed by dispose. */
  readonly folder: string;
  readonly plan: MountPlan;
  /** Mounts the plan in this process's mount namespace; the merged directory. */
  mount(): string;
  unmount(): void;
  /** Notes paths that are about to be made as mount points, for whoever looks at the root from outside. */
  noteMountPoints(paths: readonly string[]): void;
  /** What differs from the layers below (oci.md a.5, d.6), sorted, whiteouts before siblings. */
  changes(o?: CommitOptions): AsyncIterable<PlannedEntry>;
  /** Writes the changes as a layer into the store and publishes the upper directory as the snapshot of the new chain. The root must be unmounted. */
  commit(o?: CommitOptions): Promise<Layer>;
  dispose(): Promise<void>;
}

export interface SnapshotUse {
  readonly chainId: Digest;
  readonly bytes: number;
}

/** A cache mount as it is kept. */
export interface CacheMountUse {
  readonly id: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly usedAt: number;
}

/** Which cache mounts: all without `ids`; those used since `olderThan` (epoch milliseconds) are left out. */
export interface CacheMountChoice {
  readonly ids?: readonly string[] | undefined;
  readonly olderThan?: number | undefined;
}

/** A file of the host of which a copy is shown in a container. Copies belong to root. */
export interface StagedFile {
  /** Below the folder that is shown; '' is that folder, or the one file that is shown. Parents come first. */
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'fifo';
  readonly mode: number;
  /** Whole seconds. */
  readonly mtime: number | undefined;
  readonly linkTo?: string | undefined;
  /** Of a file: its absolute path, and what it was when it was looked at. */
  readonly from?: string | undefined;
  readonly stamp?:
    | { readonly ino: number; readonly size: number; readonly mtimeNs: number; readonly ctimeNs: number }
    | undefined;
}

export interface Snapshotter {
  readonly kind: 'overlay' | 'copy';
  /** A fresh writable root over these layers (base first); unpacks what no snapshot holds yet, layers in parallel. */
  prepare(
    layers: readonly Layer[],
    o?: CallOptions & { readonly place?: RootPlace | undefined },
  ): Promise<Rootfs>;
  /** The root of a container's folder over these layers, until closed. `running`: processes may be changing it. @throws ROOTFS_KEPT_FORMAT */
  look(
    layers: readonly Layer[],
    root: { readonly folder: string; readonly running: boolean },
    o?: CallOptions,
  ): Promise<RootLook>;
  /** Removes the kept root of a container's folder; nothing happens if there is none. */
  discard(folder: string): void;
  /** Unpacks the layers without making a writable root; the snapshots' chain ids, base first. */
  unpack(layers: readonly Layer[], o?: CallOptions): Promise<readonly Digest[]>;
  /** A copy of files of the host, until released or until this process ends. @throws ROOTFS_STAGED_CHANGED */
  stage(files: readonly StagedFile[], o?: CallOptions): Promise<{ readonly path: string; release(): void }>;
  /** Copies a directory with all that it has into a new folder of the same file system. The tree must not change meanwhile. */
  copyFolder(from: string, to: string, o?: CallOptions): Promise<void>;
  list(): Promise<readonly SnapshotUse[]>;
  /** Removes snapshots whose chain id is not in `keep`, and leftovers of dead processes. */
  collect(
    keep: ReadonlySet<Digest>,
    o?: CallOptions,
  ): Promise<{ readonly bytes: number; readonly removed: number }>;
  /** For the end: what this process has made for itself goes, unless something is still in it. Nothing may be asked of this afterwards. */
  close(): void;
}
