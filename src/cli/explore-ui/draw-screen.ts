import { efficiencySentence } from '../explore-report.ts';
import { formatSize } from '../units.ts';
import { BOLD, type Box, type Canvas, DIM, PLAIN, put, styleOf } from './canvas.ts';
import { drawDetails } from './draw-details.ts';
import { drawHelp } from './draw-help.ts';
import { drawKeys } from './draw-keys.ts';
import { drawLayers, layerRows } from './draw-layers.ts';
import { drawTree } from './draw-tree.ts';
import { drawViewer } from './draw-viewer.ts';
import { widthOf } from './glyphs.ts';
import type { State } from './state.ts';

/** Below this there is no room for anything but a word. */
const LEAST_COLUMNS = 40;
const LEAST_ROWS = 8;

/** Draws the whole screen; the state learns how many rows its parts have. */
export function drawScreen(s: State, canvas: Canvas): void {
  const { columns, rows } = canvas;
  if (columns < LEAST_COLUMNS || rows < LEAST_ROWS) {
    put(canvas, 0, 0, `needs ${LEAST_COLUMNS}×${LEAST_ROWS}`, PLAIN);
    return;
  }
  drawTitle(s, canvas);
  const body = { x: 0, y: 1, columns, rows: rows - 2 };
  if (s.help !== undefined) drawHelp(s, canvas, body);
  else if (s.viewer !== undefined) drawViewer(s, s.viewer, canvas, body);
  else drawPanes(s, canvas, body);
  drawKeys(s, canvas, rows - 1);
}

/** Name, platform, size, and what of it nobody sees. */
function drawTitle({ subject }: State, canvas: Canvas): void {
  const { name, report } = subject;
  const { os = '?', architecture = '?', variant } = report.image;
  let x = put(canvas, 0, 0, name, BOLD, Math.floor(canvas.columns / 3));
  const add = (text: string, style: number): void => {
    // What does not fit whole is left out: half a number is a wrong one.
    if (x + 2 + widthOf(text) > canvas.columns) return;
    x += 2 + put(canvas, x + 2, 0, text, style);
  };
  const sentence = efficiencySentence(report);
  const short = `${formatSize(report.hidden)} of ${formatSize(report.total)} hidden`;
  const platform = `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`;
  const withPlatform = x + 2 + widthOf(platform) + 2 + widthOf(sentence) <= canvas.columns;
  if (withPlatform) add(platform, PLAIN);
  const fits = x + 2 + widthOf(sentence) <= canvas.columns;
  add(fits ? sentence : short, report.hidden > 0 ? styleOf('changed') : PLAIN);
  if (withPlatform) add(report.image.id.slice(0, 19), DIM);
}

/** Left the layers and the details, right the files. */
function drawPanes(s: State, canvas: Canvas, body: Box): void {
  const left = Math.max(24, Math.min(76, Math.floor(body.columns * 0.43)));
  const line = (x: number): void => {
    for (let y = body.y; y < body.y + body.rows; y++) put(canvas, x, y, '│', DIM);
  };
  line(left);
  const layers = Math.min(layerRows(s), Math.max(3, Math.floor((body.rows - 2) / 2)));
  drawHeading(canvas, { ...body, columns: left }, 'Layers', s.pane === 'layers');
  drawLayers(s, canvas, { x: 0, y: body.y + 1, columns: left, rows: layers });
  const below = body.y + 1 + layers;
  drawHeading(canvas, { ...body, y: below, columns: left }, 'Details', false);
  drawDetails(s, canvas, { x: 0, y: below + 1, columns: left, rows: body.y + body.rows - below - 1 });
  const tree = { x: left + 1, y: body.y, columns: body.columns - left - 1, rows: body.rows };
  drawHeading(canvas, tree, `Files  ${shownFiles(s)}`, s.pane === 'tree', notesOf(s));
  drawTree(s, canvas, { ...tree, y: tree.y + 1, rows: tree.rows - 1 });
}

/** A line with a title in it, heavy where the keys go; notes at its right end, as many as fit. */
function drawHeading(
  canvas: Canvas,
  box: Pick<Box, 'x' | 'y' | 'columns'>,
  title: string,
  focused: boolean,
  notes: readonly string[] = [],
): void {
  const sign = focused ? '━' : '─';
  put(canvas, box.x, box.y, sign.repeat(box.columns), focused ? styleOf('accent') : DIM);
  const style = focused ? styleOf('accent') | BOLD : BOLD;
  const used = put(canvas, box.x + 1, box.y, ` ${title} `, style, box.columns - 2);
  let end = box.x + box.columns - 1;
  for (const note of notes) {
    const width = widthOf(note) + 2;
    if (end - width < box.x + 1 + used) break;
    end -= width;
    put(canvas, end, box.y, ` ${note} `, BOLD, width);
  }
}

/** What is compared, in words. */
function shownFiles(s: State): string {
  const [low, high] = s.marks;
  if (low !== undefined && high !== undefined) return `layer ${low} → layer ${high}`;
  if (s.aggregated && s.layer > 0) return `layers 1–${s.layer} together`;
  return `of layer ${s.layer}`;
}

/** What is not as it is at first. */
function notesOf(s: State): string[] {
  const out = (['added', 'removed', 'modified', 'unmodified'] as const).filter((each) => !s.shown[each]);
  return [
    ...(s.filter === '' ? [] : [`filter: ${s.filter}`]),
    ...out.map((each) => `no ${each}`),
    ...(s.ghosts ? ['◌ shown'] : []),
    ...(s.sort === 'name' ? [] : [`by ${s.sort}`]),
  ];
}
