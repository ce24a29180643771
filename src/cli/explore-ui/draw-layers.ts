import type { ExploredLayer } from '../../explore/types.ts';
import { madeBy } from '../explore-report.ts';
import { formatSize } from '../units.ts';
import { type Box, type Canvas, DIM, PLAIN, put, REVERSE, shade, styleOf } from './canvas.ts';
import type { State } from './state.ts';

/** From this width on a layer has a bar. */
const BAR_FROM = 34;
/** From this width on the bytes that it stores for nobody. */
const HIDDEN_FROM = 46;
const BAR_COLUMNS = 8;

export const layerRows = (s: State): number => Math.max(1, s.subject.report.layers.length);

/** The cake: one row a layer, the top of the image on top. */
export function drawLayers(s: State, canvas: Canvas, box: Box): void {
  const { layers } = s.subject.report;
  if (layers.length === 0) {
    put(canvas, box.x + 1, box.y, 'no layers', DIM, box.columns - 1);
    return;
  }
  const most = Math.max(1, ...layers.map(({ fileBytes }) => fileBytes));
  // The selected one with some around it.
  const at = layers.length - 1 - s.layer;
  const first = Math.min(Math.max(0, at - Math.floor(box.rows / 2)), layers.length - box.rows);
  for (let y = 0; y < box.rows; y++) {
    const layer = layers[layers.length - 1 - (Math.max(0, first) + y)];
    if (layer !== undefined) drawLayer(s, canvas, { ...box, y: box.y + y, rows: 1 }, layer, most);
  }
}

function drawLayer(s: State, canvas: Canvas, box: Box, layer: ExploredLayer, most: number): void {
  const selected = layer.number === s.layer;
  const end = box.x + box.columns;
  const digits = String(s.subject.report.layers.length - 1).length;
  let { x } = box;
  const add = (text: string, style: number, width = end - x): void => {
    put(canvas, x, box.y, text, style, Math.min(width, end - x));
    x += width;
  };
  add(selected ? '>' : ' ', styleOf('accent'), 1);
  const isBase = layer.level < s.subject.report.levels.length - 1;
  add(s.marks.includes(layer.number) ? '●' : isBase ? '▁' : ' ', styleOf('accent'), 1);
  add(String(layer.number).padStart(digits), PLAIN, digits + 1);
  if (box.columns >= BAR_FROM) {
    const [shown, hidden] = barOf(layer, most);
    add('█'.repeat(shown), styleOf('accent'), shown);
    add('░'.repeat(hidden), DIM, BAR_COLUMNS + 1 - shown);
  }
  add(formatSize(layer.fileBytes).padStart(8), PLAIN, 9);
  if (box.columns >= HIDDEN_FROM) {
    const hidden = layer.hiddenBytes === 0 ? '' : `◌ ${formatSize(layer.hiddenBytes)}`;
    add(hidden.padStart(10), styleOf('changed'), 11);
  } else if (layer.hiddenBytes > 0) add('◌', styleOf('changed'), 2);
  add(madeBy(layer, s.subject.report), PLAIN);
  if (!selected) return;
  shade(canvas, box.x, box.y, box.columns, s.pane === 'layers' ? REVERSE : REVERSE | DIM);
}

/** Columns of what is seen and of what is not: together by the logarithm of the size, so that small layers can be seen. */
function barOf(
  { fileBytes, hiddenBytes }: ExploredLayer,
  most: number,
): readonly [shown: number, hidden: number] {
  if (fileBytes === 0) return [0, 0];
  const length = Math.max(1, Math.round((BAR_COLUMNS * Math.log(fileBytes + 1)) / Math.log(most + 1)));
  const hidden = hiddenBytes === 0 ? 0 : Math.max(1, Math.round((length * hiddenBytes) / fileBytes));
  return [length - hidden, hidden];
}
