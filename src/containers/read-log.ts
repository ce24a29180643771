import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { type LogEntry, logFiles, parseEntry } from './container-log.ts';

/** Between two looks at a log that grows, in milliseconds. */
const LOOK_EVERY_MS = 50;
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** Longer ones are none that we wrote. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface ReadLogOptions extends CallOptions {
  /** So many lines at the end of what is there; all without it. */
  readonly tail?: number | undefined;
  /** Epoch milliseconds; both count. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Asked at the end of the log: true to wait for more. */
  readonly goesOn?: (() => boolean) | undefined;
}

/** What a container printed, oldest first; nothing if it has no log. Lines that cannot be read are left out. */
export async function* readLog(folder: string, o: ReadLogOptions = {}): AsyncIterable<LogEntry> {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = o;
  const fits = ({ time }: LogEntry): boolean => time >= since && time <= until;
  const reader = openReader(folder);
  try {
    // Those of the tail are known when all that is there was read.
    if (o.tail !== undefined) yield* lastLines(reader.read(), o.tail, fits);
    for (;;) {
      // Asked first: what came before the answer is read.
      const more = o.goesOn?.() === true;
      for (const entry of reader.read()) {
        if (entry.time > until) return;
        if (fits(entry)) yield entry;
      }
      if (!more) return;
      await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
      o.signal?.throwIfAborted();
    }
  } finally {
    reader.close();
  }
}

function* lastLines(
  entries: Iterable<LogEntry>,
  lines: number,
  fits: (entry: LogEntry) => boolean,
): Iterable<LogEntry> {
  const kept: LogEntry[][] = [];
  /** Of each stream, the line that has begun and not ended. */
  const open: Partial<Record<LogEntry['stream'], LogEntry[]>> = {};
  for (const entry of entries) {
    if (!fits(entry)) continue;
    const line = open[entry.stream] ?? [];
    if (line.length === 0) kept.push(line);
    line.push(entry);
    if (endsLine(entry)) delete open[entry.stream];
    else open[entry.stream] = line;
    if (kept.length > lines + MAX_DROPPED) kept.splice(0, MAX_DROPPED);
  }
  yield* lines === 0 ? [] : kept.slice(-lines).flat();
}

/** Lines that are no longer wanted and still kept. */
const MAX_DROPPED = 1024;

/** Whether a line ends with this piece of it. */
export const endsLine = ({ bytes }: LogEntry): boolean => bytes.at(-1) === NEWLINE;

interface LogReader {
  /** All that came since the last time. */
  read(): Iterable<LogEntry>;
  close(): void;
}

/** Goes through the older file, then the newer one, and from that to its successors when it has become the older one. */
function openReader(folder: string): LogReader {
  const [older, newer] = logFiles(folder);
  let fd = openOr(older) ?? openOr(newer);
  let rest: Buffer = Buffer.alloc(0);
  const isLast = (): boolean => fd !== undefined && inode(newer) === fstatSync(fd).ino;
  function* read(): Iterable<LogEntry> {
    fd ??= openOr(newer);
    while (fd !== undefined) {
      // Looked at before the end is: what was written until it became the older file is read.
      const last = isLast();
      yield* readOn();
      if (last) return;
      closeSync(fd);
      rest = Buffer.alloc(0);
      fd = openOr(newer);
    }
  }
  function* readOn(): Iterable<LogEntry> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let count = readSync(fd!, chunk); count > 0; count = readSync(fd!, chunk)) {
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        const entry = parseEntry(rest.toString('utf8', start, end));
        start = end + 1;
        if (entry !== undefined) yield entry;
      }
      rest = rest.length - start > MAX_LINE_BYTES ? Buffer.alloc(0) : rest.subarray(start);
    }
  }
  return { read, close: () => fd !== undefined && closeSync(fd) };
}

function openOr(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const inode = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;
