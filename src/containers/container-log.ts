import { closeSync, fstatSync, openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Output } from '../runtime/types.ts';
import { writeAll } from '../store/atomic-file.ts';

/** Of each of the two files; what is older than both is gone. */
export const MAX_LOG_BYTES = 32 * 1024 * 1024;
/** Of one entry's text, as docker has it: a longer line is several entries. */
const MAX_ENTRY_BYTES = 16 * 1024;
const NEWLINE = 0x0a;

/** A piece of what a container printed: a line with its end, or a part of one. */
export interface LogEntry {
  readonly stream: Output['stream'];
  /** Epoch milliseconds. */
  readonly time: number;
  readonly bytes: Buffer;
}

/** The log of a container's folder, older file first. */
export const logFiles = (folder: string): readonly [older: string, newer: string] => [
  join(folder, 'log.1'),
  join(folder, 'log'),
];

/** Writes down what a container prints, as soon as it comes: a kill loses nothing that was taken. What a full disk does not take is lost; what comes when there is room again is not. */
export interface LogWriter {
  write(output: Output): void;
  close(): void;
}

/** Goes on with the log of the container's folder. `now` gives epoch milliseconds. */
export function openLogWriter(folder: string, now: () => number, maxBytes = MAX_LOG_BYTES): LogWriter {
  const [older, newer] = logFiles(folder);
  const open = (): number => openSync(newer, 'a', 0o600);
  let fd = open();
  let size = fstatSync(fd).size;
  // One that was killed in the middle of a line, or found no room for its end, has spoiled that line only.
  let isTorn = size > 0;
  const append = (text: string): void => {
    const bytes = Buffer.from(isTorn ? `\n${text}` : text);
    isTorn = true;
    writeAll(fd, bytes);
    isTorn = false;
    size += bytes.length;
  };
  const turnOver = (): void => {
    renameSync(newer, older);
    const next = open();
    closeSync(fd);
    fd = next;
    size = 0;
  };
  return {
    write({ stream, bytes }) {
      const time = now();
      const text = [...pieces(Buffer.from(bytes))]
        .map((piece) => formatEntry({ stream, time, bytes: piece }))
        .join('');
      try {
        append(text);
        if (size >= maxBytes) turnOver();
      } catch {
        // The container does not end because its log has no room.
      }
    },
    close: () => closeSync(fd),
  };
}

/** Lines with their ends, and what is left without one; none longer than an entry may be. */
function* pieces(bytes: Buffer): Iterable<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const line = bytes.indexOf(NEWLINE, start);
    const end = Math.min(line < 0 ? bytes.length : line + 1, start + MAX_ENTRY_BYTES);
    yield bytes.subarray(start, end);
    start = end;
  }
}

/** docker's line: `log` is text, or where that would lose bytes `base64` has them. */
export function formatEntry({ stream, time, bytes }: LogEntry): string {
  const text = bytes.toString('utf8');
  const whole = Buffer.from(text).equals(bytes);
  const said = whole ? { log: text } : { log: text, base64: bytes.toString('base64') };
  return `${JSON.stringify({ ...said, stream, time: new Date(time).toISOString() })}\n`;
}

/** The entry of a line; undefined for one that was cut off when its writer was killed. */
export function parseEntry(line: string): LogEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { log, base64, stream, time } = (value ?? {}) as Record<string, unknown>;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (typeof log !== 'string' || Number.isNaN(at) || (stream !== 'stdout' && stream !== 'stderr'))
    return undefined;
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(log);
  return { stream, time: at, bytes };
}
