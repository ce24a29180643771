import type { Descriptor, Digest } from '../oci/types.ts';

/** Bytes of manifests kept of one repository. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/** Manifests that were just fetched, so that resolving a name and opening what it points at is one request. Oldest go first. */
export interface ManifestCache {
  get(wanted: Descriptor): Buffer | undefined;
  /** The bytes are verified. */
  keep(digest: Digest, bytes: Buffer): void;
}

export function createManifestCache(): ManifestCache {
  const kept = new Map<Digest, Buffer>();
  let total = 0;
  return {
    get({ digest, size }) {
      const bytes = kept.get(digest);
      return bytes?.length === size ? bytes : undefined;
    },
    keep(digest, bytes) {
      if (kept.has(digest)) return;
      kept.set(digest, bytes);
      total += bytes.length;
      for (const [oldest, { length }] of kept) {
        if (total <= MAX_KEPT_BYTES) break;
        kept.delete(oldest);
        total -= length;
      }
    },
  };
}
