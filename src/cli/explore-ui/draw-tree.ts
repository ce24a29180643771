import type { Inode } from '../../layer/types.ts';
import { formatSize } from '../units.ts';
import { BOLD, type Box, type Canvas, DIM, PLAIN, put, REVERSE, shade, styleOf } from './canvas.ts';
import { type Change, changeOf, inodeOfRow, type Row } from './comparison.ts';
import { glyphsOf, widthOf } from './glyphs.ts';
import { modeText } from './mode-text.ts';
import type { State } from './state.ts';
import { firstRow, isFolded, nextRow, previousRow, sizeOfRow, type TreeView } from './tree-view.ts';

/** From this width on mode and owner are shown, as in dive. */
const ATTRIBUTES_FROM = 60;
const SIZE_COLUMNS = 9;

const MARKS: Readonly<Record<Change, string>> = {
  same: ' ',
  added: '+',
  removed: '-',
  changed: '~',
  metadata: 'm',
  rewritten: '=',
  hidden: ' ',
};

const STYLES: Readonly<Record<Change, number>> = {
  same: PLAIN,
  added: styleOf('added'),
  removed: styleOf('removed'),
  changed: styleOf('changed'),
  metadata: styleOf('metadata'),
  rewritten: styleOf('metadata'),
  hidden: styleOf('hidden'),
};

/** The rows around the cursor; the state's first row becomes the one that is first on the screen. */
export function drawTree(s: State, canvas: Canvas, box: Box): void {
  s.treeRows = box.rows;
  if (s.cursor === undefined) {
    const why = s.view.survey === undefined ? 'no files' : 'nothing of it: Esc ends the filter';
    put(canvas, box.x + 1, box.y, why, DIM, box.columns - 1);
    return;
  }
  const columns = box.columns;
  const heightOf = (row: Row): number => (s.wrap ? rowLines(s, row, columns).length : 1);
  let y = 0;
  for (const row of windowOf(s, box.rows, heightOf)) {
    const lines = s.wrap ? rowLines(s, row, columns) : [undefined];
    for (const [i, line] of lines.entries()) {
      if (y < box.rows) drawRow(s, canvas, { ...box, y: box.y + y, rows: 1 }, row, line, i === 0);
      y++;
    }
  }
}

/** The rows that fit, the cursor among them. */
function windowOf(s: State, rows: number, heightOf: (row: Row) => number): Row[] {
  const { view } = s;
  const cursor = s.cursor!;
  const from = (first: Row): Row[] => {
    const shown: Row[] = [];
    let height = 0;
    for (let row: Row | undefined = first; row !== undefined && height < rows; row = nextRow(view, row)) {
      shown.push(row);
      height += heightOf(row);
    }
    // One that is cut at the bottom is not on the screen, unless it is the only one.
    if (height > rows && shown.length > 1) shown.pop();
    return shown;
  };
  const above = (row: Row, room: number): Row => {
    let first = row;
    let height = heightOf(row);
    for (let up = previousRow(view, first); up !== undefined; up = previousRow(view, up)) {
      height += heightOf(up);
      if (height > room) break;
      first = up;
    }
    return first;
  };
  let shown = from(s.top ?? firstRow(view) ?? cursor);
  if (!shown.includes(cursor)) {
    const room = s.arrival === 'bottom' ? rows : s.arrival === 'top' ? 1 : Math.ceil(rows / 3);
    shown = from(above(cursor, room));
  }
  // No empty lines below the end while there is something above.
  const height = shown.reduce((sum, row) => sum + heightOf(row), 0);
  const last = shown.at(-1);
  if (height < rows && last !== undefined && nextRow(view, last) === undefined)
    shown = from(above(last, rows));
  s.top = shown[0];
  return shown;
}

/** Where a row's columns begin: marks, attributes, size, and how far its name is pushed to the right. */
function layoutOf(
  s: State,
  row: Row,
  columns: number,
): { readonly fixed: number; readonly indent: number; readonly attributes: boolean } {
  const attributes = s.attributes && columns >= ATTRIBUTES_FROM;
  const fixed = 4 + (attributes ? 10 + 1 + 11 + 1 : 0) + SIZE_COLUMNS + 1;
  const depth = row.path.split('/').length - 1;
  // Deep ones are not pushed out of sight.
  const indent = Math.min(depth * 2, Math.max(0, Math.floor((columns - fixed) / 2)));
  return { fixed, indent, attributes };
}

/** The name, with what it leads to; cut into lines where names are wrapped. */
function rowLines(s: State, row: Row, columns: number): string[] {
  const { fixed, indent } = layoutOf(s, row, columns);
  const room = Math.max(8, columns - fixed - indent - 2);
  const lines: string[] = [''];
  let width = 0;
  for (const glyph of glyphsOf(nameOf(s.view, row))) {
    if (width + glyph.width > room) {
      lines.push('');
      width = 0;
    }
    lines[lines.length - 1] += glyph.text;
    width += glyph.width;
  }
  return lines;
}

function nameOf(view: TreeView, row: Row): string {
  const inode = inodeOfRow(view.comparison, row);
  if (inode?.linkTo !== undefined) return `${row.name} → ${inode.linkTo}`;
  if (row.ghost !== undefined) return `${row.name}  layer ${row.ghost.layer}`;
  return row.folder === undefined ? row.name : `${row.name}/`;
}

function drawRow(
  s: State,
  canvas: Canvas,
  box: Box,
  row: Row,
  line: string | undefined,
  first: boolean,
): void {
  const { view } = s;
  const change = changeOf(view.comparison.numbers, row.before, row.after);
  const style = STYLES[change];
  const { fixed, indent, attributes } = layoutOf(s, row, box.columns);
  if (first) {
    put(canvas, box.x, box.y, row === s.cursor ? '>' : ' ', styleOf('accent'), 1);
    put(canvas, box.x + 1, box.y, MARKS[change], style | BOLD, 1);
    if (isHiddenLater(s, row)) put(canvas, box.x + 2, box.y, '◌', styleOf('changed'), 1);
    const inode = inodeOfRow(view.comparison, row);
    if (attributes && inode !== undefined) drawAttributes(canvas, box, inode);
    drawSize(s, canvas, box.x + fixed - SIZE_COLUMNS - 1, box.y, row);
    if (row.folder !== undefined)
      put(canvas, box.x + fixed + indent, box.y, isFolded(view.folds, row.path) ? '▸' : '▾', DIM, 1);
  }
  const x = box.x + fixed + indent + 2;
  put(canvas, x, box.y, line ?? nameOf(view, row), style, box.x + box.columns - x);
  if (row === s.cursor) shade(canvas, box.x, box.y, box.columns, s.pane === 'tree' ? REVERSE : REVERSE | DIM);
}

function drawAttributes(canvas: Canvas, box: Box, inode: Inode): void {
  put(canvas, box.x + 4, box.y, modeText(inode.kind, inode.mode), DIM, 10);
  put(canvas, box.x + 15, box.y, `${inode.uid}:${inode.gid}`.padStart(11), DIM, 11);
}

function drawSize(s: State, canvas: Canvas, x: number, y: number, row: Row): void {
  const kind = inodeOfRow(s.view.comparison, row)?.kind;
  // Links and devices have no bytes to tell of.
  if (row.folder === undefined && row.ghost === undefined && kind !== 'file') return;
  const size = sizeOfRow(s.view, row);
  const text = size === undefined ? '…' : formatSize(size);
  const pad = Math.max(0, SIZE_COLUMNS - widthOf(text));
  put(canvas, x + pad, y, text, row.ghost === undefined ? PLAIN : DIM, SIZE_COLUMNS);
}

/** True for a file that a layer stores and nobody sees in the image. */
function isHiddenLater(s: State, row: Row): boolean {
  if (row.ghost !== undefined) return true;
  const node = row.after ?? row.before;
  if (typeof node !== 'number') return row.before === undefined && row.after === undefined;
  return s.subject.names[node] === 0 && inodeOfRow(s.view.comparison, row)?.kind === 'file';
}
