import type { Command, Pipe, Word } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { FUNCTION_NAMES } from './function-names.ts';
import { readCharacter, readQuoted, readRaw } from './quoted.ts';

/** Parentheses inside each other. */
const MAX_GROUPS = 100;

const VARIABLE = /\$[A-Za-z0-9_]*/y;
const FIELD = /\.[\p{L}_][\p{L}\p{N}_]*/uy;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)/y;
const DECLARES = /(\$[A-Za-z0-9_]+)(?:\s*,\s*(\$[A-Za-z0-9_]+))?\s*(:?=)(?!=)\s*/y;

/** The pipeline at the cursor, up to the action's end (or the closing parenthesis). */
export function parsePipe(cursor: Cursor, isRange: boolean, depth = 0): Pipe {
  if (depth > MAX_GROUPS) throw cursor.fail(`more than ${MAX_GROUPS} parentheses inside each other`);
  cursor.skipSpace();
  const at = cursor.at();
  const declared = parseVariables(cursor, isRange);
  const commands: Command[] = [];
  for (;;) {
    const command = parseCommand(cursor, depth);
    const first = command.words[0];
    if (commands.length > 0 && first !== undefined && (first.kind === 'constant' || first.kind === 'nil')) {
      throw cursor.fail(`non executable command in pipeline stage ${commands.length + 1}`, command.at);
    }
    commands.push(command);
    cursor.atClose() || cursor.skipSpace();
    if (cursor.peek() !== '|') break;
    cursor.skip(1);
    cursor.skipSpace();
  }
  return { at, ...declared, commands };
}

function parseVariables(cursor: Cursor, isRange: boolean): Pick<Pipe, 'variables' | 'assigns'> {
  const start = cursor.at();
  const text = cursor.match(DECLARES);
  if (text === undefined) return { variables: [], assigns: false };
  const variables = text.match(/\$[A-Za-z0-9_]+/g) ?? [];
  if (variables.length > 1 && !isRange) throw cursor.fail('too many declarations in command', start);
  return { variables, assigns: !text.includes(':=') };
}

function parseCommand(cursor: Cursor, depth: number): Command {
  const at = cursor.at();
  const words: Word[] = [];
  for (;;) {
    const word = parseWord(cursor, depth);
    words.push(word);
    if (cursor.atClose()) break;
    const spaced = cursor.skipSpace();
    const next = cursor.peek();
    if (next === '|' || next === ')') break;
    if (next === '') throw cursor.fail('unclosed action');
    if (!spaced) throw cursor.fail(`unexpected ${JSON.stringify(next)} after ${word.source}`);
  }
  const [first] = words;
  if (words.length > 1 && (first!.kind === 'constant' || first!.kind === 'nil' || first!.kind === 'dot')) {
    throw cursor.fail(`can't give argument to non-function ${first!.source}`, at);
  }
  return { at, words };
}

function parseWord(cursor: Cursor, depth: number): Word {
  const at = cursor.at();
  const made = <T extends object>(word: T): T & { at: number; source: string } => ({
    ...word,
    at,
    source: cursor.source.slice(at, cursor.at()),
  });
  const first = cursor.peek();
  if (first === '"') return made({ kind: 'constant', value: readQuoted(cursor) });
  if (first === '`') return made({ kind: 'constant', value: readRaw(cursor) });
  if (first === "'") return made({ kind: 'constant', value: readCharacter(cursor) });
  if (first === '(') {
    cursor.skip(1);
    const pipe = parsePipe(cursor, false, depth + 1);
    cursor.skipSpace();
    if (cursor.peek() !== ')') throw cursor.fail('unclosed left paren', at);
    cursor.skip(1);
    return made({ kind: 'group', pipe, path: parsePath(cursor) });
  }
  if (first === '$') {
    const name = cursor.match(VARIABLE)!;
    return made({ kind: 'variable', name, path: parsePath(cursor) });
  }
  const number = cursor.match(NUMBER);
  if (number !== undefined) return made({ kind: 'constant', value: readNumber(cursor, number) });
  if (first === '.') {
    const path = parsePath(cursor);
    if (path.length > 0) return made({ kind: 'field', path });
    cursor.skip(1);
    return made({ kind: 'dot' });
  }
  const name = cursor.match(NAME);
  if (name === undefined) {
    const got =
      first === ''
        ? 'unclosed action'
        : cursor.atClose()
          ? 'missing value for command'
          : `unexpected ${JSON.stringify(first)} in operand`;
    throw cursor.fail(got);
  }
  if (name === 'true' || name === 'false') return made({ kind: 'constant', value: name === 'true' });
  if (name === 'nil') return made({ kind: 'nil' });
  if (!FUNCTION_NAMES.has(name)) throw cursor.fail(`function "${name}" not defined`, at);
  return made({ kind: 'function', name });
}

function parsePath(cursor: Cursor): string[] {
  const path: string[] = [];
  for (;;) {
    const field = cursor.match(FIELD);
    if (field === undefined) return path;
    path.push(field.slice(1));
  }
}

function readNumber(cursor: Cursor, text: string): number {
  const plain = text.replaceAll('_', '');
  const sign = plain.startsWith('-') ? -1 : 1;
  const value = sign * Number(plain.replace(/^[+-]/, ''));
  if (!Number.isFinite(value)) throw cursor.fail(`bad number syntax: ${JSON.stringify(text)}`);
  return value;
}
