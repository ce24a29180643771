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

export interface Snapshotter {
  readonly kind: 'overlay' | 'copy';
  /** A fresh writable root over these layers (base first); unpacks what no snapshot holds yet, layers in parallel. */
  prepare(layers: readonly Layer[], o?: CallOptions): Promise<Rootfs>;
  /** Unpacks the layers without making a writable root; the snapshots' chain ids, base first. */
  unpack(layers: readonly Layer[], o?: CallOptions): Promise<readonly Digest[]>;
  list(): Promise<readonly SnapshotUse[]>;
  /** Removes snapshots whose chain id is not in `keep`, and leftovers of dead processes. */
  collect(
    keep: ReadonlySet<Digest>,
    o?: CallOptions,
  ): Promise<{ readonly bytes: number; readonly removed: number }>;
}
