import type { WatchOptions } from '../base/options.ts';
import { chainIds } from '../image/chain-id.ts';
import type { Layer } from '../layer/types.ts';
import { MAX_LOWER_LAYERS } from '../linux/overlay.ts';
import type { LocalStore } from '../store/contract.ts';
import { chooseFormat, isRootless } from './choose-format.ts';
import { createCopiedRoot } from './copy-roots.ts';
import { type RootfsEvent, rootfsError } from './errors.ts';
import { discardRoot } from './kept-roots.ts';
import { lookAtRoot } from './look-at-root.ts';
import { createOverlayRoot } from './overlay-roots.ts';
import { removeTree } from './remove-tree.ts';
import { openSession } from './sessions.ts';
import { formatPaths, type SnapshotFormat, snapshotName, snapshotPaths } from './snapshot-names.ts';
import { createSnapshotStore } from './snapshot-store.ts';
import type { Snapshotter } from './types.ts';
import { runInWorker, type UnpackTools, unpackMissing } from './unpack.ts';

export interface SnapshotterOptions extends WatchOptions<RootfsEvent> {
  /** Instead of the best that works here. */
  readonly format?: SnapshotFormat | undefined;
}

/**
 * Snapshots in the store's folder, and writable roots over them. To be used inside the mount namespace in which roots get mounted. Overlays where the
 * kernel has them, for root (`trusted.`) or in a user namespace (`user.` attributes), otherwise full copies. Leftovers of dead processes are removed first.
 * @throws ROOTFS_NO_FOLDER, ROOTFS_SYSTEM
 */
export async function createSnapshotter(store: LocalStore, o: SnapshotterOptions = {}): Promise<Snapshotter> {
  if (store.folder === undefined) throw rootfsError('ROOTFS_NO_FOLDER', {});
  const paths = snapshotPaths(store.folder);
  const session = await openSession(paths, o);
  const rootless = isRootless();
  const format = o.format ?? (await chooseFormat(session.folder, rootless, store.notes));
  const own = formatPaths(paths, format);
  const snapshots = createSnapshotStore(paths, own);
  const tools: UnpackTools = { store, paths: own, format, rootless, snapshots, session };

  /** Unpacks and keeps the snapshots of these layers; `release` lets go of them. */
  const hold = async (layers: readonly Layer[], call: WatchOptions<RootfsEvent>) => {
    if (layers.length > MAX_LOWER_LAYERS) {
      throw rootfsError('ROOTFS_TOO_MANY_LAYERS', { count: layers.length, limit: MAX_LOWER_LAYERS });
    }
    const chains = chainIds(layers.map(({ diffId }) => diffId));
    const { release } = await session.use(chains.map(snapshotName), call);
    try {
      await unpackMissing(tools, layers, chains, { onEvent: o.onEvent, ...call });
    } catch (error) {
      release();
      throw error;
    }
    return { chains, release };
  };

  return {
    kind: format === 'whole' ? 'copy' : 'overlay',
    async prepare(layers, call = {}) {
      const { chains, release } = await hold(layers, call);
      try {
        return format === 'whole'
          ? await createCopiedRoot(tools, layers, chains, release, call)
          : await createOverlayRoot(tools, layers, chains, release, call.place);
      } catch (error) {
        release();
        throw error;
      }
    },
    async look(layers, root, call = {}) {
      const { chains, release } = await hold(layers, call);
      try {
        return lookAtRoot(tools, chains, root, release);
      } catch (error) {
        release();
        throw error;
      }
    },
    discard: (folder) => discardRoot(session, folder),
    async unpack(layers, call = {}) {
      const { chains, release } = await hold(layers, call);
      release();
      return chains;
    },
    async stage(files, call = {}) {
      const folder = session.makeFolder();
      const release = (): void => removeTree(folder);
      try {
        await runInWorker({ kind: 'stage', files, to: `${folder}/f` }, call);
      } catch (error) {
        release();
        throw error;
      }
      return { path: `${folder}/f`, release };
    },
    async copyFolder(from, to, call = {}) {
      await runInWorker({ kind: 'copy', from, to }, call);
    },
    list: async () => snapshots.list(),
    collect: (keep) => snapshots.collect(keep, session),
    close: () => session.closeIfEmpty(),
  };
}
