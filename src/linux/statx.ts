import { bindCall, cPath, lastErrno, linuxError } from './libc.ts';
import { deviceNumber } from './nodes.ts';

/** What stat says about a file, as numbers; times of nanoseconds are exact to 256 ns, as doubles are. */
export interface FileStat {
  /** Type and permissions. */
  readonly mode: number;
  readonly links: number;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  /** Of the last change of the content: whole seconds, rounded down, and nanoseconds of the epoch. */
  readonly seconds: number;
  readonly mtimeNs: number;
  readonly ctimeNs: number;
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;
const TWO_32 = 4294967296;

const statxCall = bindCall<number, [number, string | Buffer, number, number, Buffer]>(
  'int statx(int dirfd, const char *path, int flags, unsigned int mask, void *result)',
);
const result = Buffer.alloc(256);
const words = new Uint32Array(result.buffer, result.byteOffset, result.length / 4);

/**
 * The stat of a name in an open directory, links not followed; undefined if it is not there. Half the cost of `lstatSync` with big integers, and
 * no garbage but the result.
 * @throws LINUX_CALL, LINUX_MISSING
 */
export function statAt(dirfd: number, name: string): FileStat | undefined {
  if (statxCall(dirfd, cPath(name), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, result) < 0) {
    const code = lastErrno();
    if (code === 'ENOENT') return undefined;
    throw linuxError('LINUX_CALL', { call: 'statx', code, what: name });
  }
  // struct statx of statx(2), in words of four bytes; seconds before 1970 have a negative upper word.
  const word = (at: number): number => words[at]!;
  const double = (at: number): number => word(at) + word(at + 1) * TWO_32;
  const signed = (at: number): number => word(at) + (word(at + 1) | 0) * TWO_32;
  const seconds = signed(28);
  return {
    mode: result.readUInt16LE(28),
    links: word(4),
    dev: deviceNumber(word(34), word(35)),
    ino: double(8),
    size: double(10),
    seconds,
    mtimeNs: seconds * 1e9 + word(30),
    ctimeNs: signed(24) * 1e9 + word(26),
  };
}
