import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../base/bytes.ts';
import { giveBack } from '../base/lent-bytes.ts';
import { connectRoomy } from './connect-roomy.ts';

/** Pieces that may be waiting for the next read when the last has come. */
const SPARE = 7;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A port that sends these bytes to whoever comes. */
async function serve(bytes: Uint8Array): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).end(bytes)).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a roomy connection', () => {
  const bytes = randomBytes(20_000_000);

  it('brings the bytes as they are when every chunk is given back, and reads into the same memory again', async () => {
    // How much one read brings is the kernel's choice: only reads that fill a piece make it free again.
    let full = 0;
    for (let tries = 0; full < 3 && tries < 20; tries++) {
      const socket = connectRoomy({ host: '127.0.0.1', port: await serve(bytes) });
      const memory = new Set<ArrayBufferLike>();
      const hash = createHash('sha256');
      let pieces = 0;
      full = 0;
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        memory.add(chunk.buffer);
        if (chunk.byteOffset === 0) pieces++;
        if (chunk.byteOffset === 0 && chunk.length > 200_000) full++;
        hash.update(chunk);
        giveBack(chunk);
      }
      expect(`sha256:${hash.digest('hex')}`).toBe(sha256(bytes));
      expect(memory.size).toBeLessThanOrEqual(pieces - full + SPARE);
    }
    expect(full).toBeGreaterThan(2);
  });

  it('leaves chunks alone that are kept, and those of which only a part was given back', async () => {
    const socket = connectRoomy({ host: '127.0.0.1', port: await serve(bytes) });
    const kept: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      kept.push(chunk);
      if (chunk.length > 2) giveBack(chunk.subarray(0, chunk.length - 1));
    }
    expect(sha256(Buffer.concat(kept))).toBe(sha256(bytes));
  });
});
