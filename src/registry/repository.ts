import { type ByteStream, verify } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { HttpClock } from '../http/types.ts';
import { parseDigest } from '../oci/digest.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { OpenOptions } from '../store/contract.ts';
import { isManifest } from '../store/manifest-links.ts';
import { streamBlob } from './blob-stream.ts';
import { registryError } from './errors.ts';
import { createManifestCache } from './manifest-cache.ts';
import { ACCEPT, fetchDescribed, fetchManifest } from './manifests.ts';
import { nearestTags } from './nearest-tags.ts';
import { createPlace, type Place, type PlaceParts } from './place.ts';
import { isTag, listTags } from './tags.ts';
import type { Repository } from './types.ts';

export interface RepositoryParts extends PlaceParts {
  readonly clock: HttpClock;
  readonly onBytes: (size: number) => void;
  /** Where to ask, instead of what the endpoints say. */
  readonly places?: (() => Promise<readonly Place[]>) | undefined;
}

/**
 * The repository: its mirrors are asked in their order, the registry itself last, and what one cannot give the next is asked for. Every digest is checked before
 * it stands in an address. Layers that may not be passed on are read from the registry like all others; the `urls` of their descriptors are never followed:
 * they lead anywhere.
 */
export function createRepository(parts: RepositoryParts, registry: string, repository: string): Repository {
  const full = `${registry}/${repository}`;
  const manifests = createManifestCache();
  /** Mirrors that gave wrong bytes. */
  const liars = new Set<Place>();
  /** Mirrors that gave bytes of a blob whose digest only its reader checks. */
  const unchecked = new Map<Digest, Set<Place>>();
  let found: Promise<readonly Place[]> | undefined;

  const allPlaces = (): Promise<readonly Place[]> => {
    if (parts.places !== undefined) return parts.places();
    found ??= parts.endpoints
      .find(registry, repository)
      .then((endpoints) => endpoints.map((endpoint) => createPlace(parts, endpoint, registry)))
      .catch((error: unknown) => {
        found = undefined;
        throw error;
      });
    return found;
  };

  const placesFor = async (wanted: 'digests' | 'tags'): Promise<readonly Place[]> => {
    const places = (await allPlaces()).filter(
      (place) => (place.only === undefined || place.only === wanted) && !liars.has(place),
    );
    if (places.length === 0) throw registryError('REGISTRY_ENDPOINTS', { name: full, wanted });
    return places;
  };

  /** Says that a mirror failed, so that the next place is asked; throws what the last place said. */
  const pass = (place: Place, isLast: boolean, error: unknown, o: CallOptions): void => {
    if (isLast || o.signal?.aborted === true) throw error;
    if (isDobosError(error, 'BYTES_MISMATCH')) liars.add(place);
    parts.onEvent?.({
      kind: 'mirror-failed',
      mirror: place.host,
      why: error instanceof Error ? error.message : String(error),
    });
  };

  const first = async <T>(
    wanted: 'digests' | 'tags',
    work: (place: Place) => Promise<T>,
    o: CallOptions,
  ): Promise<T> => {
    const places = await placesFor(wanted);
    for (const [i, place] of places.entries()) {
      try {
        return await work(place);
      } catch (error) {
        pass(place, i === places.length - 1, error, o);
      }
    }
    throw registryError('REGISTRY_ENDPOINTS', { name: full, wanted });
  };

  const readManifest = async (wanted: Descriptor, o: CallOptions): Promise<Buffer> => {
    const name = `${full}@${wanted.digest}`;
    if (wanted.size > MAX_MANIFEST_BYTES) {
      throw registryError('REGISTRY_TOO_LARGE', { name, limit: MAX_MANIFEST_BYTES });
    }
    const known = manifests.get(wanted);
    if (known !== undefined) return known;
    const bytes = await first('digests', (place) => fetchDescribed(place, name, wanted, o), o);
    manifests.keep(wanted.digest, bytes);
    return bytes;
  };

  async function* readBlob(wanted: Descriptor, start: number, end: number, o: CallOptions): ByteStream {
    const places = await placesFor('digests');
    let at = start;
    for (const [i, place] of places.entries()) {
      try {
        for await (const chunk of streamBlob(place, wanted, { start: at, end }, parts, o)) {
          if (at === start && place.mirror) remember(wanted.digest, place);
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        pass(place, i === places.length - 1, error, o);
      }
    }
  }

  const remember = (digest: Digest, place: Place): void => {
    const givers = unchecked.get(digest) ?? new Set();
    unchecked.set(digest, givers.add(place));
  };

  const distrust = ({ digest }: Descriptor): boolean => {
    const givers = unchecked.get(digest);
    unchecked.delete(digest);
    if (givers === undefined) return false;
    for (const place of givers) {
      liars.add(place);
      const why = `the content of ${digest} was wrong`;
      parts.onEvent?.({ kind: 'mirror-failed', mirror: place.host, why });
    }
    return true;
  };

  async function* open(wanted: Descriptor, o: OpenOptions = {}): ByteStream {
    o.signal?.throwIfAborted();
    parseDigest(wanted.digest);
    const { range } = o;
    const start = Math.min(wanted.size, range?.offset ?? 0);
    const end = Math.min(wanted.size, start + (range?.size ?? wanted.size));
    if (range !== undefined && start === end) return;
    if (isManifest(wanted)) {
      yield (await readManifest(wanted, o)).subarray(start, end);
      return;
    }
    const bytes = readBlob(wanted, start, end, o);
    if (range !== undefined || o.unverified === true) return yield* bytes;
    try {
      yield* verify(bytes, wanted);
    } catch (error) {
      if (isDobosError(error, 'BYTES_MISMATCH')) distrust(wanted);
      throw error;
    }
  }

  /** Tags like the one that is not there; none if that is not learnt at once. */
  const tagsLike = async (place: Place, tag: string, o: CallOptions): Promise<string[]> => {
    const tags: string[] = [];
    try {
      for await (const each of listTags(place, full, o)) {
        if (tags.push(each) >= 1000) break;
      }
    } catch {
      o.signal?.throwIfAborted();
    }
    return nearestTags(tags, tag);
  };

  const resolveTag = async (tag: string, place: Place, o: CallOptions): Promise<Descriptor> => {
    try {
      const { descriptor, bytes } = await fetchManifest(place, `${full}:${tag}`, { tag }, o);
      manifests.keep(descriptor.digest, bytes);
      return descriptor;
    } catch (error) {
      if (place.mirror || !isDobosError(error, 'REGISTRY_NOT_FOUND')) throw error;
      const nearest = await tagsLike(place, tag, o);
      const { host, says } = error.facts as { host: string; says?: string };
      throw registryError('REGISTRY_NOT_FOUND', { name: `${full}:${tag}`, host, says, nearest });
    }
  };

  return {
    registry,
    repository,
    open,
    distrust,
    async has(wanted, o = {}) {
      o.signal?.throwIfAborted();
      parseDigest(wanted.digest);
      const kind = isManifest(wanted) ? 'manifests' : 'blobs';
      const headers = kind === 'manifests' ? { accept: ACCEPT } : {};
      const look = async (place: Place): Promise<boolean> => {
        const response = await place.ask(`${kind}/${wanted.digest}`, { method: 'HEAD', headers }, o);
        if (response.status !== 200) throw await place.refused(response, `${full}@${wanted.digest}`);
        await response.discard();
        const size = response.header('content-length');
        return size === undefined || Number(size) === wanted.size;
      };
      try {
        return await first('digests', look, o);
      } catch (error) {
        if (isDobosError(error, 'REGISTRY_NOT_FOUND')) return false;
        throw error;
      }
    },
    async resolve(name, o = {}) {
      o.signal?.throwIfAborted();
      if (!name.includes(':')) {
        if (!isTag(name)) throw registryError('REGISTRY_TAG', { tag: name.slice(0, 200) });
        return first('tags', (place) => resolveTag(name, place, o), o);
      }
      const digest = parseDigest(name);
      const fetch = (place: Place) => fetchManifest(place, `${full}@${digest}`, { digest }, o);
      const { descriptor, bytes } = await first('digests', fetch, o);
      manifests.keep(digest, bytes);
      return descriptor;
    },
    async *tags(o = {}) {
      const places = await allPlaces();
      const place = places.find(({ mirror }) => !mirror) ?? places[0];
      if (place === undefined) throw registryError('REGISTRY_ENDPOINTS', { name: full, wanted: 'tags' });
      yield* listTags(place, full, o);
    },
  };
}
