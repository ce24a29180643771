import { collect } from '../../base/bytes.ts';
import type { CallOptions } from '../../base/options.ts';
import { MAX_MANIFEST_BYTES } from '../../oci/limits.ts';
import { parseManifestOrIndex } from '../../oci/manifest.ts';
import type { BlobSource, LocalStore, Refs } from '../../store/contract.ts';
import { isStepRecord } from '../step-cache.ts';
import {
  CACHE_STEPS,
  type CacheDocument,
  MAX_PACKED_BYTES,
  remoteCacheError,
  unpackCacheDocument,
} from './cache-document.ts';

/** A step cache in a repository, its list read. */
export interface RemoteCache {
  /** For messages. */
  readonly name: string;
  readonly from: BlobSource;
  readonly document: CacheDocument;
}

/** Reads the list of a cache's steps, and nothing else of it. @throws CACHE_NOT_ONE, CACHE_DOCUMENT, and what `from` throws */
export async function readRemoteCache(
  store: LocalStore,
  from: BlobSource & Pick<Refs, 'resolve'>,
  name: string,
  tag: string,
  o: CallOptions,
): Promise<RemoteCache> {
  const root = await from.resolve(tag, o);
  const document = parseManifestOrIndex(
    await collect(from.open(root, o), MAX_MANIFEST_BYTES),
    root.mediaType,
  );
  if (document.kind === 'index')
    throw remoteCacheError('CACHE_NOT_ONE', { name, what: 'an index of images' });
  const { config } = document.manifest;
  if (config.mediaType !== CACHE_STEPS) throw remoteCacheError('CACHE_NOT_ONE', { name, what: 'an image' });
  const packed = await collect(from.open(config, o), MAX_PACKED_BYTES);
  return { name, from, document: unpackCacheDocument(packed, name, (data) => isStepRecord(store, data)) };
}
