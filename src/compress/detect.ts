/** How bytes are compressed. */
export type CompressionKind = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'none';

/** As many first bytes as `detectCompression` looks at. */
export const DETECT_BYTES = 10;

/** The compression that these first bytes (DETECT_BYTES, or all there are) show; 'none' when they show no other. */
export function detectCompression(first: Uint8Array): CompressionKind {
  if (first[0] === 0x1f && first[1] === 0x8b && first[2] === 8) return 'gzip';
  if (startsWith(first, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  // A zstd stream may begin with a skippable frame (zstd:chunked, pzstd).
  if ((first[0]! & 0xf0) === 0x50 && startsWith(first.subarray(1), [0x2a, 0x4d, 0x18])) return 'zstd';
  if (startsWith(first, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (isBzip2(first)) return 'bzip2';
  return 'none';
}

/** "BZh", a digit, and the mark of a block or of the end: a tar may begin with a name that starts "BZh". */
function isBzip2(first: Uint8Array): boolean {
  if (!startsWith(first, [0x42, 0x5a, 0x68]) || !(first[3]! >= 0x31 && first[3]! <= 0x39)) return false;
  const mark = first.subarray(4);
  return (
    startsWith(mark, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) ||
    startsWith(mark, [0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
  );
}

function startsWith(bytes: Uint8Array, want: readonly number[]): boolean {
  return want.every((byte, i) => bytes[i] === byte);
}
