/**
 * Content digests of a context's files by what stat says about them, so that a file that nobody touched is not read again.
 * The inode and the ctime close the gap that size and mtime leave: neither can be set back by a copy or by `touch`.
 * A file that changed within a clock tick of being read is never remembered (git's "racily clean" rule, applied when writing).
 * Format: `DOBOSCX1`, a u32 count and a u32 byte-order mark, then columns dev, ino, size (f64), mtimeNs, ctimeNs of 8 bytes a row, digests
 * of 32. Renames keep their rows, as names are not part of it.
 * @module
 */
import type { Stamp } from './disk-source.ts';

const MAGIC = Buffer.from('DOBOSCX1');
const BYTE_ORDER = 0x01020304;
const HEAD_BYTES = 16;
const DIGEST_BYTES = 32;
const ROW_BYTES = 5 * 8 + DIGEST_BYTES;
/** A kernel stamps files with a clock that lags by up to one tick (10 ms at 100 Hz). */
const TICK_NS = 20_000_000n;
/** File systems that keep no fractions of a second round by up to two (FAT). */
const COARSE_NS = 2_000_000_000n;
const SECOND_NS = 1_000_000_000n;

/** One file whose content is known. */
export interface StatRow {
  readonly stamp: Stamp;
  readonly size: number;
  /** Lower-case hex. */
  readonly digest: string;
}

export interface StatIndex {
  /** Hex of the content's sha256, if the file is one whose content is known. */
  find(stamp: Stamp, size: number): string | undefined;
  rows(): Iterable<StatRow>;
  readonly count: number;
}

/** The index in these bytes; an empty one if they are none (a note may be cut short: it costs time only). */
export function parseStatIndex(bytes: Buffer | undefined): StatIndex {
  const count = bytes === undefined ? 0 : readCount(bytes);
  if (bytes === undefined || count === 0) return { find: () => undefined, rows: () => [], count: 0 };
  // Columns want their alignment, and a note may be a part of a pooled buffer.
  const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const column = (at: number): number => HEAD_BYTES + at * 8 * count;
  const dev = new BigUint64Array(whole, column(0), count);
  const ino = new BigUint64Array(whole, column(1), count);
  const size = new Float64Array(whole, column(2), count);
  const mtime = new BigInt64Array(whole, column(3), count);
  const ctime = new BigInt64Array(whole, column(4), count);
  const digests = Buffer.from(whole, column(5));
  const digestAt = (row: number): string =>
    digests.toString('hex', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES);
  const byIno = new Map<bigint, number>();
  for (let row = 0; row < count; row++) byIno.set(ino[row]!, row);
  return {
    count,
    find(stamp, wanted) {
      const row = byIno.get(stamp.ino);
      return row !== undefined &&
        dev[row] === stamp.dev &&
        size[row] === wanted &&
        mtime[row] === stamp.mtimeNs &&
        ctime[row] === stamp.ctimeNs
        ? digestAt(row)
        : undefined;
    },
    *rows() {
      for (let row = 0; row < count; row++) {
        yield {
          stamp: { dev: dev[row]!, ino: ino[row]!, mtimeNs: mtime[row]!, ctimeNs: ctime[row]! },
          size: size[row]!,
          digest: digestAt(row),
        };
      }
    },
  };
}

/** The bytes of an index over these rows; of several rows for one inode the last is kept. */
export function formatStatIndex(rows: Iterable<StatRow>): Buffer {
  const byFile = new Map<string, StatRow>();
  for (const row of rows) byFile.set(`${row.stamp.dev}:${row.stamp.ino}`, row);
  const count = byFile.size;
  const whole = new ArrayBuffer(HEAD_BYTES + count * ROW_BYTES);
  const bytes = Buffer.from(whole);
  MAGIC.copy(bytes);
  new Uint32Array(whole, MAGIC.length, 2).set([count, BYTE_ORDER]);
  const big = new BigInt64Array(whole, HEAD_BYTES, 5 * count);
  const size = new Float64Array(whole, HEAD_BYTES + 2 * 8 * count, count);
  let at = 0;
  for (const row of byFile.values()) {
    big[at] = row.stamp.dev;
    big[count + at] = row.stamp.ino;
    big[3 * count + at] = row.stamp.mtimeNs;
    big[4 * count + at] = row.stamp.ctimeNs;
    size[at] = row.size;
    bytes.write(row.digest, HEAD_BYTES + 5 * 8 * count + at * DIGEST_BYTES, DIGEST_BYTES, 'hex');
    at++;
  }
  return bytes;
}

/** True if a file with this stamp, read at `readAtNs` or later, could have changed since without it showing. */
export function isRacy(stamp: Stamp, readAtNs: bigint): boolean {
  const lag = stamp.ctimeNs % SECOND_NS === 0n ? COARSE_NS : TICK_NS;
  return stamp.mtimeNs + lag >= readAtNs || stamp.ctimeNs + lag >= readAtNs;
}

function readCount(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 0;
  const head = new Uint32Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + HEAD_BYTES));
  const count = head[0]!;
  return head[1] === BYTE_ORDER && bytes.length === HEAD_BYTES + count * ROW_BYTES ? count : 0;
}
