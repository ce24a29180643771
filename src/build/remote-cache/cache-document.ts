/**
 * The step cache in a repository (`--cache-to type=registry`): one manifest, whose config lists the steps with the documents of their images, and whose layers are the steps' layers and
 * what is in them. So whoever looks for steps fetches the list only, and of the rest what is needed; and what a registry keeps is what the manifest names.
 * @module
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { sha256 } from '../../base/bytes.ts';
import { errorMaker } from '../../base/errors.ts';
import { isDigest } from '../../oci/digest.ts';
import type { Descriptor, Digest } from '../../oci/types.ts';

export const CACHE_TYPE = 'application/vnd.dobos.cache.v1';
export const CACHE_STEPS = 'application/vnd.dobos.cache.steps.v1+gzip';
export const CACHE_LAYER_INDEX = 'application/vnd.dobos.cache.layer-index.v1+gzip';
/** Bytes of the list, packed and unpacked; a step needs some KiB. */
export const MAX_PACKED_BYTES = 16 * 1024 * 1024;
const MAX_PLAIN_BYTES = 128 * 1024 * 1024;
/** Bytes of what is in one layer, packed and unpacked; 100,000 entries have 10 MB. */
export const MAX_INDEX_BYTES = 16 * 1024 * 1024;
const MAX_PLAIN_INDEX_BYTES = 128 * 1024 * 1024;

type RemoteCacheErrors = {
  CACHE_NOT_ONE: { name: string; what: string };
  CACHE_DOCUMENT: { name: string; problem: string };
};
export const remoteCacheError = errorMaker<RemoteCacheErrors>({
  CACHE_NOT_ONE: ({ name, what }) => ({
    message: `${name} is ${what}, and no step cache that dobos wrote`,
    hint: '--cache-to type=registry,ref=HOST/NAME:TAG writes one; give it a tag of its own',
  }),
  CACHE_DOCUMENT: ({ name, problem }) =>
    `the step cache ${name} cannot be used: its list of steps ${problem}`,
});

/** A step as its root in a store has it. */
export interface CachedStep {
  readonly id: string;
  readonly target: Descriptor;
  readonly data: unknown;
}

export interface CacheDocument {
  readonly steps: readonly CachedStep[];
  /** Manifests and configs of the steps' images. */
  readonly documents: ReadonlyMap<Digest, Buffer>;
  /** How the repository has a layer, by the digest that it has in a store. */
  readonly layers: ReadonlyMap<Digest, Descriptor>;
  /** What is in a layer, by its diff id. */
  readonly indexes: ReadonlyMap<Digest, Descriptor>;
}

/** The list's bytes. */
export function packCacheDocument({ steps, documents, layers, indexes }: CacheDocument): Buffer {
  const value = {
    version: 1,
    steps,
    documents: [...documents.values()].map((bytes) => bytes.toString('base64')),
    layers: Object.fromEntries(layers),
    indexes: Object.fromEntries(indexes),
  };
  return gzipSync(JSON.stringify(value));
}

/** The list in these bytes, which are verified; what is in it is checked. `isRecord` says whether data are a step's. @throws CACHE_DOCUMENT */
export function unpackCacheDocument(
  packed: Buffer,
  name: string,
  isRecord: (data: unknown) => boolean,
): CacheDocument {
  const bad = (problem: string, cause?: unknown) =>
    remoteCacheError('CACHE_DOCUMENT', { name, problem }, { cause });
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(gunzipSync(packed, { maxOutputLength: MAX_PLAIN_BYTES }).toString()) as typeof value;
  } catch (error) {
    throw bad('cannot be read', error);
  }
  if (typeof value !== 'object' || value === null || value.version !== 1) throw bad('is of another version');
  const steps = listOf(value.steps).filter(
    (step): step is CachedStep =>
      isObject(step) &&
      /^[0-9a-f]{64}$/.test(String(step.id)) &&
      isDescriptor(step.target) &&
      isRecord(step.data),
  );
  const documents = listOf(value.documents).map((text) => Buffer.from(String(text), 'base64'));
  return {
    steps: steps.map(({ id, target: { mediaType, digest, size }, data }) => ({
      id,
      target: { mediaType, digest, size },
      data,
    })),
    documents: new Map(documents.map((bytes) => [sha256(bytes), bytes])),
    layers: descriptorsOf(value.layers),
    indexes: descriptorsOf(value.indexes),
  };
}

export const packLayerIndex = (bytes: Uint8Array): Buffer => gzipSync(bytes);
/** @throws system errors of zlib for what is too large or broken */
export const unpackLayerIndex = (packed: Buffer): Buffer =>
  gunzipSync(packed, { maxOutputLength: MAX_PLAIN_INDEX_BYTES });

function descriptorsOf(value: unknown): ReadonlyMap<Digest, Descriptor> {
  const found = new Map<Digest, Descriptor>();
  for (const [key, each] of Object.entries(isObject(value) ? value : {}))
    if (isDigest(key) && isDescriptor(each)) found.set(key, each);
  return found;
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const isDescriptor = (value: unknown): value is Descriptor =>
  isObject(value) &&
  typeof value.mediaType === 'string' &&
  isDigest(value.digest) &&
  Number.isSafeInteger(value.size) &&
  (value.size as number) >= 0;
