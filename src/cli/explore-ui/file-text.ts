/** Bytes of a file as lines of a screen: text where it is text, else sixteen bytes a line. */
export interface FileText {
  readonly title: string;
  /** What is read of it: the beginning. */
  readonly bytes: Uint8Array;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly isText: boolean;
  /** Where each line of text starts. */
  readonly starts: Uint32Array;
}

/** Bytes that decide what a file is. */
const SNIFFED = 64 * 1024;
/** Of one line; what is longer is no text that anybody reads. */
const MAX_LINE_BYTES = 16 * 1024;
const HEX_BYTES = 16;

export function createFileText(title: string, bytes: Uint8Array, size: number): FileText {
  return { title, bytes, size, isText: looksLikeText(bytes), starts: lineStarts(bytes) };
}

/** No NUL, and UTF-8 as far as it is looked at. */
function looksLikeText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, SNIFFED);
  if (head.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function lineStarts(bytes: Uint8Array): Uint32Array {
  let starts = new Uint32Array(1024);
  let count = bytes.length === 0 ? 0 : 1;
  for (let at = bytes.indexOf(10); at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(10, at + 1)) {
    if (count === starts.length) {
      const grown = new Uint32Array(count * 2);
      grown.set(starts);
      starts = grown;
    }
    starts[count++] = at + 1;
  }
  return starts.subarray(0, count);
}

export const lineCount = (file: FileText, hex: boolean): number =>
  hex ? Math.ceil(file.bytes.length / HEX_BYTES) : file.starts.length;

/** One line, from 0: tabs opened, its end gone. */
export function textLine({ bytes, starts }: FileText, line: number): string {
  const from = starts[line]!;
  const next = starts[line + 1] ?? bytes.length;
  const end = bytes[next - 1] === 10 ? next - 1 : next;
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    bytes.subarray(from, Math.min(end, from + MAX_LINE_BYTES)),
  );
  if (!text.includes('\t')) return text;
  let out = '';
  for (const part of text.split(/(\t)/)) out += part === '\t' ? ' '.repeat(8 - (out.length % 8)) : part;
  return out;
}

/** `00000010  7f 45 4c 46 …  |.ELF…|`. */
export function hexLine({ bytes }: FileText, line: number): string {
  const from = line * HEX_BYTES;
  const row = [...bytes.subarray(from, from + HEX_BYTES)];
  const pairs = row.map((byte) => byte.toString(16).padStart(2, '0'));
  const half = (part: readonly string[]): string => part.join(' ').padEnd(8 * 3 - 1);
  const letters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'));
  const place = from.toString(16).padStart(8, '0');
  return `${place}  ${half(pairs.slice(0, 8))}  ${half(pairs.slice(8))}  |${letters.join('')}|`;
}

/** The line at or after `from` (or at or before it, backwards) that holds the text; undefined if there is none. Case counts only if the text has a capital letter. */
export function findLine(
  file: FileText,
  hex: boolean,
  wanted: string,
  from: number,
  backwards: boolean,
): number | undefined {
  const bytes = Buffer.from(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length);
  const exact = /\p{Lu}/u.test(wanted);
  const text = exact ? bytes : Buffer.from(bytes.toString('latin1').toLowerCase(), 'latin1');
  const needle = Buffer.from(exact ? wanted : wanted.toLowerCase());
  const start = hex ? from * HEX_BYTES : (file.starts[from] ?? bytes.length);
  const at = backwards
    ? start === 0
      ? -1
      : text.lastIndexOf(needle, start - 1)
    : text.indexOf(needle, start);
  if (at < 0) return undefined;
  if (hex) return Math.floor(at / HEX_BYTES);
  let low = 0;
  let high = file.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (file.starts[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
