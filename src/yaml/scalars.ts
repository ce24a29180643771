import type { Cursor } from './cursor.ts';
import type { YamlScalar } from './types.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0', a: '\u0007', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r', e: '\u001b',
  ' ': ' ', '"': '"', '/': '/', '\\': '\\', N: '\u0085', _: '\u00a0', L: '\u2028', P: '\u2029',
}; // biome-ignore format: a table
const HEX: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** What may not begin a text, and what it would be. */
const RESERVED: Readonly<Record<string, string>> = {
  '&': 'an anchor',
  '*': 'an alias',
  '!': 'a tag',
  '|': 'a block text',
  '>': 'a block text',
  '?': 'a complex key',
  '%': 'a directive',
  '@': 'a reserved character',
  '`': 'a reserved character',
};

/** A quoted or plain text at the cursor, which ends behind it. In a flow collection `,[]{}` end a plain one. @throws YAML_SYNTAX */
export function readScalar(cursor: Cursor, flow: boolean): YamlScalar {
  const { text } = cursor;
  const start = cursor.place();
  const first = text[cursor.at]!;
  if (first === '"') return { kind: 'scalar', ...start, text: readDouble(cursor), quoted: true };
  if (first === "'") return { kind: 'scalar', ...start, text: readSingle(cursor), quoted: true };
  if (/[,\]}]/.test(first))
    throw cursor.fail(`a "${first}" that nothing is open for`, 'put quotes around the value');
  const reserved = RESERVED[first];
  if (reserved !== undefined && !(first === '?' && /\S/.test(text[cursor.at + 1] ?? ' ')))
    throw cursor.fail(
      `${reserved} (${first}), which is not read here`,
      'write the value out, or put quotes around it',
    );
  const from = cursor.at;
  for (; !cursor.atLineEnd(); cursor.at++) {
    const char = text[cursor.at]!;
    const next = text[cursor.at + 1];
    if (char === '#' && /\s/.test(text[cursor.at - 1] ?? ' ')) break;
    if (char === ':' && (next === undefined || /\s/.test(next) || (flow && /[,[\]{}]/.test(next)))) break;
    if (flow && /[,[\]{}]/.test(char)) break;
  }
  if (cursor.at === from) throw cursor.fail('a ":" without a name before it');
  return { kind: 'scalar', ...start, text: text.slice(from, cursor.at).trimEnd(), quoted: false };
}

function readSingle(cursor: Cursor): string {
  const from = cursor.at;
  let value = '';
  for (cursor.at++; !cursor.atLineEnd(); cursor.at++) {
    const char = cursor.text[cursor.at]!;
    if (char !== "'") value += char;
    else if (cursor.text[cursor.at + 1] === "'") {
      value += char;
      cursor.at++;
    } else {
      cursor.at++;
      return value;
    }
  }
  throw unclosed(cursor, from);
}

function readDouble(cursor: Cursor): string {
  const from = cursor.at;
  let value = '';
  for (cursor.at++; !cursor.atLineEnd(); cursor.at++) {
    const char = cursor.text[cursor.at]!;
    if (char === '"') {
      cursor.at++;
      return value;
    }
    value += char === '\\' ? readEscape(cursor) : char;
  }
  throw unclosed(cursor, from);
}

/** The character that the escape at the cursor means; the cursor ends on its last character. */
function readEscape(cursor: Cursor): string {
  const from = cursor.at;
  const letter = cursor.text[++cursor.at] ?? '';
  const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  if (plain !== undefined) return plain;
  const length = Object.hasOwn(HEX, letter) ? HEX[letter]! : 0;
  const digits = cursor.text.slice(cursor.at + 1, cursor.at + 1 + length);
  const code = Number.parseInt(digits, 16);
  if (length === 0 || digits.length < length || !/^[0-9a-f]+$/i.test(digits) || code > 0x10ffff)
    throw cursor.fail(
      'an escape that YAML does not have',
      'a backslash inside of double quotes is written \\\\',
      from,
    );
  cursor.at += length;
  return String.fromCodePoint(code);
}

const unclosed = (cursor: Cursor, from: number): Error =>
  cursor.fail('a quote that is not closed on its line', undefined, from);
