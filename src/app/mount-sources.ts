import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { packedBlob } from '../image/compress-layers.ts';
import { presentImages } from '../image/present-images.ts';
import { parseReference } from '../oci/reference.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** Names of the store that are looked at: each costs reading a manifest and a config. */
const MAX_NAMES = 300;
/** Repositories kept for one blob. */
const MAX_SOURCES = 3;

/**
 * Tells which repositories of a registry probably have a blob: those that names of the store say to hold it, as it was pulled, or as it was once compressed to be pushed. The names are
 * read at the first question; what cannot be read has nothing to say.
 */
export function createMountSources(
  store: LocalStore,
  registry: string,
  o: CallOptions,
): (digest: Digest) => Promise<readonly string[]> {
  let found: Promise<ReadonlyMap<Digest, readonly string[]>> | undefined;
  return async (digest) => {
    found ??= findSources(store, registry, o);
    return (await found).get(digest) ?? [];
  };
}

async function findSources(
  store: LocalStore,
  registry: string,
  o: CallOptions,
): Promise<ReadonlyMap<Digest, readonly string[]>> {
  const sources = new Map<Digest, string[]>();
  let names = 0;
  for await (const [name, target] of store.list(o)) {
    const repository = repositoryOf(name, registry);
    if (repository === undefined || ++names > MAX_NAMES) continue;
    for (const digest of await digestsBelow(store, target, o)) {
      const known = sources.get(digest) ?? [];
      if (!known.includes(repository) && known.length < MAX_SOURCES) known.push(repository);
      sources.set(digest, known);
    }
  }
  return sources;
}

function repositoryOf(name: string, registry: string): string | undefined {
  try {
    const reference = parseReference(name);
    return reference.registry === registry ? reference.repository : undefined;
  } catch {
    return undefined;
  }
}

async function digestsBelow(store: LocalStore, target: Descriptor, o: CallOptions): Promise<Digest[]> {
  const digests: Digest[] = [];
  try {
    for await (const { layers } of presentImages(store, target, o)) {
      for (const layer of layers) {
        const packed =
          layer.blob.digest === layer.diffId ? await packedBlob(store, layer, 'gzip') : undefined;
        digests.push(layer.blob.digest, ...(packed === undefined ? [] : [packed.digest]));
      }
    }
  } catch (error) {
    if (!isDobosError(error)) throw error;
  }
  return digests;
}
