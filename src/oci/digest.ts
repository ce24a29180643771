/**
 * Digests: the only place that accepts one. A digest becomes a path or an address, so nothing else may make it.
 * @module
 */
import { ociError } from './errors.ts';
import type { Digest } from './types.ts';

const GRAMMAR = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };
const HEX = /^[a-f0-9]+$/;

/** The digest that the text spells (image-spec 1.1.1, descriptor.md). @throws OCI_DIGEST_INVALID also for algorithms that cannot be verified here */
export function parseDigest(text: string): Digest {
  const want = problem(text);
  if (want !== undefined) throw ociError('OCI_DIGEST_INVALID', { text, want });
  return text as Digest;
}

/** True if the text is a digest that `parseDigest` takes. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && problem(text) === undefined;
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** The first 12 digits, as tables show ids. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

function problem(text: string): string | undefined {
  if (text.length > 256 || !GRAMMAR.test(text)) return 'algorithm:hex, such as sha256:9f86d0…';
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  const length = Object.hasOwn(HEX_LENGTH, algorithm) ? HEX_LENGTH[algorithm]! : undefined;
  if (length === undefined) return 'sha256 or sha512 as its algorithm';
  const encoded = text.slice(colon + 1);
  if (encoded.length !== length || !HEX.test(encoded))
    return `${length} lower-case hex digits after ${algorithm}:`;
  return undefined;
}
