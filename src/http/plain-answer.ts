import type { Socket } from 'node:net';
import { systemCode } from '../base/errors.ts';

/**
 * A greeting of TLS that no server can agree to: it offers no cipher that there is (RFC 8701). Who speaks TLS answers with an alert, who speaks HTTP
 * has an empty line in it to answer to.
 */
const GREETING = record(22, message(1, [3, 3], padded('\r\n\r\n', 32), [0], [0, 2, 0x0a, 0x0a], [1, 0]));
/** `H` of `HTTP/1.1 400 Bad Request`. */
const FIRST_OF_HTTP = 0x48;

/** Whether the other side answers a greeting of TLS in HTTP; false also when it says something else, or nothing. Ends the connection. */
export function answersPlainly(socket: Socket, opening: Set<Socket>): Promise<boolean> {
  opening.add(socket);
  return new Promise<boolean>((resolve, reject) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes[0] === FIRST_OF_HTTP));
    // What it means that it breaks off is found out by TLS itself.
    socket.once('error', (error) => (systemCode(error) === 'ECONNRESET' ? resolve(false) : reject(error)));
    socket.once('close', () => resolve(false));
    socket.write(GREETING);
  }).finally(() => {
    opening.delete(socket);
    socket.destroy();
  });
}

function record(type: number, content: readonly number[]): Buffer {
  return Buffer.from([type, 3, 1, content.length >> 8, content.length & 255, ...content]);
}

function message(type: number, ...parts: readonly (readonly number[])[]): number[] {
  const content = parts.flat();
  return [type, 0, content.length >> 8, content.length & 255, ...content];
}

function padded(text: string, size: number): number[] {
  return [...Buffer.from(text.padStart(size, '.'))];
}
