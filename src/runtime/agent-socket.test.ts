import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenForAgent } from './agent-socket.ts';

/** Asks for the identities, and signs. */
const LIST = Buffer.from([0, 0, 0, 1, 11]);
const SIGN = Buffer.from([0, 0, 0, 3, 13, 7, 7]);
const REMOVE_ALL = Buffer.from([0, 0, 0, 1, 19]);
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);

describe.skipIf(process.platform !== 'linux')('the socket of an agent in a container', () => {
  let folder: string;
  let agent: Server;
  const heard: Buffer[] = [];
  beforeEach(async () => {
    // Longer than the address of a socket may be.
    folder = mkdtempSync(join(tmpdir(), `dobos-agent-${'x'.repeat(100)}-`));
    heard.length = 0;
    agent = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes);
        socket.write(bytes);
      });
    });
    await new Promise<void>((resolve) => agent.listen(join(tmpdir(), `dobos-a-${process.pid}`), resolve));
  });
  afterEach(async () => {
    await new Promise((resolve) => agent.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** What comes back for these bytes, up to `want` bytes or the end. */
  const talk = async (parts: readonly Buffer[], want: number): Promise<Buffer> => {
    const path = join(folder, 's');
    const { close } = await listenForAgent(path, join(tmpdir(), `dobos-a-${process.pid}`));
    process.chdir(folder);
    try {
      const client = createConnection('s');
      for (const part of parts) client.write(part);
      let got = Buffer.alloc(0);
      for await (const bytes of client as AsyncIterable<Buffer>) {
        got = Buffer.concat([got, bytes]);
        if (got.length >= want) break;
      }
      return got;
    } finally {
      process.chdir('/');
      await close();
    }
  };

  it('passes on questions for keys and signatures, however they are cut', async () => {
    const bytes = Buffer.concat([LIST, SIGN]);
    const parts = [...bytes].map((byte) => Buffer.from([byte]));
    expect(await talk(parts, bytes.length)).toEqual(bytes);
    expect(Buffer.concat(heard)).toEqual(bytes);
  });

  it('answers everything else itself: nobody changes the keys of the person', async () => {
    expect(await talk([REMOVE_ALL], FAILURE.length)).toEqual(FAILURE);
    expect(heard).toEqual([]);
  });

  it('ends with who says something longer than any message', async () => {
    expect(await talk([Buffer.from([0x7f, 0, 0, 0, 11])], 1)).toEqual(Buffer.alloc(0));
    expect(await talk([Buffer.from([0, 0, 0, 0, 11])], 1)).toEqual(Buffer.alloc(0));
  });
});
