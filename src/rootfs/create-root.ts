import { appendFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { chainIds } from '../image/chain-id.ts';
import type { Layer, PlannedEntry } from '../layer/types.ts';
import { writeLayer } from '../layer/write-layer.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { rootfsError } from './errors.ts';
import { formatMountPoints } from './mount-points.ts';
import { plannedChanges } from './planned-changes.ts';
import type { TreeMemory } from './remember-tree.ts';
import { removeTree } from './remove-tree.ts';
import { type Scan, scanChanges } from './scan-changes.ts';
import { settleChanges } from './settle-changes.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import { withPlaceAsync } from './system-errors.ts';
import type { TreeView } from './tree-view.ts';
import type { CommitOptions, MountPlan, Rootfs } from './types.ts';

export interface RootParts {
  readonly store: LocalStore;
  readonly snapshots: SnapshotStore;
  readonly folder: string;
  /** Where mount points are noted; undefined if nobody looks from outside. */
  readonly points?: string | undefined;
  readonly plan: MountPlan;
  /** The layers below, base first. */
  readonly layers: readonly Layer[];
  /** The directory that takes the changes; it becomes the snapshot. */
  readonly changed: string;
  readonly marks: string | undefined;
  /** Without marks: the directory as it was when it was made. */
  readonly memory?: TreeMemory | undefined;
  readonly mount: () => void;
  readonly unmount: () => void;
  /** What the layers below show, undefined if there are none. */
  readonly openBelow: () => TreeView | undefined;
  /** Gives back what keeps the snapshots below. */
  readonly release: () => void;
}

/** A writable root: the life of one container or RUN step. */
export function createRoot(parts: RootParts): Rootfs {
  const { store, snapshots, folder, plan, changed } = parts;
  let mounted = false;
  let committed = false;
  let disposed = false;

  const unmount = (): void => {
    if (!mounted) return;
    parts.unmount();
    mounted = false;
  };

  /** What `use` makes of the scan, while what is below can be looked at. */
  const withScan = <T>(o: CommitOptions, use: (scan: Scan) => T): T => {
    const below = parts.openBelow();
    try {
      const { marks, memory } = parts;
      return use(scanChanges({ changed, below: below?.path, marks, mountPoints: o.mountPoints, memory }));
    } finally {
      below?.close();
    }
  };

  return {
    id: folder.slice(folder.lastIndexOf('/') + 1),
    folder,
    plan,
    mount() {
      if (!mounted) parts.mount();
      mounted = true;
      return plan.merged;
    },
    unmount,
    noteMountPoints(paths) {
      if (parts.points !== undefined) appendFileSync(parts.points, formatMountPoints(paths));
    },
    async *changes(o = {}): AsyncGenerator<PlannedEntry> {
      o.signal?.throwIfAborted();
      yield* withScan(o, ({ root }) => [...plannedChanges(root, changed, o.epoch)]);
    },
    commit(o = {}) {
      if (mounted) throw rootfsError('ROOTFS_MOUNTED', { id: folder });
      return withPlaceAsync('committing', folder, async () => {
        const scan = withScan(o, (found) => found);
        const layer = await writeLayer(store, plannedChanges(scan.root, changed, o.epoch), o);
        const bytes = settleChanges(scan, changed, o.epoch);
        const chainId = topChain([...parts.layers, layer]);
        const lock = await snapshots.lock([chainId], o);
        try {
          snapshots.publish(chainId, changed, bytes);
        } finally {
          lock.release();
        }
        committed = true;
        return layer;
      });
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      unmount();
      // What is left after a commit is small, and a turn through the thread pool would cost more than all of it. A container's own process has nothing else to do.
      if (committed || parts.points !== undefined) removeTree(folder);
      else await rm(folder, { recursive: true, force: true, maxRetries: 2 });
      parts.release();
    },
  };
}

function topChain(layers: readonly Layer[]): Digest {
  return chainIds(layers.map(({ diffId }) => diffId)).at(-1)!;
}
