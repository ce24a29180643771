import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../base/bytes.ts';
import { giveBack } from '../base/lent-bytes.ts';
import { connectRoomy } from './connect-roomy.ts';

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
    const socket = connectRoomy({ host: '127.0.0.1', port: await serve(bytes) });
    const memory = new Set<ArrayBufferLike>();
    const parts: Buffer[] = [];
    let large = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      memory.add(chunk.buffer);
      if (chunk.length > 200_000) large++;
      parts.push(Buffer.from(chunk));
      giveBack(chunk);
    }
    expect(sha256(Buffer.concat(parts))).toBe(sha256(bytes));
    expect(large).toBeGreaterThan(2);
    expect(memory.size).toBeLessThan(parts.length - large / 2);
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
