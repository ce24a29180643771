import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commaFields, keyValues } from '../base/comma-fields.ts';
import { errorMaker } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { StepReport } from '../build/build-events.ts';
import { lendSteps } from '../build/cache-folder.ts';
import type { BuildGraph } from '../build/graph.ts';
import { suggest } from '../dockerfile/suggest.ts';
import type { LocalStore } from '../store/contract.ts';

type CacheErrors = {
  CACHE_INVALID: { option: string; text: string; problem: string; nearest?: string | undefined };
  CACHE_LATER: { option: string; text: string; type: string };
};
const cacheError = errorMaker<CacheErrors>({
  CACHE_INVALID: ({ option, text, problem, nearest }) => ({
    message: `${option} ${text}: ${problem}`,
    hint:
      nearest === undefined
        ? '--cache-to type=local,dest=FOLDER[,mode=max] and --cache-from type=local,src=FOLDER'
        : `did you mean ${nearest}?`,
  }),
  CACHE_LATER: ({ option, text, type }) => ({
    message: `${option} ${text}: a cache of type=${type} is not part of this version yet`,
    hint: 'type=local keeps it in a folder',
  }),
});

/** A folder that a cache is written to or read from. */
export interface CacheFolder {
  /** Absolute. */
  readonly folder: string;
  readonly mode: 'min' | 'max';
  /** A cache that cannot be written is no failure of the build. */
  readonly ignoreError: boolean;
}

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

/** What `--cache-to` or `--cache-from` says. @throws CACHE_INVALID, CACHE_LATER */
export function parseCache(option: '--cache-to' | '--cache-from', text: string): CacheFolder {
  const invalid = (problem: string, nearest?: string) =>
    cacheError('CACHE_INVALID', { option, text, problem, nearest });
  const fields = commaFields(text);
  if (fields === undefined) throw invalid('a quote is not closed');
  if (!text.includes('=')) throw cacheError('CACHE_LATER', { option, text, type: 'registry' });
  const values = keyValues(fields, invalid);
  const type = values.get('type');
  if (type === undefined) throw invalid('type is required');
  if (!TYPES.includes(type)) throw invalid(`unknown type ${JSON.stringify(type)}`, suggest(type, TYPES));
  if (type !== 'local') throw cacheError('CACHE_LATER', { option, text, type });
  const place = option === '--cache-to' ? 'dest' : 'src';
  const keys = ['type', place, ...(option === '--cache-to' ? ['mode', 'ignore-error'] : [])];
  for (const key of values.keys())
    if (!keys.includes(key) && !IDLE_KEYS.includes(key))
      throw invalid(`type=local knows no ${JSON.stringify(key)}`, suggest(key, keys));
  const folder = values.get(place) ?? '';
  if (folder === '') throw invalid(`${place} is required: the folder`);
  const mode = values.get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw invalid(`mode is ${JSON.stringify(mode)}, want min or max`);
  return { folder: resolve(folder), mode, ignoreError: values.get('ignore-error') === 'true' };
}

/** The caches that are there; of the others it is said that they are not: the first build of a machine has none. */
export async function openCaches(
  caches: readonly CacheFolder[],
  warn: (message: string) => void,
): Promise<readonly LocalStore[]> {
  if (caches.length === 0) return [];
  const { createDirectoryStore } = await import('../store/directory-store.ts');
  return caches.flatMap(({ folder }) => {
    if (existsSync(join(folder, 'oci-layout'))) return [createDirectoryStore(folder)];
    warn(`there is no cache in ${folder}: nothing is taken from there`);
    return [];
  });
}

/** Writes the steps of the builds to each cache. @throws errors of the stores, unless they are to be ignored */
export async function writeCaches(
  store: LocalStore,
  caches: readonly CacheFolder[],
  builds: readonly { readonly graph: BuildGraph; readonly steps: readonly StepReport[] }[],
  o: CallOptions & { readonly warn: (message: string) => void },
): Promise<void> {
  if (caches.length === 0) return;
  const { createDirectoryStore } = await import('../store/directory-store.ts');
  for (const { folder, mode, ignoreError } of caches) {
    try {
      for (const build of builds) await lendSteps(store, createDirectoryStore(folder), build, mode, o);
    } catch (error) {
      if (!ignoreError || o.signal?.aborted) throw error;
      o.warn(
        `the cache in ${folder} was not written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
