import type { Range } from './ast.ts';

/** Lines shown above and below the marked ones. */
const CONTEXT = 2;
/** Marked lines shown of a long range. */
const MAX_MARKED = 8;
/** UTF-16 units of a line that are shown. */
const MAX_WIDTH = 200;

/** The source lines of a range with line numbers, `>>>` before those in it, and carets below when it stands in one line. No line end behind the last. */
export function formatSnippet(text: string, range: Range): string {
  // A byte order mark takes a column of the first line and none on a screen.
  const mark = text.startsWith('\uFEFF') ? 1 : 0;
  const lines = text.slice(mark).split('\n');
  const first = range.start.line;
  // A range that ends at the start of a line does not touch that line.
  const last = Math.max(first, range.end.column === 1 ? range.end.line - 1 : range.end.line);
  const shownLast = Math.min(last, first + MAX_MARKED - 1);
  const from = Math.max(1, first - CONTEXT);
  const to = Math.min(lines.length, shownLast === last ? last + CONTEXT : shownLast);
  const digits = String(to).length;
  const out: string[] = [];
  for (let number = from; number <= to; number++) {
    const line = (lines[number - 1] ?? '').replace(/\r$/, '');
    if (number === lines.length && line === '' && number > last) continue;
    const marked = number >= first && number <= shownLast;
    const shown = line.length > MAX_WIDTH ? `${line.slice(0, MAX_WIDTH)}…` : line;
    out.push(`${String(number).padStart(digits)} | ${marked ? '>>>' : '   '} ${shown}`.trimEnd());
    if (marked && first === last && range.start.column <= MAX_WIDTH) {
      out.push(caretLine(line, range, digits, number === 1 ? mark : 0));
    }
  }
  if (shownLast < last) out.push(`${' '.repeat(digits)} | >>> … ${last - shownLast} more lines`);
  return out.join('\n');
}

function caretLine(line: string, range: Range, digits: number, shift: number): string {
  const from = Math.max(0, range.start.column - 1 - shift);
  const to = range.end.line === range.start.line ? range.end.column - 1 - shift : line.length;
  const width = Math.max(1, Math.min(to, MAX_WIDTH, Math.max(line.length, from + 1)) - from);
  // Tabs stay tabs, so that the carets stand below their characters.
  const lead = line.slice(0, from).replace(/[^\t]/g, ' ');
  return `${' '.repeat(digits)} |     ${lead}${'^'.repeat(width)}`;
}
