import { type ByteStream, collect, verify } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { parseDigest } from '../oci/digest.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { type BytesFrom, fromStart } from '../store/contract.ts';
import { isManifest } from '../store/manifest-links.ts';
import { registryError } from './errors.ts';
import { createManifestCache } from './manifest-cache.ts';
import { ACCEPT } from './manifests.ts';
import { createPlace, type Place } from './place.ts';
import { putManifest } from './put-manifest.ts';
import { createRepository, type RepositoryParts } from './repository.ts';
import { isTag } from './tags.ts';
import type { WritableOptions, WritableRepository } from './types.ts';
import { uploadBlob } from './upload-blob.ts';

/** The repository to write to: the registry itself, or what stands for it, and no mirror. */
export function createWritable(
  parts: RepositoryParts,
  registry: string,
  repository: string,
  { sources, onMounted }: WritableOptions = {},
): WritableRepository {
  const full = `${registry}/${repository}`;
  /** Kept for tags: what they point at is put before. */
  const manifests = createManifestCache();
  const present = new Set<Digest>();
  const absent = new Set<Digest>();
  /** What this user may not read, so that nothing is mounted from there. */
  const refused = new Set<string>();
  let found: Promise<Place> | undefined;

  const place = (): Promise<Place> => {
    found ??= parts.endpoints.find(registry, repository).then((endpoints) => {
      const origin = endpoints.findLast(({ mirror }) => !mirror);
      if (origin === undefined) throw registryError('REGISTRY_ENDPOINTS', { name: full, wanted: 'writing' });
      return createPlace(parts, origin, registry, true);
    });
    return found;
  };
  const reading = createRepository({ ...parts, places: async () => [await place()] }, registry, repository);

  const look = async (wanted: Descriptor, o: CallOptions): Promise<boolean> => {
    const at = await place();
    const request = isManifest(wanted)
      ? { what: `manifests/${wanted.digest}`, headers: { accept: ACCEPT } }
      : { what: `blobs/${wanted.digest}`, headers: {} };
    const response = await at.ask(request.what, { method: 'HEAD', headers: request.headers }, o);
    if (response.status === 404) {
      await response.discard();
      return false;
    }
    // Whoever leads on to where its bytes are has it; that place may allow a GET only.
    const isElsewhere = new URL(response.url).host !== at.host;
    if (isElsewhere && [400, 403, 405].includes(response.status)) {
      await response.discard();
      return true;
    }
    if (response.status !== 200) throw await at.refusedWrite(response, `${full}@${wanted.digest}`);
    await response.discard();
    const size = response.header('content-length');
    return size === undefined || Number(size) === wanted.size;
  };

  const has = async (wanted: Descriptor, o: CallOptions = {}): Promise<boolean> => {
    o.signal?.throwIfAborted();
    parseDigest(wanted.digest);
    if (present.has(wanted.digest)) return true;
    const isThere = await look(wanted, o);
    (isThere ? present : absent).add(wanted.digest);
    return isThere;
  };

  const putBlob = async (
    wanted: Descriptor,
    bytes: ByteStream | BytesFrom,
    o: CallOptions,
  ): Promise<void> => {
    const at = await place();
    const { digest } = wanted;
    const from = await uploadBlob(
      at,
      wanted,
      typeof bytes === 'function' ? bytes : () => bytes,
      {
        once: typeof bytes !== 'function',
        clock: parts.clock,
        onEvent: parts.onEvent,
        name: `${full}@${digest}`,
        sources: ((await sources?.(digest)) ?? [])
          .filter((each) => each !== repository && !refused.has(each))
          .slice(0, MAX_SOURCES),
        onRefused: (each) => refused.add(each),
        isThere: () => look(wanted, o),
      },
      o,
    );
    if (from !== undefined) onMounted?.(digest, from);
  };

  /** What the tag points at, as far as the registry says so. */
  const tagged = async (tag: string, at: Place, o: CallOptions): Promise<string | undefined> => {
    const response = await at.ask(`manifests/${tag}`, { method: 'HEAD', headers: { accept: ACCEPT } }, o);
    await response.discard();
    return response.status === 200 ? response.header('docker-content-digest') : undefined;
  };

  return {
    ...reading,
    has,
    async put(wanted, bytes, o = {}) {
      o.signal?.throwIfAborted();
      const digest = parseDigest(wanted.digest);
      const known = present.has(digest) || (!absent.has(digest) && (await has(wanted, o)));
      if (known) {
        if (typeof bytes !== 'function') await bytes[Symbol.asyncIterator]().return?.();
        return;
      }
      if (isManifest(wanted)) {
        const whole = await collect(verify(fromStart(bytes), wanted), MAX_MANIFEST_BYTES);
        manifests.keep(digest, whole);
        await putManifest(await place(), `${full}@${digest}`, digest, wanted, whole, o);
      } else await putBlob(wanted, bytes, o);
      absent.delete(digest);
      present.add(digest);
    },
    async tag(tag, target, o = {}) {
      o.signal?.throwIfAborted();
      if (!isTag(tag)) throw registryError('REGISTRY_TAG', { tag: tag.slice(0, 200) });
      const at = await place();
      if ((await tagged(tag, at, o)) === target.digest) return;
      const bytes =
        o.bytes ?? manifests.get(target) ?? (await collect(reading.open(target, o), MAX_MANIFEST_BYTES));
      await putManifest(at, `${full}:${tag}`, tag, target, bytes, o);
    },
    async *list(o = {}) {
      for await (const tag of reading.tags(o)) yield [tag, await reading.resolve(tag, o)] as const;
    },
  };
}

/** Repositories that a blob is asked from. */
const MAX_SOURCES = 2;
