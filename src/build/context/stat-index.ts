/**
 * Content digests of a context's files by what stat says about them, so that a file that nobody touched is not read again.
 * The inode and the ctime close the gap that size and mtime leave: neither can be set back by a copy or by `touch`.
 * A file that changed within a clock tick of being read is never remembered (git's "racily clean" rule, applied when writing).
 * Format: `DOBOSCX2`, a u32 byte-order mark, a u32 count, then columns dev, ino, size, mtimeNs, ctimeNs as f64, then digests of 32 bytes. Names are
 * no part of it, so renamed files keep their rows.
 * @module
 */
import type { Stamp } from './disk-source.ts';

const MAGIC = Buffer.from('DOBOSCX2');
const BYTE_ORDER = 0x01020304;
const HEAD_BYTES = 16;
const DIGEST_BYTES = 32;
const COLUMNS = ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const;
const ROW_BYTES = COLUMNS.length * 8 + DIGEST_BYTES;
/** A kernel stamps files with a clock that lags by up to one tick (10 ms at 100 Hz). */
const TICK_NS = 20e6;
/** File systems that keep no fractions of a second round by up to two (FAT). */
const COARSE_NS = 2e9;

/** One file whose content is known. */
export interface StatRow extends Stamp {
  /** Lower-case hex. */
  readonly digest: string;
}

export interface StatIndex {
  /** Hex of the content's sha256, if the file is one whose content is known. */
  find(stamp: Stamp): string | undefined;
  rows(): Iterable<StatRow>;
  inodes(): Iterable<number>;
  readonly count: number;
}

const EMPTY: StatIndex = { find: () => undefined, rows: () => [], inodes: () => [], count: 0 };

/** The index in these bytes; an empty one if they are none (a note may be cut short: it costs time only). */
export function parseStatIndex(bytes: Buffer | undefined): StatIndex {
  const count = bytes === undefined ? 0 : readCount(bytes);
  if (bytes === undefined || count === 0) return EMPTY;
  // Columns want their alignment, and a note may be a part of a pooled buffer.
  const whole = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const [dev, ino, size, mtimeNs, ctimeNs] = COLUMNS.map(
    (_, at) => new Float64Array(whole, HEAD_BYTES + at * 8 * count, count),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const digests = Buffer.from(whole, HEAD_BYTES + COLUMNS.length * 8 * count);
  const digestAt = (row: number): string =>
    digests.toString('hex', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES);
  const byIno = new Map<number, number>();
  for (let row = 0; row < count; row++) byIno.set(ino[row]!, row);
  return {
    count,
    inodes: () => ino,
    find(stamp) {
      const row = byIno.get(stamp.ino);
      return row !== undefined &&
        dev[row] === stamp.dev &&
        size[row] === stamp.size &&
        mtimeNs[row] === stamp.mtimeNs &&
        ctimeNs[row] === stamp.ctimeNs
        ? digestAt(row)
        : undefined;
    },
    *rows() {
      for (let row = 0; row < count; row++) {
        yield {
          dev: dev[row]!,
          ino: ino[row]!,
          size: size[row]!,
          mtimeNs: mtimeNs[row]!,
          ctimeNs: ctimeNs[row]!,
          digest: digestAt(row),
        };
      }
    },
  };
}

/** The bytes of an index over these rows and those of `old` whose inode number none of them has; of several rows for one number the last is kept. */
export function formatStatIndex(rows: Iterable<StatRow>, old?: StatIndex): Buffer {
  const byIno = new Map<number, StatRow>();
  for (const row of rows) byIno.set(row.ino, row);
  let kept = 0;
  for (const ino of old?.inodes() ?? []) if (!byIno.has(ino)) kept++;
  const count = byIno.size + kept;
  const whole = new ArrayBuffer(HEAD_BYTES + count * ROW_BYTES);
  const bytes = Buffer.from(whole);
  MAGIC.copy(bytes);
  new Uint32Array(whole, MAGIC.length, 2).set([BYTE_ORDER, count]);
  const numbers = new Float64Array(whole, HEAD_BYTES, COLUMNS.length * count);
  const digestsAt = HEAD_BYTES + COLUMNS.length * 8 * count;
  let at = 0;
  const put = (row: StatRow): void => {
    COLUMNS.forEach((column, i) => {
      numbers[i * count + at] = row[column];
    });
    bytes.write(row.digest, digestsAt + at * DIGEST_BYTES, DIGEST_BYTES, 'hex');
    at++;
  };
  // One at a time: of a large folder's past there may be a hundred thousand.
  for (const row of kept === 0 ? [] : (old?.rows() ?? [])) if (!byIno.has(row.ino)) put(row);
  for (const row of byIno.values()) put(row);
  return bytes;
}

/** True if a file with this stamp, read at `readAtNs` or later, could have changed since without it showing. Every write sets the ctime; the mtime is anybody's to set. */
export function isRacy(stamp: Stamp, readAtNs: number): boolean {
  const lag = stamp.ctimeNs % 1e9 === 0 ? COARSE_NS : TICK_NS;
  return stamp.ctimeNs + lag >= readAtNs;
}

function readCount(bytes: Buffer): number {
  if (bytes.length < HEAD_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 0;
  const head = new Uint32Array(bytes.buffer.slice(bytes.byteOffset + 8, bytes.byteOffset + HEAD_BYTES));
  const count = head[1]!;
  return head[0] === BYTE_ORDER && bytes.length === HEAD_BYTES + count * ROW_BYTES ? count : 0;
}
