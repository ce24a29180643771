/**
 * File names as JavaScript strings without loss. A name is bytes; we hold it as a string decoded from UTF-8,
 * where each byte that is not valid UTF-8 becomes one lone surrogate U+DC80..U+DCFF (Python's "surrogateescape").
 * @module
 */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The name that these bytes spell; any bytes, never throws. */
export function decodeName(bytes: Uint8Array): string {
  let ascii = true;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! >= 0x80) {
      ascii = false;
      break;
    }
  }
  if (ascii) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  try {
    return strict.decode(bytes);
  } catch {
    return decodeLossless(bytes);
  }
}

/** The bytes of a name; the exact inverse of `decodeName`. */
export function encodeName(name: string): Buffer {
  return hasRawBytes(name) ? encodeLossless(name) : Buffer.from(name, 'utf8');
}

/** True if the name holds bytes that are not UTF-8. */
export function hasRawBytes(name: string): boolean {
  // Many names joined: nearly always there is not even half a character in them, which this finds without a look at each unit.
  if (name.length > LONG && !LOW_HALF.test(name)) return false;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    if (unit >= 0xdc00) return true;
    i++;
  }
  return false;
}

const LONG = 128;
const LOW_HALF = /[\udc00-\udfff]/;

/** What `node:fs` takes for this path: the string itself, or its bytes when it is not UTF-8. */
export function fsPath(path: string): string | Buffer {
  return hasRawBytes(path) ? encodeLossless(path) : path;
}

function decodeLossless(bytes: Uint8Array): string {
  let out = '';
  let i = 0;
  while (i < bytes.length) {
    const width = utf8Width(bytes, i);
    if (width === 0) {
      out += String.fromCharCode(0xdc00 + bytes[i]!);
      i++;
    } else {
      out += strict.decode(bytes.subarray(i, i + width));
      i += width;
    }
  }
  return out;
}

/** Length of the valid UTF-8 sequence at `i`, 0 if there is none. */
function utf8Width(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!;
  const width =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (width < 2) return width;
  try {
    strict.decode(bytes.subarray(i, i + width));
    return i + width <= bytes.length ? width : 0;
  } catch {
    return 0;
  }
}

function encodeLossless(name: string): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit >= 0xd800 && unit < 0xdc00) {
      i++;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      parts.push(Buffer.from(name.slice(start, i), 'utf8'), Buffer.from([unit - 0xdc00]));
      start = i + 1;
    }
  }
  parts.push(Buffer.from(name.slice(start), 'utf8'));
  return Buffer.concat(parts);
}
