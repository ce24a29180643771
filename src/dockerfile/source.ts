import type { Position, Range, Word } from './ast.ts';

/** A text that knows its lines. */
export interface Source {
  readonly text: string;
  position(offset: number): Position;
  range(start: number, end: number): Range;
}

/** A line of the file; `end` is before the line end, `next` behind it. */
export interface TextLine {
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/** A part of an instruction with continuations removed, whose every piece knows its place in the file. */
export interface Piece {
  readonly text: string;
  /** The piece from `from` to `to`, in UTF-16 units of `text`; `text` replaces what it says (decoded strings). */
  word(from: number, to: number, text?: string): Word;
  sub(from: number, to?: number): Piece;
}

/** A stretch of the file that stands at `at` in the joined text. */
export interface Chunk {
  readonly at: number;
  readonly offset: number;
  readonly length: number;
}

/** Indexes the lines of a text; `position` costs a binary search. */
export function createSource(text: string): Source & { readonly lines: readonly TextLine[] } {
  const lines: TextLine[] = [];
  for (let start = 0; start < text.length; ) {
    const feed = text.indexOf('\n', start);
    const next = feed < 0 ? text.length : feed + 1;
    let end = feed < 0 ? text.length : feed;
    if (end > start && text.charCodeAt(end - 1) === 13) end--;
    lines.push({ start, end, next });
    start = next;
  }
  const position = (offset: number): Position => {
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (lines[middle]!.start <= offset) low = middle;
      else high = middle - 1;
    }
    const line = lines[low];
    if (line === undefined) return { line: 1, column: 1, offset };
    // Behind the last line end stands one more line, an empty one.
    if (offset === text.length && line.next === offset && text.endsWith('\n')) {
      return { line: low + 2, column: 1, offset };
    }
    return { line: low + 1, column: offset - line.start + 1, offset };
  };
  return { text, lines, position, range: (start, end) => ({ start: position(start), end: position(end) }) };
}

/** The chunks of a source read as one text. */
export function joinChunks(source: Source, chunks: readonly Chunk[]): Piece {
  const whole = chunks.map(({ offset, length }) => source.text.slice(offset, offset + length)).join('');
  const place = (at: number): number => {
    let low = 0;
    let high = chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (chunks[middle]!.at <= at) low = middle;
      else high = middle - 1;
    }
    const chunk = chunks[low];
    return chunk === undefined ? 0 : chunk.offset + Math.min(at - chunk.at, chunk.length);
  };
  const piece = (base: number, text: string): Piece => ({
    text,
    word(from, to, replaced) {
      const start = place(base + from);
      // The end belongs to the last unit inside: behind it a continuation may stand.
      const end = to > from ? place(base + to - 1) + 1 : start;
      return { text: replaced ?? text.slice(from, to), range: source.range(start, end) };
    },
    sub: (from, to = text.length) => piece(base + from, text.slice(from, to)),
  });
  return piece(0, whole);
}

/** True for the characters that separate words in a Dockerfile; line ends are none. */
export function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\v' || char === '\f';
}

/** The piece without blanks at both ends. */
export function trimPiece(piece: Piece): Piece {
  let from = 0;
  let to = piece.text.length;
  while (from < to && isBlank(piece.text[from])) from++;
  while (to > from && isBlank(piece.text[to - 1])) to--;
  return piece.sub(from, to);
}

/** The whole piece as one word. */
export function wholeWord(piece: Piece): Word {
  return piece.word(0, piece.text.length);
}

/** The words between blanks; quotes mean nothing. */
export function splitBlanks(piece: Piece): Word[] {
  const words: Word[] = [];
  for (const match of piece.text.matchAll(/[^\t\v\f\r ]+/g)) {
    words.push(piece.word(match.index, match.index + match[0].length));
  }
  return words;
}
