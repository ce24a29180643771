/** A character as it stands on a screen: what is written, and the columns that it takes. */
export interface Glyph {
  readonly text: string;
  readonly width: 1 | 2;
}

/** Marks that one character may carry; more are written out, so that no name paints over its neighbours. */
const MOST_MARKS = 3;

const ASCII: readonly Glyph[] = Array.from({ length: 128 }, (_, code) => ({
  text: String.fromCharCode(code),
  width: 1,
}));

/**
 * The characters of a text from an image. What a terminal would obey, what shows nothing, what turns the direction of writing and bytes that are no
 * UTF-8 are written out (`\x1b`, `\u202e`); marks stand on the character before them.
 */
export function glyphsOf(text: string): Glyph[] {
  const glyphs: Glyph[] = [];
  let marks = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at)!;
    if (code >= 0x20 && code < 0x7f) {
      glyphs.push(ASCII[code]!);
      marks = 0;
      continue;
    }
    if (code > 0xffff) at++;
    const character = String.fromCodePoint(code);
    const before = glyphs.at(-1);
    if (isMark(code, character) && before !== undefined && marks < MOST_MARKS) {
      glyphs[glyphs.length - 1] = { text: before.text + character, width: before.width };
      marks++;
      continue;
    }
    marks = 0;
    if (isMark(code, character) || mustBeWrittenOut(code, character)) {
      for (const letter of writtenOut(code)) glyphs.push(ASCII[letter.charCodeAt(0)]!);
      // A mark would change what is written out.
      marks = MOST_MARKS;
    } else glyphs.push({ text: character, width: isWide(code) ? 2 : 1 });
  }
  return glyphs;
}

/** Columns of a text from an image. */
export function widthOf(text: string): number {
  let width = 0;
  for (const glyph of glyphsOf(text)) width += glyph.width;
  return width;
}

/** The text cut into lines of at most so many columns, at blanks where there are some; at most `most` lines, the last with an ellipsis if there is more. */
export function wrapText(text: string, columns: number, most: number): string[] {
  const lines: string[] = [];
  let line = '';
  let width = 0;
  const words = text.split(/(?<= )/);
  for (const word of words) {
    const glyphs = glyphsOf(word);
    const wide = glyphs.reduce((sum, glyph) => sum + glyph.width, 0);
    if (width > 0 && width + wide - (word.endsWith(' ') ? 1 : 0) > columns) {
      lines.push(line);
      line = '';
      width = 0;
    }
    for (const glyph of glyphs) {
      if (width + glyph.width > columns && glyph.text !== ' ') {
        lines.push(line);
        line = '';
        width = 0;
      }
      if (lines.length > most) break;
      line += glyph.text;
      width += glyph.width;
    }
  }
  if (line !== '') lines.push(line);
  if (lines.length <= most) return lines.map((each) => each.trimEnd());
  const kept = lines.slice(0, most).map((each) => each.trimEnd());
  const last = glyphsOf(kept[most - 1] ?? '');
  let room = last.reduce((sum, glyph) => sum + glyph.width, 0);
  while (room >= columns && last.length > 0) room -= last.pop()!.width;
  return [...kept.slice(0, most - 1), `${last.map((glyph) => glyph.text).join('')}…`];
}

/** The end of a text that fits into so many columns, behind an ellipsis if something is gone: of a path it tells more than the beginning. */
export function endOf(text: string, columns: number): string {
  const glyphs = glyphsOf(text);
  let width = glyphs.reduce((sum, glyph) => sum + glyph.width, 0);
  if (width <= columns) return text;
  let at = 0;
  while (at < glyphs.length && width > columns - 1) width -= glyphs[at++]!.width;
  const kept = glyphs.slice(at);
  return `…${kept.map((glyph) => glyph.text).join('')}`;
}

const MARK = /^[\p{Mn}\p{Me}]$/u;
/** Controls, formats, private and unassigned characters, separators of lines. */
const WRITTEN_OUT = /^[\p{C}\p{Zl}\p{Zp}]$/u;

/** Marks, and the vowels and ends of Korean syllables, which join the consonant before them. Selectors of variants change widths from terminal to terminal. */
const isMark = (code: number, character: string): boolean =>
  (code >= 0x1160 && code <= 0x11ff) || (MARK.test(character) && !isSelector(code));

const isSelector = (code: number): boolean =>
  (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0xe0100 && code <= 0xe01ef) || code === 0x034f;

/** Fillers take room and show nothing. */
const FILLERS: ReadonlySet<number> = new Set([0x115f, 0x3164, 0xffa0, 0x2800]);

const mustBeWrittenOut = (code: number, character: string): boolean =>
  isSelector(code) || FILLERS.has(code) || WRITTEN_OUT.test(character);

const NAMED: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r' };

function writtenOut(code: number): string {
  const named = NAMED[code];
  if (named !== undefined) return named;
  // A byte of a name that is not UTF-8 (base/names.ts).
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  const digits = code.toString(16).padStart(4, '0');
  return code > 0xffff ? `\\u{${digits}}` : `\\u${digits}`;
}

/** First and last code points that take two columns (Unicode's East Asian Width W and F), in order. */
const WIDE: readonly number[] = [
  0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3, 0x25fd, 0x25fe,
  0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1, 0x26aa, 0x26ab, 0x26bd, 0x26be,
  0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea, 0x26f2, 0x26f3, 0x26f5, 0x26f5, 0x26fa, 0x26fa,
  0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b, 0x2728, 0x2728, 0x274c, 0x274c, 0x274e, 0x274e, 0x2753, 0x2755,
  0x2757, 0x2757, 0x2795, 0x2797, 0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55,
  0x2e80, 0x303e, 0x3041, 0x4dbf, 0x4e00, 0xa4cf, 0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe10, 0xfe19,
  0xfe30, 0xfe6f, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x18cff, 0x1aff0, 0x1b2ff, 0x1f004, 0x1f004, 0x1f0cf, 0x1f0cf,
  0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200, 0x1f320, 0x1f32d, 0x1f335, 0x1f337, 0x1f37c, 0x1f37e, 0x1f393,
  0x1f3a0, 0x1f3ca, 0x1f3cf, 0x1f3d3, 0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e, 0x1f440, 0x1f440,
  0x1f442, 0x1f4fc, 0x1f4ff, 0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a, 0x1f595, 0x1f596,
  0x1f5a4, 0x1f5a4, 0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0, 0x1f6d2, 0x1f6d5, 0x1f6d7,
  0x1f6dc, 0x1f6df, 0x1f6eb, 0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7eb, 0x1f7f0, 0x1f7f0, 0x1f90c, 0x1f93a,
  0x1f93c, 0x1f945, 0x1f947, 0x1f9ff, 0x1fa70, 0x1faff, 0x20000, 0x3fffd,
]; // biome-ignore format: a table

function isWide(code: number): boolean {
  if (code < 0x1100) return false;
  let low = 0;
  let high = WIDE.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (code < WIDE[middle * 2]!) high = middle - 1;
    else if (code > WIDE[middle * 2 + 1]!) low = middle + 1;
    else return true;
  }
  return false;
}
