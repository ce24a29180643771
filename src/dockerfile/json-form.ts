import type { Word } from './ast.ts';
import { isBlank, type Piece } from './source.ts';

export type JsonForm =
  | { readonly kind: 'strings'; readonly words: readonly Word[] }
  /** A JSON array that holds something else than strings. */
  | { readonly kind: 'mixed' }
  /** No JSON array: the text is taken as it is. */
  | { readonly kind: 'none' };

/** A piece read as a JSON array of strings. Single quotes, an unclosed bracket or text behind it make it `none`, silently: so does every builder. */
export function readJsonForm(piece: Piece): JsonForm {
  if (!piece.text.startsWith('[')) return { kind: 'none' };
  let value: unknown;
  try {
    value = JSON.parse(piece.text);
  } catch {
    return { kind: 'none' };
  }
  if (!Array.isArray(value)) return { kind: 'none' };
  if (!value.every((item) => typeof item === 'string')) return { kind: 'mixed' };
  return { kind: 'strings', words: stringsOf(piece) };
}

/** The strings of a text that is known to be a JSON array of strings; a range covers the quotes. */
function stringsOf(piece: Piece): Word[] {
  const { text } = piece;
  const words: Word[] = [];
  for (let at = 1; at < text.length; at++) {
    if (isBlank(text[at]) || text[at] !== '"') continue;
    let end = at + 1;
    while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    words.push(piece.word(at, end + 1, JSON.parse(text.slice(at, end + 1)) as string));
    at = end;
  }
  return words;
}
