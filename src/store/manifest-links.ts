import type { Descriptor } from '../oci/types.ts';
import { isDigest } from './blob-path.ts';

/** Media types whose blobs refer to other blobs. */
const MANIFEST_TYPES = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);

/** True if blobs of this media type refer to others: manifests and indexes, OCI's and Docker's. */
export function isManifest({ mediaType }: Descriptor): boolean {
  return MANIFEST_TYPES.has(mediaType);
}

/** True for layers that may legally be absent everywhere: their licence forbids to pass them on (image-spec 1.1.1, layer.md). */
export function isForeignLayer({ mediaType }: Descriptor): boolean {
  return mediaType.includes('.nondistributable.') || mediaType.includes('.foreign.');
}

export interface Links {
  /** Config first, then layers, manifests, blobs; entries that are not descriptors are passed over. */
  readonly links: readonly Descriptor[];
  /** Why this document must not be used, although its links are kept. */
  readonly problem?: string;
}

/** What a manifest refers to. Never throws: what is not JSON refers to nothing. */
export function linksOf(manifest: Uint8Array): Links {
  const { buffer, byteOffset, byteLength } = manifest;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString());
  } catch {
    return { links: [], problem: 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null) return { links: [], problem: 'is not a JSON object' };
  const { config, layers, manifests, blobs } = value as Record<string, unknown>;
  const links = [config, ...list(layers), ...list(manifests), ...list(blobs)].filter(isDescriptor);
  // One document that reads as two kinds would be followed differently by different readers (CVE-2021-41190).
  const both = list(manifests).length > 0 && (layers !== undefined || config !== undefined);
  return both ? { links, problem: 'is a manifest and an index at once' } : { links };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof mediaType === 'string' &&
    isDigest(digest) &&
    typeof size === 'number' &&
    Number.isSafeInteger(size) &&
    size >= 0
  );
}
