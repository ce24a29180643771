import type { Cursor } from './cursor.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The value of a "quoted" string with Go's escapes. */
export function readQuoted(cursor: Cursor): string {
  const start = cursor.at();
  cursor.skip(1);
  let out = '';
  for (;;) {
    const next = cursor.peek();
    if (next === '' || next === '\n') throw cursor.fail('unterminated quoted string', start);
    cursor.skip(1);
    if (next === '"') return out;
    out += next === '\\' ? readEscape(cursor) : next;
  }
}

/** The value of a `raw` string: nothing is special in it. */
export function readRaw(cursor: Cursor): string {
  const found = cursor.match(/`[^`]*`/y);
  if (found === undefined) throw cursor.fail('unterminated raw quoted string');
  return found.slice(1, -1);
}

/** The code point of a 'c'haracter constant, a number in Go. */
export function readCharacter(cursor: Cursor): number {
  const start = cursor.at();
  cursor.skip(1);
  const first = String.fromCodePoint(cursor.source.codePointAt(cursor.at()) ?? 0x27);
  cursor.skip(first.length);
  const value = first === '\\' ? readEscape(cursor) : first;
  if (first === "'" || cursor.peek() !== "'") throw cursor.fail('unterminated character constant', start);
  cursor.skip(1);
  return value.codePointAt(0)!;
}

function readEscape(cursor: Cursor): string {
  const letter = cursor.peek();
  cursor.skip(1);
  if (Object.hasOwn(SIMPLE, letter)) return SIMPLE[letter]!;
  const octal = /[0-7]/.test(letter) ? cursor.match(/[0-7]{2}/y) : undefined;
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(letter + octal, 8) & 0xff);
  const digits = Object.hasOwn(HEX_DIGITS, letter) ? HEX_DIGITS[letter]! : 0;
  const hex = digits === 0 ? undefined : cursor.match(new RegExp(`[0-9a-fA-F]{${digits}}`, 'y'));
  const code = hex === undefined ? Number.NaN : Number.parseInt(hex, 16);
  if (!(code <= 0x10ffff)) throw cursor.fail(`unknown escape \\${letter} in a string`);
  return String.fromCodePoint(code);
}
