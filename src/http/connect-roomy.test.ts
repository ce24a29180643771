import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../base/bytes.ts';
import { giveBack } from '../base/lent-bytes.ts';
import { connectRoomy } from './connect-roomy.ts';

/** Pieces of memory for 20 MB of which each chunk is given back at once. */
const MOST_PIECES = 8;

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
    const hash = createHash('sha256');
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      memory.add(chunk.buffer);
      hash.update(chunk);
      giveBack(chunk);
    }
    expect(`sha256:${hash.digest('hex')}`).toBe(sha256(bytes));
    expect(memory.size).toBeLessThan(MOST_PIECES);
  });

  it('reads into memory of many small reads again too, when the last of them is given back', async () => {
    let next = (): void => {};
    const server = createServer((socket) => {
      next = () => void socket.write(bytes.subarray(0, 10_000));
      next();
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const socket = connectRoomy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const memory = new Set<ArrayBufferLike>();
    let kept: Buffer[] = [];
    let received = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      memory.add(chunk.buffer);
      expect(chunk.equals(bytes.subarray(received % 10_000, (received % 10_000) + chunk.length))).toBe(true);
      kept.push(chunk);
      received += chunk.length;
      if (received >= 10_000_000) break;
      // In another order than they came, and one of them twice.
      if (kept.length >= 7) {
        for (const each of [...kept.reverse(), chunk]) giveBack(each);
        kept = [];
      }
      if (received % 10_000 === 0) next();
    }
    expect(memory.size).toBeLessThan(MOST_PIECES);
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
