/**
 * What every verb needs, opened when first asked for: the store and the keeper process.
 * The verbs (one file each in this room) take strings and give values; they never print.
 * @module
 */
import { errorMaker, systemCode } from '../base/errors.ts';
import type { Http } from '../http/types.ts';
import type { Registry } from '../registry/types.ts';
import type { KeeperSurroundings } from '../runtime/keeper.ts';
import type { Keeper } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { OpenRegistry, RegistryNotice, RegistryRequest } from './open-registry.ts';
import type { Settings } from './settings.ts';

type AppErrors = {
  APP_STORE_PLACE: { folder: string };
};
const appError = errorMaker<AppErrors>({
  APP_STORE_PLACE: ({ folder }) => ({
    message: `the store's place ${folder} is not a folder`,
    hint: 'DOBOS_ROOT names the folder of the store',
  }),
});

export interface App {
  readonly settings: Settings;
  readonly version: string;
  store(): Promise<LocalStore>;
  /** The process that runs containers; started at the first request to it. */
  keeper(runtime?: string): Promise<Keeper>;
  /** Registries with this machine's credentials, mirrors and certificates; read and opened at the first call. One for all calls with the same `insecure`. */
  registry(o?: RegistryRequest): Promise<Registry>;
  /** What files of the web are fetched with: a URL that a person or a Dockerfile writes, with plain HTTP where it says so. */
  http(): Promise<Http>;
  close(): Promise<void>;
}

/** What was made ready before the program was loaded: for the first keeper. */
export type Ahead = Pick<KeeperSurroundings, 'spawned' | 'mounts'>;

export function createApp(settings: Settings, version: string, ahead: Ahead = {}): App {
  let store: Promise<LocalStore> | undefined;
  const keepers = new Map<string, Promise<Keeper>>();
  const registries = new Map<boolean, Promise<OpenRegistry>>();
  let web: Promise<Http> | undefined;
  const listeners = new Set<(notice: RegistryNotice) => void>();
  return {
    settings,
    version,
    store: () => {
      store ??= openStore(settings.storeFolder);
      return store;
    },
    keeper: (runtime = settings.runtime) => {
      let keeper = keepers.get(runtime);
      if (keeper === undefined) {
        const launch = {
          environment: settings.childEnvironment,
          ...(keepers.size === 0 ? ahead : {}),
        };
        keeper = import('../runtime/keeper.ts').then(({ openKeeper }) =>
          openKeeper({ storeFolder: settings.storeFolder, runtime }, launch),
        );
        keepers.set(runtime, keeper);
      }
      return keeper;
    },
    registry: async ({ insecure = false, onEvent } = {}) => {
      if (onEvent !== undefined) listeners.add(onEvent);
      let open = registries.get(insecure);
      if (open === undefined) {
        const tell = (notice: RegistryNotice): void => listeners.forEach((listener) => void listener(notice));
        open = import('./open-registry.ts').then(({ openRegistry }) =>
          openRegistry(settings, version, { insecure, onEvent: tell }),
        );
        registries.set(insecure, open);
      }
      return (await open).registry;
    },
    http: () => {
      const { trustedHosts, proxies } = settings;
      web ??= import('../http/http.ts').then(({ createHttp }) =>
        createHttp({ userAgent: `dobos/${version}`, plain: () => true, trustedHosts, proxies }),
      );
      return web;
    },
    close: async () => {
      const open = await Promise.allSettled([
        ...keepers.values(),
        ...registries.values(),
        ...(web === undefined ? [] : [web]),
      ]);
      await Promise.all(open.map((each) => (each.status === 'fulfilled' ? each.value.close() : undefined)));
    },
  };
}

/** @throws APP_STORE_PLACE */
async function openStore(folder: string): Promise<LocalStore> {
  const [{ statSync }, { createDirectoryStore }] = await Promise.all([
    import('node:fs'),
    import('../store/directory-store.ts'),
  ]);
  const isFolder = (): boolean => {
    try {
      return statSync(folder).isDirectory();
    } catch (error) {
      // What is not there will be made; what may not be looked at, the store's own first look puts into words.
      return systemCode(error) !== 'ENOTDIR';
    }
  };
  if (!isFolder()) throw appError('APP_STORE_PLACE', { folder });
  return createDirectoryStore(folder);
}
