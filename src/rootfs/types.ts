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
  prepare(layers: readonly Layer[], o?: CallOptions): Promise<Rootfs>;
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
}
