import type { Meaning } from '../colour.ts';
import { glyphsOf } from './glyphs.ts';

/** A style is a number: a meaning's colour, and the attributes added to it. */
export const PLAIN = 0;
export const BOLD = 16;
export const DIM = 32;
export const REVERSE = 64;

/** As in colour.ts: what is hidden or quiet is dim, so no colour is lost with NO_COLOR. */
const COLOURS: readonly (readonly [meaning: Meaning, code: number])[] = [
  ['added', 32],
  ['changed', 33],
  ['metadata', 35],
  ['removed', 31],
  ['accent', 33],
];

/** The style of a meaning. */
export function styleOf(meaning: Meaning): number {
  if (meaning === 'hidden' || meaning === 'quiet') return DIM;
  if (meaning === 'strong') return BOLD;
  return COLOURS.findIndex(([name]) => name === meaning) + 1;
}

/** Cells of a screen, row by row: the text of each (empty behind one that takes two columns) and its style. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly text: string[];
  readonly style: Uint8Array;
}

export function createCanvas(columns: number, rows: number): Canvas {
  const size = columns * rows;
  return { columns, rows, text: new Array<string>(size).fill(' '), style: new Uint8Array(size) };
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly rows: number;
}

/** Writes a text from `x` in at most `width` columns, with an ellipsis where it is longer; the columns it took. Outside of the canvas nothing is written. */
export function put(
  canvas: Canvas,
  x: number,
  y: number,
  text: string,
  style: number,
  width = canvas.columns - x,
): number {
  const room = Math.min(width, canvas.columns - x);
  if (y < 0 || y >= canvas.rows || x < 0 || room <= 0 || text === '') return 0;
  const glyphs = glyphsOf(text);
  let total = 0;
  let fits = 0;
  // What still leaves room for an ellipsis.
  let fitsCut = 0;
  for (const glyph of glyphs) {
    total += glyph.width;
    if (total <= room - 1) fitsCut++;
    if (total > room) break;
    fits++;
  }
  const cut = total > room;
  let at = y * canvas.columns + x;
  const start = at;
  const set = (cell: string): void => {
    canvas.text[at] = cell;
    canvas.style[at] = style;
    at++;
  };
  for (let i = 0; i < (cut ? fitsCut : fits); i++) {
    set(glyphs[i]!.text);
    if (glyphs[i]!.width === 2) set('');
  }
  if (cut) set('…');
  return at - start;
}

/** Adds attributes to so many cells, and to blanks too. */
export function shade(canvas: Canvas, x: number, y: number, width: number, attributes: number): void {
  if (y < 0 || y >= canvas.rows) return;
  const from = y * canvas.columns + x;
  const to = y * canvas.columns + Math.min(canvas.columns, x + width);
  for (let at = from; at < to; at++) canvas.style[at] = canvas.style[at]! | attributes;
}

/** The rows as text, blanks at their ends gone. */
export function canvasLines(canvas: Canvas): string[] {
  return Array.from({ length: canvas.rows }, (_, y) =>
    canvas.text
      .slice(y * canvas.columns, (y + 1) * canvas.columns)
      .join('')
      .trimEnd(),
  );
}

/** What makes a terminal that shows `before` (nothing of use if undefined) show `after`; empty if that is the same. Colours only if `colour`. */
export function paintDifference(before: Canvas | undefined, after: Canvas, colour: boolean): string {
  const known = before?.columns === after.columns && before.rows === after.rows ? before : undefined;
  let out = known === undefined ? '\u001b[0m\u001b[2J' : '';
  let style = PLAIN;
  const { columns, rows } = after;
  const same = (at: number): boolean =>
    known === undefined
      ? after.text[at] === ' ' && after.style[at] === PLAIN
      : known.text[at] === after.text[at] && known.style[at] === after.style[at];
  for (let y = 0; y < rows; y++) {
    const row = y * columns;
    let cursor = -1;
    for (let x = 0; x < columns; x++) {
      if (same(row + x)) continue;
      // A cell behind one of two columns is written with it.
      if (after.text[row + x] === '' && x > 0) x--;
      if (cursor !== x) out += `\u001b[${y + 1};${x + 1}H`;
      const cell = after.text[row + x]!;
      if (after.style[row + x] !== style) {
        style = after.style[row + x]!;
        out += selectStyle(style, colour);
      }
      out += cell;
      const wide = after.text[row + x + 1] === '' && x + 1 < columns;
      if (wide) x++;
      // Terminals disagree about the width of what is not ASCII: the next cell is gone to.
      cursor = wide || cell.length > 1 ? -1 : x + 1;
      // Behind the last column a terminal's cursor is in no certain place.
      if (cursor === columns) cursor = -1;
    }
  }
  return style === PLAIN ? out : `${out}\u001b[0m`;
}

function selectStyle(style: number, colour: boolean): string {
  const codes = ['0'];
  const code = COLOURS[(style & 15) - 1]?.[1];
  if (code !== undefined && colour) codes.push(String(code));
  if ((style & BOLD) !== 0) codes.push('1');
  if ((style & DIM) !== 0) codes.push('2');
  if ((style & REVERSE) !== 0) codes.push('7');
  return `\u001b[${codes.join(';')}m`;
}
