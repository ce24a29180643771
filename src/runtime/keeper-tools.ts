import { createDirectoryStore } from '../store/directory-store.ts';
import { chooseExecutor, chooseUnisolated, type ExecutorChoice } from './choose-executor.ts';
import type { Networks } from './network/networks.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { KEEPER_PLACE, type RuntimePlace } from './runtime-place.ts';
import { searchPathOf } from './search-path.ts';
import type { KeeperTools } from './serve-keeper.ts';
import type { ExecutorUse, KeeperOptions } from './types.ts';

export interface ToolsSurroundings {
  /** Why there are no namespaces around this process; undefined when there are. */
  readonly unisolated?: string | undefined;
  /** Where the processes of the machine are seen. */
  readonly clientProc: string;
  /** The value of PATH. */
  readonly path: string | undefined;
  /** As in `ChooseOptions`. */
  readonly place?: RuntimePlace | undefined;
}

/** What calls are answered with, in the mount namespace of this process. */
export async function openKeeperTools(
  options: KeeperOptions,
  { unisolated, clientProc, path, place }: ToolsSurroundings,
): Promise<KeeperTools> {
  const [{ createSnapshotter }, { createCacheMounts }] = await Promise.all([
    import('../rootfs/snapshotter.ts'),
    import('../rootfs/cache-mounts.ts'),
  ]);
  // A command that is its own keeper has opened it, too.
  const store = createDirectoryStore(options.storeFolder, { isCleared: place?.name === 'here' });
  const snapshotter = await createSnapshotter(store, unisolated === undefined ? {} : { format: 'whole' });
  const choices = new Map<ExecutorUse, Promise<ExecutorChoice>>();
  let networks: Promise<Networks> | undefined;
  const searchPath = searchPathOf(path);
  const choose = async (use: ExecutorUse): Promise<ExecutorChoice> =>
    unisolated !== undefined
      ? chooseUnisolated(unisolated)
      : chooseExecutor({
          runtime: options.runtime,
          use,
          searchPath,
          notes: store.notes,
          place,
          async withEmptyRoot(take) {
            const root = await snapshotter.prepare([]);
            try {
              const merged = root.mount();
              try {
                return await take({ folder: root.folder, merged });
              } finally {
                root.unmount();
              }
            } finally {
              await root.dispose();
            }
          },
        });
  return {
    networks: () => {
      networks ??= import('./network/networks.ts').then(({ createNetworks }) =>
        createNetworks({
          unisolated,
          storeFolder: options.storeFolder,
          searchPath,
          isRootless: readOwnNamespace().isUserNamespace,
          clientProc,
          place: place ?? KEEPER_PLACE,
        }),
      );
      return networks;
    },
    canMount: unisolated === undefined,
    store,
    snapshotter,
    caches: () => createCacheMounts(options.storeFolder),
    staged: new Map(),
    containers: new Map(),
    executor: (use) => {
      const chosen = choices.get(use) ?? choose(use);
      choices.set(use, chosen);
      return chosen;
    },
  };
}
