import type { Socket } from 'node:net';

/** What goes over a container's control socket: a length of four bytes, a kind, the payload. */
export type Frame =
  | { readonly kind: 'message'; readonly message: unknown }
  /** To the container its input, from it its output. */
  | { readonly kind: 'bytes'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** Of the input. */
  | { readonly kind: 'end' };

const HEADER_BYTES = 5;
/** Messages hold an environment at most. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;
const KINDS = { message: 0, stdout: 1, stderr: 2, end: 3 } as const;

/** Sends a frame; returns when there is room for more, or nobody listens any more. */
export function sendFrame(socket: Socket, frame: Frame): Promise<void> {
  const [kind, payload] = encode(frame);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header.writeUInt8(kind, 4);
  return new Promise((resolve) => {
    if (socket.destroyed || socket.writableEnded) {
      resolve();
      return;
    }
    socket.write(Buffer.concat([header, payload]), () => resolve());
  });
}

function encode(frame: Frame): [kind: number, payload: Uint8Array] {
  if (frame.kind === 'message') return [KINDS.message, Buffer.from(JSON.stringify(frame.message))];
  return frame.kind === 'end' ? [KINDS.end, Buffer.alloc(0)] : [KINDS[frame.stream], frame.bytes];
}

/** The frames that come, read no faster than they are taken; ends with the other side, also where that spoke nonsense. */
export async function* readFrames(socket: Socket): AsyncIterable<Frame> {
  let waiting: Buffer = Buffer.alloc(0);
  try {
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]);
      for (;;) {
        const frame = nextFrame(waiting);
        if (frame === undefined) break;
        if (frame === 'nonsense') return;
        waiting = waiting.subarray(frame.length);
        yield frame.frame;
      }
    }
  } catch {
    // A connection that was cut has ended.
  }
}

function nextFrame(
  waiting: Buffer,
): { readonly frame: Frame; readonly length: number } | 'nonsense' | undefined {
  if (waiting.length < HEADER_BYTES) return undefined;
  const length = HEADER_BYTES + waiting.readUInt32BE(0);
  if (length > MAX_FRAME_BYTES) return 'nonsense';
  if (waiting.length < length) return undefined;
  const payload = waiting.subarray(HEADER_BYTES, length);
  switch (waiting[4]) {
    case KINDS.message: {
      const message = parse(payload);
      return message === undefined ? 'nonsense' : { frame: { kind: 'message', message }, length };
    }
    case KINDS.stdout:
      return { frame: { kind: 'bytes', stream: 'stdout', bytes: payload }, length };
    case KINDS.stderr:
      return { frame: { kind: 'bytes', stream: 'stderr', bytes: payload }, length };
    case KINDS.end:
      return { frame: { kind: 'end' }, length };
    default:
      return 'nonsense';
  }
}

/** Undefined for what is no object. */
function parse(payload: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
