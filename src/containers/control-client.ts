import { closeSync, openSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { reviveError, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { TerminalSize } from '../linux/pty.ts';
import type { ExitStatus, Output } from '../runtime/types.ts';
import type { ContainerRecords } from './container-records.ts';
import { type ControlAnswer, type ControlRequest, INPUT_WINDOW_BYTES } from './control-messages.ts';
import { CONTROL } from './control-server.ts';
import { containerError } from './errors.ts';
import { readFrames, sendFrame } from './frames.ts';
import type { Container } from './types.ts';

/** Between two tries, in milliseconds, and of all of them: a container that has just been started may not listen yet. */
const PAUSE_MS = 20;
const LONGEST_WAIT_SECONDS = 30;
/** For an answer to the word that this side leaves, in milliseconds. */
const LEAVE_MS = 10_000;

export interface ControlWatch extends CallOptions {
  /** What is printed; a promise holds the rest back. */
  readonly onOutput?: ((output: Output) => Promise<void>) | undefined;
  /** Told when the program runs, or is attached to: how input goes there. */
  readonly onStarted?: ((input: ControlInput) => void) | undefined;
}

export interface ControlInput {
  /** Sends bytes at once; returns when there is room for more, so that what a slow program is given waits with whoever makes it. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  resize(size: TerminalSize): void;
  /** Leaves: what runs goes on. */
  detach(): Promise<void>;
}

/**
 * Asks the process that looks after a container; the exit status of what was run or attached to, undefined for what has none, or when it was left.
 * @throws CONTAINER_NOT_RUNNING, CONTAINER_UNREACHABLE, CONTAINER_LOST, and what the other side throws
 */
export async function askContainer(
  records: ContainerRecords,
  container: Pick<Container, 'id' | 'name'>,
  request: ControlRequest,
  o: ControlWatch = {},
): Promise<ExitStatus | undefined> {
  const socket = await connect(records, container, o);
  let left = false;
  const detach = async (): Promise<void> => {
    left = true;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await sendFrame(socket, { kind: 'message', message: { left: true } });
    // The other side closes when it has heard it: closed from here with something unread the connection breaks, and what was said last may be lost.
    const patience = setTimeout(() => socket.destroy(), LEAVE_MS);
    await closed;
    clearTimeout(patience);
  };
  const { input, taken } = inputOf(socket, detach);
  const abort = (): void => void socket.destroy();
  o.signal?.addEventListener('abort', abort, { once: true });
  try {
    await sendFrame(socket, { kind: 'message', message: request });
    for await (const frame of readFrames(socket)) {
      if (left) continue;
      if (frame.kind === 'bytes') await o.onOutput?.({ stream: frame.stream, bytes: frame.bytes });
      if (frame.kind !== 'message') continue;
      const answer = frame.message as ControlAnswer;
      switch (answer.kind) {
        case 'started':
          if (request.do === 'exec' && request.detach) return undefined;
          o.onStarted?.(input);
          break;
        case 'taken':
          taken(answer.bytes);
          break;
        case 'exit':
          return answer.exit;
        case 'done':
          return undefined;
        case 'failed':
          throw reviveError(answer.error);
      }
    }
    o.signal?.throwIfAborted();
    if (left) return undefined;
    throw containerError('CONTAINER_LOST', { name: container.name });
  } finally {
    o.signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** Of this the program may have left untaken before more is sent: one more piece, as large as a pipe gives, still fits into the window. */
const MOST_UNTAKEN_BYTES = INPUT_WINDOW_BYTES / 2;

function inputOf(
  socket: Socket,
  detach: () => Promise<void>,
): { readonly input: ControlInput; readonly taken: (bytes: number) => void } {
  let untaken = 0;
  const waiting: (() => void)[] = [];
  const letGo = (): void => {
    for (const go of waiting.splice(0)) go();
  };
  socket.once('close', letGo);
  const input: ControlInput = {
    async write(bytes) {
      untaken += bytes.length;
      await sendFrame(socket, { kind: 'bytes', stream: 'stdout', bytes });
      while (untaken > MOST_UNTAKEN_BYTES && !socket.destroyed)
        await new Promise<void>((resolve) => waiting.push(resolve));
    },
    end: () => void sendFrame(socket, { kind: 'end' }),
    resize: (size) => void sendFrame(socket, { kind: 'message', message: { resize: size } }),
    detach,
  };
  return {
    input,
    taken(bytes) {
      untaken -= bytes;
      letGo();
    },
  };
}

async function connect(
  records: ContainerRecords,
  { id, name }: Pick<Container, 'id' | 'name'>,
  o: CallOptions,
): Promise<Socket> {
  // Not performance.now(): the module behind it takes 1 ms to load.
  const began = process.uptime();
  for (;;) {
    const now = records.get(id)?.state;
    if (now?.kind !== 'running') {
      throw containerError('CONTAINER_NOT_RUNNING', { name, state: now?.kind ?? 'gone' });
    }
    const socket = await tryConnect(records.folderOf(id)).catch((error: unknown) => {
      const code = systemCode(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'EAGAIN') return undefined;
      throw error;
    });
    if (socket !== undefined) return socket;
    if (process.uptime() - began > LONGEST_WAIT_SECONDS) {
      throw containerError('CONTAINER_UNREACHABLE', { name, seconds: LONGEST_WAIT_SECONDS });
    }
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    o.signal?.throwIfAborted();
  }
}

/** Whether the process that looks after a container listens in its folder: as long as its program runs, it does. */
export async function isListening(folder: string): Promise<boolean> {
  try {
    (await tryConnect(folder)).destroy();
    return true;
  } catch {
    return false;
  }
}

function tryConnect(folder: string): Promise<Socket> {
  // As the server does: the path itself may be too long.
  const fd = openSync(folder, 'r');
  return new Promise<Socket>((resolve, reject) => {
    const socket = createConnection({ path: `/proc/self/fd/${fd}/${CONTROL}`, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // What is cut off has ended.
      socket.on('error', () => {});
      resolve(socket);
    });
  }).finally(() => closeSync(fd));
}
