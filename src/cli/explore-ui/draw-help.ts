import { BOLD, type Box, type Canvas, DIM, PLAIN, put, styleOf } from './canvas.ts';
import { widthOf, wrapText } from './glyphs.ts';
import { keyGroups } from './key-table.ts';
import type { State } from './state.ts';

const KEY_COLUMNS = 12;

type Line = readonly [keys: string, text: string, style: number];

/** What the signs mean; the same words stand in docs/explore.md. */
export const SIGNS: readonly (readonly [sign: string, says: string])[] = [
  ['+', 'added'],
  ['~', 'changed: other bytes, another type or target; of a directory: something below it'],
  ['m', 'only mode, owner, time or attributes changed'],
  ['=', 'written again without any difference'],
  ['-', 'removed'],
  ['◌', 'shipped but not visible in the image: a layer stores it, and another hides it'],
  ['▁', 'a layer of the base image'],
  ['●', 'a layer that is marked for comparison'],
];

/** Every key and every sign. */
export function drawHelp(s: State, canvas: Canvas, box: Box): void {
  const text = box.columns - KEY_COLUMNS - 4;
  const row = (keys: string, says: string): Line[] =>
    wrapText(says, text, 9).map((line, i): Line => [i === 0 ? keys : '', line, PLAIN]);
  const lines: Line[] = [
    ['', 'Signs', BOLD],
    ...SIGNS.flatMap(([sign, says]) => row(sign, says)),
    ...keyGroups().flatMap(({ title, rows }): Line[] => [
      ['', '', PLAIN],
      ['', title, BOLD],
      ...rows.flatMap(({ shown, says }) => row(shown, says.replaceAll('`', ''))),
    ]),
  ];
  const rows = box.rows - 1;
  s.viewerRows = rows;
  s.help = Math.min(s.help ?? 0, Math.max(0, lines.length - rows));
  put(canvas, box.x, box.y, '━'.repeat(box.columns), styleOf('accent'));
  put(canvas, box.x + 1, box.y, ' Keys ', styleOf('accent') | BOLD);
  const place =
    lines.length > rows
      ? ` ${s.help + 1}–${Math.min(lines.length, s.help + rows)} of ${lines.length}, ↓ for more `
      : '';
  put(canvas, box.x + box.columns - widthOf(place) - 1, box.y, place, BOLD);
  for (const [y, [keys, says, style]] of lines.slice(s.help, s.help + rows).entries()) {
    if (style === BOLD) put(canvas, box.x + 1, box.y + 1 + y, says, BOLD);
    else {
      put(canvas, box.x + 2, box.y + 1 + y, keys, styleOf('accent'), KEY_COLUMNS);
      put(canvas, box.x + 2 + KEY_COLUMNS, box.y + 1 + y, says, keys === '' && says === '' ? DIM : PLAIN);
    }
  }
}
