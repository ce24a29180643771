import { type ByteStream, bytesError, hasherFor } from '../base/bytes.ts';
import type { Descriptor } from '../oci/types.ts';

/** Checks bytes that are sent in several goes, parts of them twice. */
export interface TrackedHash {
  /** The bytes from `offset` on as they come; fails when the last one was not what the digest says. @throws BYTES_MISMATCH */
  check(bytes: ByteStream, offset: number): ByteStream;
  /** Bytes that have passed, from the first one on without a gap. */
  reached(): number;
}

/** The check of one blob: each byte is hashed the first time that it passes. */
export function trackHash(wanted: Descriptor): TrackedHash {
  const { digest, size } = wanted;
  const hash = hasherFor(digest);
  let reached = 0;
  let gotDigest: string | undefined;

  const mismatch = (gotSize: number): Error => {
    gotDigest ??= `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
    return bytesError('BYTES_MISMATCH', { digest, size, gotDigest, gotSize });
  };

  return {
    reached: () => reached,
    async *check(bytes, offset) {
      let at = offset;
      for await (const chunk of bytes) {
        const seen = Math.max(0, reached - at);
        at += chunk.length;
        if (at > size) throw mismatch(at);
        if (seen < chunk.length && gotDigest === undefined) {
          hash.update(chunk.subarray(seen));
          reached = at;
        }
        if (reached === size) {
          gotDigest ??= `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
          // Before the last bytes are out: what is wrong is never whole at the other end.
          if (gotDigest !== digest) throw mismatch(size);
        }
        yield chunk;
      }
      if (at < size) throw mismatch(at);
    },
  };
}
