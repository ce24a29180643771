import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Fault } from './fault-plan.ts';

/** What a sound server would have answered. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly bytes: Buffer;
}

/** A body that has no end comes in pieces of this size. */
const PIECE = Buffer.alloc(64 * 1024, 0x20);
/** Between the drops of a body that drips. */
const DROP_MS = 20;
const HUGE_BYTES = 100 * 1024 * 1024;

/** Answers as the fault says; the body's bytes are what `whole` has, up to where it goes wrong. */
export function breakAnswer(
  fault: Fault,
  whole: UpstreamAnswer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { status, headers, bytes } = whole;
  const head = (more: Readonly<Record<string, string | number>> = {}, code = status): void => {
    response.writeHead(code, { ...headers, ...more });
  };
  const upTo = (share: number): Buffer => bytes.subarray(0, Math.floor(bytes.length * share));
  const socket = request.socket;
  switch (fault.kind) {
    case 'cut':
      head();
      response.write(upTo(fault.share), () => socket.destroy());
      return;
    // The request is not passed on whole, so that there is no answer to break.
    case 'cut-body':
    case 'reset':
      socket.resetAndDestroy();
      return;
    case 'status': {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...retryAfter(fault) });
      const code = fault.status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN';
      response.end(Buffer.from(`{"errors":[{"code":"${code}","message":"not now"}]}`));
      return;
    }
    case 'length': {
      const announced = Math.max(0, bytes.length + fault.by);
      const sent = fault.kept ? bytes.subarray(0, announced) : bytes;
      const filled = Buffer.concat([sent, Buffer.alloc(fault.kept ? announced - sent.length : 0)]);
      sendRaw(socket, status, { ...headers, 'content-length': String(announced) }, filled);
      return;
    }
    case 'flip': {
      const other = Buffer.from(bytes);
      const at = Math.min(other.length - 1, Math.floor(other.length * fault.share));
      if (at >= 0) other[at]! ^= 0x40;
      head();
      response.end(other);
      return;
    }
    case 'drip': {
      head();
      response.write(upTo(fault.share));
      let at = upTo(fault.share).length;
      const drops = setInterval(() => {
        if (response.destroyed || at + 1 >= bytes.length) clearInterval(drops);
        else response.write(bytes.subarray(at, ++at));
      }, DROP_MS);
      response.once('close', () => clearInterval(drops));
      return;
    }
    case 'stall':
      head();
      response.write(upTo(fault.share));
      return;
    case 'silence':
      return;
    case 'no-range':
      head();
      response.end(bytes);
      return;
    case 'part-as-whole':
      if (status === 206) head({}, 200);
      else head();
      response.end(bytes);
      return;
    case 'wrong-range':
      if (status === 206) head({ 'content-range': shifted(String(headers['content-range']), fault.by) });
      else head();
      response.end(bytes);
      return;
    case 'other-bytes': {
      head();
      response.end(
        Buffer.concat([upTo(fault.share), Buffer.alloc(bytes.length - upTo(fault.share).length, 7)]),
      );
      return;
    }
    case 'endless':
      // An answer to HEAD has no body, and writing one is always said to be done.
      if (request.method === 'HEAD') {
        head();
        response.end();
        return;
      }
      pour(fault.announced ? HUGE_BYTES : undefined, headers, response);
      return;
    case 'body': {
      const { 'docker-content-digest': _, etag: __, ...rest } = headers;
      const type = fault.type ?? String(headers['content-type'] ?? 'application/json');
      const text = Buffer.from(fault.text);
      response.writeHead(200, { ...rest, 'content-type': type, 'content-length': text.length }).end(text);
      return;
    }
    case 'headers':
      head({ 'x-much': 'x'.repeat(fault.bytes) });
      response.end(bytes);
      return;
  }
}

/** As it stands, without Node's own care for lengths; the connection ends with it. */
function sendRaw(
  socket: Socket,
  status: number,
  headers: Readonly<Record<string, string | string[]>>,
  bytes: Buffer,
): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  socket.write(`HTTP/1.1 ${status} OK\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  socket.end(bytes);
}

function retryAfter(fault: Extract<Fault, { kind: 'status' }>): Record<string, string> {
  switch (fault.retryAfter) {
    case 'seconds':
      return { 'retry-after': '1' };
    case 'date':
      return { 'retry-after': new Date(Date.now() + 1000).toUTCString() };
    case 'nonsense':
      return { 'retry-after': 'soon; or -1' };
    case 'never':
      return { 'retry-after': '86400' };
    default:
      return {};
  }
}

const shifted = (range: string, by: number): string =>
  range.replace(
    /(\d+)-(\d+)/,
    (_, first: string, last: string) => `${Number(first) + by}-${Number(last) + by}`,
  );

/** Many bytes, as fast as they are taken. */
function pour(
  announced: number | undefined,
  headers: UpstreamAnswer['headers'],
  response: ServerResponse,
): void {
  const { 'content-length': _, 'docker-content-digest': __, ...rest } = headers;
  response.writeHead(200, { ...rest, ...(announced === undefined ? {} : { 'content-length': announced }) });
  let left = announced ?? Number.POSITIVE_INFINITY;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= PIECE.length;
      if (!response.write(PIECE)) {
        response.once('drain', more);
        return;
      }
    }
    if (!response.destroyed) response.end();
  };
  more();
}
