import type { ByteStream } from '../base/bytes.ts';
import { SEND_BYTES } from './limits.ts';
import type { Patience } from './patience.ts';
import type { HttpRequest } from './types.ts';

/** What is handed to the connection: bytes as they are, a stream in pieces of at most 256 KiB, each of which is waited for. */
export function bodyOf(body: HttpRequest['body'], patience: Patience): Uint8Array | ByteStream | null {
  if (body === undefined) return null;
  return body instanceof Uint8Array ? body : pieces(body.open(), patience);
}

async function* pieces(bytes: ByteStream, patience: Patience): ByteStream {
  patience.making();
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += SEND_BYTES) {
      patience.sending();
      yield chunk.subarray(at, at + SEND_BYTES);
    }
    patience.making();
  }
  patience.sent();
}
