import { bindCall } from './libc.ts';

const sha256Call = bindCall<unknown, [Uint8Array, number, Buffer]>(
  'void *SHA256(const void *bytes, size_t size, void *digest)',
);

const DIGEST_BYTES = 32;
const OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** SHA-256 by the OpenSSL that Node has in it or is linked to (SHA256(3)), without Node's `crypto`, which takes 5 ms to load; undefined where Node shows no such function. */
export function opensslSha256(): ((bytes: Uint8Array) => Buffer) | undefined {
  const sha256 = (bytes: Uint8Array): Buffer => {
    const digest = Buffer.alloc(DIGEST_BYTES);
    sha256Call(bytes, bytes.length, digest);
    return digest;
  };
  try {
    return sha256(Buffer.alloc(0)).toString('hex') === OF_NOTHING ? sha256 : undefined;
  } catch {
    return undefined;
  }
}
