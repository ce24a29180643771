import type { Pair, Problem, Word } from './ast.ts';
import { problem } from './problems.ts';
import { isBlank, type Piece } from './source.ts';

/** The pairs of ENV or LABEL: `a=1 b="x y"`, or the old form `NAME rest of line` when the first word has no `=`. */
export function readPairs(
  piece: Piece,
  name: 'ENV' | 'LABEL',
  escapeChar: string,
): {
  pairs: readonly (Pair & { readonly value: Word })[];
  legacy: boolean;
  problems: readonly Problem[];
} {
  const words = quotedWords(piece.text, escapeChar);
  const first = words[0];
  if (first !== undefined && !piece.text.slice(...first).includes('=')) {
    const match = /^([^\t\v\f\r ]+)[\t\v\f\r ]+(.*)$/s.exec(piece.text);
    if (match === null) {
      const message = `${name} must have two arguments`;
      const range = piece.word(...first).range;
      return { pairs: [], legacy: true, problems: [problem('DOCKERFILE_ARGUMENTS', { message }, range)] };
    }
    const value = piece.word(piece.text.length - match[2]!.length, piece.text.length);
    return { pairs: [{ name: piece.word(0, match[1]!.length), value }], legacy: true, problems: [] };
  }
  const pairs: (Pair & { readonly value: Word })[] = [];
  const problems: Problem[] = [];
  for (const pair of words.map(([from, to]) => pairAt(piece, from, to))) {
    const { name: key, value } = pair;
    if (value === undefined) problems.push(problem('DOCKERFILE_PAIR', { word: key.text }, key.range));
    else if (key.text === '') problems.push(problem('DOCKERFILE_NAME_BLANK', { name }, value.range));
    else pairs.push({ name: key, value });
  }
  return { pairs, legacy: false, problems };
}

/** The pairs of ARG: `name` and `name=default`. */
export function readArgPairs(
  piece: Piece,
  escapeChar: string,
): { pairs: readonly Pair[]; problems: readonly Problem[] } {
  const all = quotedWords(piece.text, escapeChar).map(([from, to]) => pairAt(piece, from, to));
  const problems = all
    .filter((pair) => pair.name.text === '')
    .map((pair) => problem('DOCKERFILE_NAME_BLANK', { name: 'ARG' }, pair.value?.range ?? pair.name.range));
  return { pairs: all.filter((pair) => pair.name.text !== ''), problems };
}

function pairAt(piece: Piece, from: number, to: number): Pair {
  const equals = piece.text.indexOf('=', from);
  if (equals < 0 || equals >= to) return { name: piece.word(from, to), value: undefined };
  return { name: piece.word(from, equals), value: piece.word(equals + 1, to) };
}

/** Start and end of the words between blanks that stand outside quotes; quotes and escapes stay in the words. */
function quotedWords(text: string, escapeChar: string): [number, number][] {
  const words: [number, number][] = [];
  let from: number | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (from === undefined) {
      if (isBlank(char)) continue;
      from = at;
    }
    if (quote === undefined && isBlank(char)) {
      words.push([from, at]);
      from = undefined;
    } else if (quote === undefined && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = undefined;
    else if (char === escapeChar && quote !== "'") at++;
  }
  if (from !== undefined) words.push([from, text.length]);
  return words;
}
