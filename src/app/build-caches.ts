import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commaFields, keyValues } from '../base/comma-fields.ts';
import { errorMaker, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { StepReport } from '../build/build-events.ts';
import { lendSteps } from '../build/cache-folder.ts';
import type { BuildGraph } from '../build/graph.ts';
import type { BorrowingStore } from '../build/remote-cache/borrowing-store.ts';
import type { RemoteCache } from '../build/remote-cache/read-remote-cache.ts';
import { suggest } from '../dockerfile/suggest.ts';
import { parseReference } from '../oci/reference.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { fullName, withoutTransport } from './image-names.ts';
import type { RegistryNotice } from './open-registry.ts';

type CacheErrors = {
  CACHE_INVALID: { option: string; text: string; problem: string; nearest?: string | undefined };
  CACHE_LATER: { option: string; text: string; type: string };
};
const cacheError = errorMaker<CacheErrors>({
  CACHE_INVALID: ({ option, text, problem, nearest }) => ({
    message: `${option} ${text}: ${problem}`,
    hint:
      nearest === undefined
        ? 'a folder: type=local,dest=FOLDER[,mode=max] or src=FOLDER; a repository: type=registry,ref=HOST/NAME:TAG[,mode=max]'
        : `did you mean ${nearest}?`,
  }),
  CACHE_LATER: ({ option, text, type }) => ({
    message: `${option} ${text}: a cache of type=${type} is not part of this version yet`,
    hint: 'type=registry,ref=HOST/NAME:TAG keeps it in a repository, type=local in a folder',
  }),
});

/** Where a cache is written to or read from. */
export type CachePlace = {
  readonly mode: 'min' | 'max';
  /** A cache that cannot be written is no failure of the build. */
  readonly ignoreError: boolean;
} & (
  | {
      readonly kind: 'local';
      /** Absolute. */
      readonly folder: string;
    }
  | {
      readonly kind: 'registry';
      /** A full name. */
      readonly name: string;
      readonly compression: 'gzip' | 'zstd' | 'none';
    }
);

const TYPES = ['local', 'registry', 'inline', 'gha', 's3', 'azblob'];
const IDLE_KEYS = [
  'tag',
  'digest',
  'image-manifest',
  'oci-mediatypes',
  'compression',
  'compression-level',
  'force-compression',
];

/** What `--cache-to` or `--cache-from` says; a name alone is a repository's, as with docker. @throws CACHE_INVALID, CACHE_LATER, OCI_REFERENCE_INVALID */
export function parseCache(option: '--cache-to' | '--cache-from', text: string): CachePlace {
  const invalid = (problem: string, nearest?: string) =>
    cacheError('CACHE_INVALID', { option, text, problem, nearest });
  const fields = commaFields(text);
  if (fields === undefined) throw invalid('a quote is not closed');
  const isName = fields.length === 1 && !text.includes('=');
  if (isName && text === '') throw invalid('it names nothing');
  const values = isName
    ? new Map([
        ['type', 'registry'],
        ['ref', text],
      ])
    : keyValues(fields, invalid);
  const type = values.get('type');
  if (type === undefined) throw invalid('type is required');
  if (!TYPES.includes(type)) throw invalid(`unknown type ${JSON.stringify(type)}`, suggest(type, TYPES));
  if (type !== 'local' && type !== 'registry') throw cacheError('CACHE_LATER', { option, text, type });
  const isTarget = option === '--cache-to';
  const place = type === 'registry' ? 'ref' : isTarget ? 'dest' : 'src';
  const keys = ['type', place, ...(isTarget ? ['mode', 'ignore-error'] : [])];
  for (const key of values.keys())
    if (!keys.includes(key) && !IDLE_KEYS.includes(key))
      throw invalid(`type=${type} knows no ${JSON.stringify(key)}`, suggest(key, keys));
  const where = values.get(place) ?? '';
  if (where === '')
    throw invalid(
      `${place} is required: the ${type === 'registry' ? "cache's name in a registry" : 'folder'}`,
    );
  const mode = values.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw invalid(`mode is ${JSON.stringify(mode)}, want min or max`);
  const ignoreError = values.get('ignore-error') === 'true';
  if (type === 'local') return { kind: 'local', folder: resolve(where), mode, ignoreError };
  const name = fullName(withoutTransport(where));
  if (isTarget && name.includes('@')) throw invalid('a cache is written under a tag, and this is a digest');
  return {
    kind: 'registry',
    name,
    mode,
    ignoreError,
    compression: compressionOf(values.get('compression'), invalid),
  };
}

const PACKINGS: Readonly<Record<string, 'gzip' | 'zstd' | 'none'>> = {
  gzip: 'gzip',
  zstd: 'zstd',
  uncompressed: 'none',
};

function compressionOf(
  word: string | undefined,
  invalid: (problem: string, nearest?: string) => Error,
): 'gzip' | 'zstd' | 'none' {
  const found = PACKINGS[word ?? 'gzip'];
  if (found !== undefined) return found;
  throw invalid(`unknown compression ${JSON.stringify(word)}`, suggest(word ?? '', Object.keys(PACKINGS)));
}

/** Caches that are there. */
export interface OpenedCaches {
  /** Folders, as stores. */
  readonly folders: readonly LocalStore[];
  /** The store with the repositories behind it; undefined without any. */
  readonly borrowed: BorrowingStore | undefined;
  close(): Promise<void>;
}

export interface CacheDoors extends CallOptions {
  readonly warn: (message: string) => void;
  readonly onNotice?: ((notice: RegistryNotice) => void) | undefined;
}

/** The caches that are there; of the others it is said that they are not: the first build of a machine has none. */
export async function openCaches(
  app: App,
  caches: readonly CachePlace[],
  o: CacheDoors,
): Promise<OpenedCaches> {
  const folders: LocalStore[] = [];
  const remotes: RemoteCache[] = [];
  for (const cache of caches) {
    if (cache.kind === 'registry') {
      const remote = await openRemote(app, cache.name, o);
      if (remote !== undefined) remotes.push(remote);
    } else if (existsSync(join(cache.folder, 'oci-layout'))) {
      const { createDirectoryStore } = await import('../store/directory-store.ts');
      folders.push(createDirectoryStore(cache.folder));
    } else o.warn(`there is no cache in ${cache.folder}: nothing is taken from there`);
  }
  if (remotes.length === 0) return { folders, borrowed: undefined, close: async () => {} };
  const { createBorrowingStore } = await import('../build/remote-cache/borrowing-store.ts');
  const borrowed = createBorrowingStore(await app.store(), remotes, { signal: o.signal });
  return { folders, borrowed, close: borrowed.close };
}

/** As with docker, a cache that cannot be read is no failure of a build. */
async function openRemote(app: App, name: string, o: CacheDoors): Promise<RemoteCache | undefined> {
  const { registry, repository, tag, digest } = parseReference(name);
  const { readRemoteCache } = await import('../build/remote-cache/read-remote-cache.ts');
  try {
    const from = (await app.registry({ onEvent: o.onNotice })).repository(registry, repository);
    return await readRemoteCache(await app.store(), from, name, digest ?? tag!, { signal: o.signal });
  } catch (error) {
    o.signal?.throwIfAborted();
    if (!isDobosError(error)) throw error;
    const why =
      error.code === 'REGISTRY_NOT_FOUND'
        ? `there is no cache ${name}`
        : `the cache ${name} cannot be read (${error.message})`;
    o.warn(`${why}: nothing is taken from there`);
    return undefined;
  }
}

/** Writes the steps of the builds to each cache. @throws errors of the stores and registries, unless they are to be ignored */
export async function writeCaches(
  app: App,
  caches: readonly CachePlace[],
  builds: readonly { readonly graph: BuildGraph; readonly steps: readonly StepReport[] }[],
  o: CacheDoors & { readonly borrowed: BorrowingStore | undefined },
): Promise<void> {
  for (const cache of caches) {
    try {
      if (cache.kind === 'registry') await writeRemote(app, cache, builds, o);
      else {
        const { createDirectoryStore } = await import('../store/directory-store.ts');
        const folder = createDirectoryStore(cache.folder);
        const store = o.borrowed?.store ?? (await app.store());
        for (const build of builds) await lendSteps(store, folder, build, cache.mode, o);
      }
    } catch (error) {
      if (!cache.ignoreError || o.signal?.aborted) throw error;
      const where = cache.kind === 'registry' ? cache.name : `in ${cache.folder}`;
      o.warn(`the cache ${where} was not written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function writeRemote(
  app: App,
  { name, mode, compression }: CachePlace & { readonly kind: 'registry' },
  builds: Parameters<typeof writeCaches>[2],
  o: CacheDoors & { readonly borrowed: BorrowingStore | undefined },
): Promise<void> {
  const { registry, repository, tag } = parseReference(name);
  const [{ writeRemoteCache }, { createMountSources }] = await Promise.all([
    import('../build/remote-cache/write-remote-cache.ts'),
    import('./mount-sources.ts'),
  ]);
  const store = await app.store();
  const sources = createMountSources(store, registry, { signal: o.signal });
  const to = (await app.registry({ onEvent: o.onNotice })).writable(registry, repository, { sources });
  await writeRemoteCache(store, to, tag!, builds, {
    signal: o.signal,
    mode,
    compression,
    borrowed: o.borrowed,
  });
}
