import { formatSize } from '../units.ts';
import { BOLD, type Box, type Canvas, DIM, PLAIN, put, styleOf } from './canvas.ts';
import { hexLine, lineCount, textLine } from './file-text.ts';
import { endOf, glyphsOf, widthOf } from './glyphs.ts';
import type { State, Viewer } from './state.ts';

/** A file: text with the numbers of its lines, or bytes. */
export function drawViewer(s: State, viewer: Viewer, canvas: Canvas, box: Box): void {
  const { file, hex } = viewer;
  const rows = box.rows - 1;
  s.viewerRows = rows;
  const count = lineCount(file, hex);
  viewer.top = Math.min(viewer.top, Math.max(0, count - rows));
  const part = file.bytes.length < file.size ? `the first ${formatSize(file.bytes.length)} of ` : '';
  const facts = `${part}${formatSize(file.size)}  ${placeOf(viewer, count, rows)}`;
  const title = endOf(file.title, Math.max(8, box.columns - widthOf(facts) - 6));
  put(canvas, box.x, box.y, '━'.repeat(box.columns), styleOf('accent'));
  put(canvas, box.x + 1, box.y, ` ${title} `, styleOf('accent') | BOLD, box.columns - 2);
  const at = box.x + box.columns - widthOf(facts) - 3;
  if (at > box.x + widthOf(title) + 3) put(canvas, at, box.y, ` ${facts} `, BOLD);
  if (count === 0) put(canvas, box.x + 1, box.y + 1, 'an empty file', DIM);
  const digits = String(count).length;
  for (let y = 0; y < rows && viewer.top + y < count; y++) {
    const line = viewer.top + y;
    const where = { x: box.x, y: box.y + 1 + y };
    if (hex) {
      put(canvas, where.x + 1, where.y, fromColumn(hexLine(file, line), viewer.left), PLAIN);
      continue;
    }
    const text = textLine(file, line);
    const found = viewer.wanted !== '' && text.toLowerCase().includes(viewer.wanted.toLowerCase());
    put(canvas, where.x, where.y, String(line + 1).padStart(digits + 1), DIM);
    put(
      canvas,
      where.x + digits + 2,
      where.y,
      fromColumn(text, viewer.left),
      found ? styleOf('accent') | BOLD : PLAIN,
    );
  }
}

function placeOf({ top, hex }: Viewer, count: number, rows: number): string {
  if (count <= rows) return hex ? 'hex' : `${count} ${count === 1 ? 'line' : 'lines'}`;
  const percent = Math.floor((100 * Math.min(count, top + rows)) / count);
  return hex ? `hex ${percent} %` : `${top + 1}–${Math.min(count, top + rows)} of ${count}`;
}

/** What is left of a line when its first columns are gone. */
function fromColumn(text: string, columns: number): string {
  if (columns === 0) return text;
  const glyphs = glyphsOf(text);
  let gone = 0;
  let at = 0;
  while (at < glyphs.length && gone < columns) gone += glyphs[at++]!.width;
  return glyphs
    .slice(at)
    .map((glyph) => glyph.text)
    .join('');
}
