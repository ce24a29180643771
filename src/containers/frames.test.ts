import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenForControl } from './control-server.ts';
import { type Frame, readFrames, sendFrame } from './frames.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-frames-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the other side reads when this is written. */
async function through(write: (socket: Socket) => void): Promise<Frame[]> {
  const server = createServer();
  server.listen(join(folder, 's'));
  await once(server, 'listening');
  const socket = createConnection(join(folder, 's'));
  const [other] = (await once(server, 'connection')) as [Socket];
  write(socket);
  socket.end();
  const frames: Frame[] = [];
  for await (const frame of readFrames(other)) frames.push(frame);
  socket.destroy();
  other.destroy();
  server.close();
  return frames;
}

const FRAMES: Frame[] = [
  { kind: 'message', message: { do: 'x' } },
  { kind: 'bytes', stream: 'stdout', bytes: Buffer.from([0, 255]) },
  { kind: 'bytes', stream: 'stderr', bytes: Buffer.alloc(70_000, 7) },
  { kind: 'end' },
];

describe('frames', () => {
  it('come as they were sent', async () =>
    expect(await through((socket) => FRAMES.forEach((frame) => void sendFrame(socket, frame)))).toEqual(
      FRAMES,
    ));

  it.each([
    ['a length beyond all bounds', [0xff, 0xff, 0xff, 0xff, 0]],
    ['an unknown kind', [0, 0, 0, 0, 9]],
    ['a message that is no JSON', [0, 0, 0, 1, 0, 0x7b]],
    ['a message that is no object', [0, 0, 0, 1, 0, 0x31]],
    ['a frame that is cut off', [0, 0, 0, 9, 1, 1]],
  ])('end with %s', async (_, bytes) => {
    const frames = await through((socket) => {
      void sendFrame(socket, { kind: 'end' });
      socket.write(Buffer.from(bytes));
    });
    expect(frames).toEqual([{ kind: 'end' }]);
  });
});

describe('the control socket', () => {
  const keeper = {
    exec: async () => ({ code: 3 }),
    signalContainer: async () => {
      throw new Error('no such thing');
    },
  };

  it('is its user’s alone, answers, and is gone when it stops', async () => {
    const before = process.umask(0o022);
    const listening = listenForControl({ keeper, folder });
    // What else this process makes meanwhile has the modes that it should.
    expect(process.umask(before)).toBe(0o022);
    const server = await listening;
    const path = join(folder, 'control');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ask = async (message: object): Promise<unknown[]> => {
      const socket = createConnection(path);
      void sendFrame(socket, { kind: 'message', message });
      const answers: unknown[] = [];
      for await (const frame of readFrames(socket)) if (frame.kind === 'message') answers.push(frame.message);
      return answers;
    };
    expect(await ask({ do: 'exec', process: {}, detach: false })).toEqual([
      { kind: 'exit', exit: { code: 3 } },
    ]);
    expect(await ask({ do: 'signal' })).toMatchObject([
      { kind: 'failed', error: { message: 'no such thing' } },
    ]);
    expect(await ask({ do: 'attach' })).toMatchObject([
      { kind: 'failed', error: { code: 'CONTAINER_FOREGROUND' } },
    ]);
    expect(await ask({ do: 'nonsense' })).toEqual([]);
    server.stop();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    await server.close({ code: 0 });
  });

  it('listens also where its path is too long for an address', async () => {
    const deep = join(folder, 'd'.repeat(200));
    mkdirSync(deep);
    const server = await listenForControl({ keeper, folder: deep });
    expect(statSync(join(deep, 'control')).isSocket()).toBe(true);
    server.stop();
    await server.close({ code: 0 });
  });
});
