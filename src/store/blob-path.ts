import type { Digest } from '../oci/types.ts';
import { storeError } from './errors.ts';

const HEX_DIGITS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };
const DIGEST = /^(sha256|sha512):([a-f0-9]+)$/;

/** `blobs/sha256/<hex>`: the one place where a digest becomes a path (image-spec 1.1.1, image-layout.md). @throws STORE_BAD_DIGEST */
export function blobPath(digest: string): string {
  if (!isDigest(digest)) throw storeError('STORE_BAD_DIGEST', { digest: String(digest) });
  return `blobs/${digest.replace(':', '/')}`;
}

/** True for `sha256:` and 64, `sha512:` and 128 lower-case hex digits; nothing else can be verified here. */
export function isDigest(text: unknown): text is Digest {
  if (typeof text !== 'string') return false;
  const match = DIGEST.exec(text);
  return match !== null && match[2]!.length === HEX_DIGITS[match[1]!];
}

/** The algorithms that blobs are stored by, in the order of their folders. */
export const ALGORITHMS = ['sha256', 'sha512'] as const;
