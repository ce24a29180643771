import { closeSync, openSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { plainError } from '../base/errors.ts';
import type { ExecProcess, ExitStatus, Keeper, Output, ProgramReach } from '../runtime/types.ts';
import {
  type ControlAnswer,
  type ControlMore,
  type ControlRequest,
  INPUT_WINDOW_BYTES,
} from './control-messages.ts';
import { containerError } from './errors.ts';
import { type Frame, readFrames, sendFrame } from './frames.ts';

/** The socket's name in the container's folder. */
export const CONTROL = 'control';
/** Connections at once. */
const MAX_CONNECTIONS = 256;
/** As much of what a container prints as waits for somebody who looks on and is slow; then they are left behind, not the container. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface ControlOptions {
  readonly keeper: Pick<Keeper, 'exec' | 'signalContainer'>;
  /** Of the container. */
  readonly folder: string;
  /** The main program, if what it prints comes here; otherwise nobody can attach to it. */
  readonly program?: ProgramReach | undefined;
}

/** The ear of a running container, in its folder and for its user only. */
export interface ControlServer {
  /** Shows those who are attached what the container prints. */
  show(output: Output): void;
  /** Nobody new is heard; the name is free for the next run. */
  stop(): void;
  /** Tells those who are attached how it ended, and returns when all have heard what they waited for, or have had time to. */
  close(exit: ExitStatus): Promise<void>;
}

/** How long those who do not read may hold up the end, in milliseconds. */
const LAST_WORDS_MS = 2000;

/** Listens in the container's folder; what an earlier one left there is replaced. */
export async function listenForControl({ keeper, folder, program }: ControlOptions): Promise<ControlServer> {
  const open = new Set<Socket>();
  const attached = new Set<Socket>();
  const answer = (socket: Socket, message: ControlAnswer): Promise<void> =>
    sendFrame(socket, { kind: 'message', message });

  const serving = new Set<Promise<void>>();

  const exec = async (socket: Socket, process: ExecProcess, detach: boolean, more: AsyncIterator<Frame>) => {
    const leave = new AbortController();
    let hasLeft = false;
    // As a terminal that is closed takes along what runs in it.
    if (process.tty && !detach) socket.once('close', () => hasLeft || leave.abort());
    const exit = await keeper.exec(folder, process, {
      signal: leave.signal,
      onStarted: (reach) => {
        const told = answer(socket, { kind: 'started' });
        // Nobody waits for its end: the place is for others.
        if (detach) void told.then(() => socket.destroySoon());
        else {
          void feed(reach, more, {
            onTaken: (bytes) => void answer(socket, { kind: 'taken', bytes }),
            onLeft: () => {
              hasLeft = true;
              socket.destroySoon();
            },
          }).then(() => {
            // Input ends by a word of its own: who has closed the connection is gone. Not every Node closes this side of it by itself.
            if (!hasLeft) socket.destroy();
          });
        }
      },
      onEvent: (detach ? () => {} : (output: Output) => sendFrame(socket, { kind: 'bytes', ...output })) as (
        output: Output,
      ) => void,
    });
    await answer(socket, { kind: 'exit', exit });
  };
  const attach = async (
    socket: Socket,
    request: Extract<ControlRequest, { do: 'attach' }>,
    more: AsyncIterator<Frame>,
  ) => {
    if (program === undefined) throw containerError('CONTAINER_FOREGROUND', {});
    attached.add(socket);
    await answer(socket, { kind: 'started' });
    // A program draws its screen again when its size changes.
    if (request.size !== undefined) {
      program.resize({ ...request.size, rows: request.size.rows + 1 });
      program.resize(request.size);
    }
    await feed(program, more, {
      ends: false,
      onTaken: (bytes) => void answer(socket, { kind: 'taken', bytes }),
    });
  };
  const serve = async (socket: Socket): Promise<void> => {
    const frames = readFrames(socket)[Symbol.asyncIterator]();
    const first = await frames.next();
    if (first.done === true || first.value.kind !== 'message') return;
    const request = first.value.message as ControlRequest;
    switch (request.do) {
      case 'exec':
        return exec(socket, request.process, request.detach, frames);
      case 'attach':
        return attach(socket, request, frames);
      case 'signal':
        await keeper.signalContainer(folder, request.signal, request.to);
        return answer(socket, { kind: 'done' });
    }
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (open.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      attached.delete(socket);
    });
    const served = serve(socket)
      .catch((error: unknown) => answer(socket, { kind: 'failed', error: plainError(error) }))
      .finally(() => {
        serving.delete(served);
        socket.end();
      });
    serving.add(served);
  });
  const release = await listen(server, folder);
  return {
    show(output) {
      for (const socket of attached) {
        if (socket.writableLength > MAX_WAITING_BYTES) socket.destroy();
        else void sendFrame(socket, { kind: 'bytes', ...output });
      }
    },
    stop() {
      server.close();
      release();
    },
    async close(exit) {
      for (const socket of attached) void answer(socket, { kind: 'exit', exit }).then(() => socket.end());
      const patience = new Promise<void>((resolve) => setTimeout(resolve, LAST_WORDS_MS).unref());
      await Promise.race([Promise.allSettled(serving), patience]);
      for (const socket of open) socket.destroySoon();
      setTimeout(() => open.forEach((socket) => void socket.destroy()), LAST_WORDS_MS).unref();
    },
  };
}

/** Gives a program what comes, until its end, or until the other side says that it leaves; reads on while the program takes its time, up to a bound. */
async function feed(
  reach: ProgramReach,
  frames: AsyncIterator<Frame>,
  {
    ends = true,
    onTaken,
    onLeft,
  }: {
    readonly ends?: boolean;
    readonly onTaken: (bytes: number) => void;
    readonly onLeft?: () => void;
  },
): Promise<void> {
  let untaken = 0;
  // What is written is taken in its order: with the last all is.
  let last = Promise.resolve();
  const give = (bytes: Uint8Array): void => {
    untaken += bytes.length;
    last = reach.write(bytes).then(() => {
      untaken -= bytes.length;
      onTaken(bytes.length);
    });
  };
  for (;;) {
    if (untaken > INPUT_WINDOW_BYTES) await last;
    const { done, value } = await frames.next();
    if (done === true) break;
    if (value.kind === 'bytes') give(value.bytes);
    else if (value.kind === 'end') {
      if (ends) reach.end();
    } else {
      const more = value.message as ControlMore;
      if ('resize' in more) reach.resize(more.resize);
      else if (more.left === true) {
        onLeft?.();
        return;
      }
    }
  }
  if (ends) reach.end();
}

/** The address of a socket holds 107 bytes: a descriptor of the folder stands for its path. Returns what gives that up. */
async function listen(server: ReturnType<typeof createServer>, folder: string): Promise<() => void> {
  rmSync(join(folder, CONTROL), { force: true });
  const fd = openSync(folder, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The socket is made at once, and told of later: what else this process makes meanwhile has the modes that it should.
      const before = process.umask(0o177);
      try {
        server.listen(`/proc/self/fd/${fd}/${CONTROL}`, () => resolve());
      } finally {
        process.umask(before);
      }
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  server.unref();
  return () => closeSync(fd);
}
