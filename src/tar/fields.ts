import { decodeName } from '../base/names.ts';

/** What a numeric field holds that is no number we can hold: thrown by none, returned as NaN. */
const BAD = Number.NaN;

/** The number in a header field: octal digits padded with spaces or NULs, or GNU base-256 (two's complement). NaN when it is neither or does not fit 53 bits. */
export function readNumber(bytes: Uint8Array, at: number, width: number): number {
  if ((bytes[at]! & 0x80) !== 0) return readBase256(bytes, at, width);
  const end = at + width;
  let i = at;
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit >= 0 && digit <= 7) value = value * 8 + digit;
    else break;
  }
  for (; i < end; i++) {
    if (bytes[i] !== 0x20 && bytes[i] !== 0) return BAD;
  }
  return value;
}

/** Sum of the bytes of a block with its checksum field taken as spaces. Unrolled: half the time of a header is spent here. */
export function sumBlock(bytes: Uint8Array, at: number): number {
  let sum = 8 * 0x20;
  for (let i = at; i < at + 512; i += 8) {
    sum +=
      bytes[i]! +
      bytes[i + 1]! +
      bytes[i + 2]! +
      bytes[i + 3]! +
      bytes[i + 4]! +
      bytes[i + 5]! +
      bytes[i + 6]! +
      bytes[i + 7]!;
  }
  for (let i = at + 148; i < at + 156; i++) sum -= bytes[i]!;
  return sum;
}

function readBase256(bytes: Uint8Array, at: number, width: number): number {
  const negative = (bytes[at]! & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  // The marker bit becomes a copy of the sign; flipped, a negative number is -(value + 1).
  let value = (bytes[at]! ^ flip) & 0x3f;
  for (let i = at + 1; i < at + width; i++) {
    value = value * 256 + (bytes[i]! ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) return BAD;
  }
  return negative ? -value - 1 : value;
}

/** The text of a header field up to its first NUL. */
export function readText(bytes: Buffer, at: number, width: number): string {
  const end = at + width;
  let high = 0;
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === 0) break;
    high |= byte;
  }
  if (i === at) return '';
  return high < 0x80 ? bytes.toString('latin1', at, i) : decodeName(bytes.subarray(at, i));
}

/** A decimal number of 0 or more, in at most 53 bits, else NaN. */
export function readDecimal(bytes: Uint8Array): number {
  if (bytes.length === 0 || bytes.length > 20) return BAD;
  let value = 0;
  for (let i = 0; i < bytes.length; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return BAD;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : BAD;
}

/** A pax time, `[-]seconds[.fraction]`; digits after the ninth are dropped. Undefined when it is none. */
export function readTime(bytes: Uint8Array): { seconds: number; nanos: number } | undefined {
  const negative = bytes[0] === 0x2d;
  const first = negative ? 1 : 0;
  const dot = bytes.indexOf(0x2e);
  const whole = readDecimal(bytes.subarray(first, dot === -1 ? bytes.length : dot));
  if (Number.isNaN(whole)) return undefined;
  let nanos = 0;
  if (dot !== -1) {
    for (let i = dot + 1; i < bytes.length; i++) {
      const digit = bytes[i]! - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      if (i - dot <= 9) nanos = nanos * 10 + digit;
    }
    for (let i = bytes.length - dot; i <= 9; i++) nanos *= 10;
  }
  if (!negative) return { seconds: whole, nanos };
  return nanos === 0 ? { seconds: 0 - whole, nanos } : { seconds: -whole - 1, nanos: 1_000_000_000 - nanos };
}
