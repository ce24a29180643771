import { createHash } from 'node:crypto';
import type { ByteStream } from '../../base/bytes.ts';
import { buildError } from '../errors.ts';

/** What `--checksum` may say of a file. */
export const DIGEST_HEX = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;

/** The same bytes; fails at their end unless they are what `--checksum` says. @throws BUILD_CHECKSUM */
export async function* checkSum(bytes: ByteStream, checksum: string, url: string): ByteStream {
  const algorithm = checksum.slice(0, checksum.indexOf(':'));
  const hash = createHash(algorithm);
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  const got = `${algorithm}:${hash.digest('hex')}`;
  if (got !== checksum) throw buildError('BUILD_CHECKSUM', { url, got, want: checksum });
}
