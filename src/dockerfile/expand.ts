import { compileShellPattern, replaceMatches, trimPrefix, trimSuffix } from './shell-pattern.ts';

/** What a word becomes. With an `error` the rest means nothing. */
export interface Expansion {
  readonly text: string;
  /** The text split at blanks that came out of variables or stood unquoted: for EXPOSE. */
  readonly words: readonly string[];
  /** Names asked for plainly (no default, no test) that are not set. */
  readonly unset: readonly string[];
  readonly error: string | undefined;
}

export interface ExpandOptions {
  /** `\` unless the escape directive says otherwise. */
  readonly escape?: string | undefined;
  /** Quotes stay as they are and hold nothing back: the bodies of COPY heredocs. */
  readonly keepQuotes?: boolean | undefined;
}

/** UTF-16 units that one word may grow to: variables that hold variables double each time. */
export const MAX_EXPANDED = 1024 * 1024;
/** Value × pattern that `#`, `%` and `/` compare: less than a second. */
const MAX_COMPARED = 100_000_000;
/** `${a:-${b:-…}}` deeper than anybody writes. */
const MAX_DEPTH = 100;
const SPECIAL = '@*#?-$!0';

/**
 * A word with quotes removed and variables put in, by the rules of spec build.md a.4. Never throws: what is wrong comes
 * back as `error`, worded as builders word it. Cost: linear in the word and the values, but pattern × value for `#`, `%`, `/`.
 */
export function expandWord(word: string, env: ReadonlyMap<string, string>, o: ExpandOptions = {}): Expansion {
  const reader: Reader = {
    chars: Array.from(word),
    at: 0,
    env,
    escape: o.escape ?? '\\',
    keepQuotes: o.keepQuotes ?? false,
    unset: [],
    length: 0,
    depth: 0,
  };
  const pieces: Splitter = { words: [], open: undefined };
  try {
    const text = readUntil(reader, undefined, false, pieces);
    if (pieces.open !== undefined) pieces.words.push(pieces.open);
    return { text, words: pieces.words, unset: reader.unset, error: undefined };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return { text: '', words: [], unset: reader.unset, error: error.message };
  }
}

interface Reader {
  readonly chars: readonly string[];
  at: number;
  readonly env: ReadonlyMap<string, string>;
  readonly escape: string;
  readonly keepQuotes: boolean;
  readonly unset: string[];
  length: number;
  depth: number;
}

interface Splitter {
  readonly words: string[];
  open: string | undefined;
}

/** Reads up to the character `stop` and behind it, or to the end. `rawEscapes` keeps escape characters: patterns need them. */
function readUntil(reader: Reader, stop: string | undefined, rawEscapes: boolean, pieces?: Splitter): string {
  if (++reader.depth > MAX_DEPTH) throw failure('variables are nested too deep');
  let text = '';
  while (reader.at < reader.chars.length) {
    const char = reader.chars[reader.at]!;
    if (char === stop) {
      reader.at++;
      reader.depth--;
      return text;
    }
    let add: string;
    let quoted = true;
    if (char === '$') {
      add = readDollar(reader);
      quoted = false;
    } else if (char === "'" && !reader.keepQuotes) add = readSingle(reader);
    else if (char === '"' && !reader.keepQuotes) add = readDouble(reader, rawEscapes);
    else {
      reader.at++;
      add = char;
      quoted = false;
      if (char === reader.escape) {
        const next = reader.chars[reader.at];
        // An escape character at the end says nothing.
        add = (rawEscapes ? char : '') + (next ?? '');
        reader.at++;
        quoted = true;
      }
    }
    text += grow(reader, add);
    if (pieces !== undefined) split(pieces, add, quoted);
  }
  if (stop !== undefined) throw failure(missing(stop));
  reader.depth--;
  return text;
}

function readSingle(reader: Reader): string {
  const close = reader.chars.indexOf("'", reader.at + 1);
  if (close < 0) throw failure('unexpected end of statement while looking for matching single-quote');
  const text = reader.chars.slice(reader.at + 1, close).join('');
  reader.at = close + 1;
  return text;
}

function readDouble(reader: Reader, rawEscapes: boolean): string {
  let text = '';
  reader.at++;
  for (;;) {
    const char = reader.chars[reader.at];
    if (char === undefined) {
      throw failure('unexpected end of statement while looking for matching double-quote');
    }
    if (char === '$') {
      text += grow(reader, readDollar(reader));
      continue;
    }
    reader.at++;
    if (char === '"') return text;
    const next = reader.chars[reader.at];
    if (char === reader.escape && (next === '"' || next === '$' || next === reader.escape)) {
      text += rawEscapes ? char + next : next;
      reader.at++;
    } else text += char;
  }
}

function readDollar(reader: Reader): string {
  reader.at++;
  if (reader.chars[reader.at] !== '{') {
    const name = readName(reader);
    return name === '' ? '$' : plain(reader, name);
  }
  reader.at++;
  const first = reader.chars[reader.at];
  if (first === undefined) throw failure("syntax error: missing '}'");
  if (first === '{' || first === '}' || first === ':') {
    throw failure('syntax error: bad substitution');
  }
  const name = readName(reader);
  const operator = reader.chars[reader.at++];
  if (operator === undefined) throw failure("syntax error: missing '}'");
  if (operator === '}') return plain(reader, name);
  if (operator === '/') return replace(reader, name);
  const colon = operator === ':';
  const modifier = colon ? reader.chars[reader.at++] : operator;
  if (modifier === undefined) throw failure("syntax error: missing '}'");
  const shown = colon ? `:${modifier}` : modifier;
  const trims = modifier === '#' || modifier === '%';
  if (!'+-?#%'.includes(modifier) || (colon && trims)) {
    throw failure(`unsupported modifier (${shown}) in substitution`);
  }
  const word = readUntil(reader, '}', trims);
  const value = reader.env.get(name);
  const usable = value !== undefined && !(colon && value === '');
  switch (modifier) {
    case '-':
      return usable ? value : word;
    case '+':
      return usable ? word : '';
    case '?':
      if (usable) return value;
      throw failure(
        `${name}: ${word !== '' ? word : `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`,
      );
    default: {
      if (value === undefined) return plain(reader, name);
      const longest = word.startsWith(modifier);
      checkCost(value, word);
      const pattern = compileShellPattern(longest ? word.slice(1) : word);
      return modifier === '#' ? trimPrefix(value, pattern, longest) : trimSuffix(value, pattern, longest);
    }
  }
}

function replace(reader: Reader, name: string): string {
  const all = reader.chars[reader.at] === '/';
  if (all) reader.at++;
  const pattern = readUntil(reader, '/', true);
  const replacement = readUntil(reader, '}', false);
  const value = reader.env.get(name);
  if (value === undefined) return plain(reader, name);
  checkCost(value, pattern);
  return replaceMatches(value, compileShellPattern(pattern), replacement, all);
}

/** Letters, digits and `_`; only digits if it starts with one; or one special character. */
function readName(reader: Reader): string {
  const first = reader.chars[reader.at];
  if (first === undefined) return '';
  const from = reader.at;
  if (/\d/.test(first)) {
    while (/\d/.test(reader.chars[reader.at] ?? '')) reader.at++;
  } else if (SPECIAL.includes(first)) reader.at++;
  else while (/[\p{L}\p{Nd}_]/u.test(reader.chars[reader.at] ?? '')) reader.at++;
  return reader.chars.slice(from, reader.at).join('');
}

/** The value of a name, empty if it is not set. */
function plain(reader: Reader, name: string): string {
  const value = reader.env.get(name);
  if (value === undefined && /^[\p{L}_]/u.test(name)) reader.unset.push(name);
  return value ?? '';
}

function grow(reader: Reader, text: string): string {
  reader.length += text.length;
  if (reader.length > MAX_EXPANDED) {
    throw failure(`the word grows beyond ${MAX_EXPANDED} characters`);
  }
  return text;
}

function split(pieces: Splitter, text: string, quoted: boolean): void {
  if (quoted) {
    pieces.open = (pieces.open ?? '') + text;
    return;
  }
  for (const [index, part] of text.split(/\s+/).entries()) {
    if (index > 0 && pieces.open !== undefined) {
      pieces.words.push(pieces.open);
      pieces.open = undefined;
    }
    if (part !== '') pieces.open = (pieces.open ?? '') + part;
  }
}

function missing(stop: string): string {
  return stop === '/' ? "syntax error: missing '/' in ${" : "syntax error: missing '}'";
}

function checkCost(value: string, pattern: string): void {
  if (value.length * pattern.length > MAX_COMPARED) {
    throw failure(`a pattern of ${pattern.length} characters over a value of ${value.length} is too much`);
  }
}

/** Ends the reading of a word from any depth; never leaves this file. */
function failure(message: string): Error {
  return Object.assign(new Error(message), { isExpansionFailure: true });
}

function isFailure(error: unknown): error is Error {
  return error instanceof Error && 'isExpansionFailure' in error;
}
