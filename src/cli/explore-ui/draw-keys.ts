import { BOLD, type Canvas, DIM, PLAIN, put, REVERSE, styleOf } from './canvas.ts';
import { endOf, widthOf } from './glyphs.ts';
import { KEYS, type KeyRow } from './key-table.ts';
import type { State } from './state.ts';

/** The last line: a question, what has just happened, or the keys that mean most here. */
export function drawKeys(s: State, canvas: Canvas, y: number): void {
  if (s.question !== undefined) drawQuestion(s, canvas, y);
  else if (s.busy !== undefined || s.message !== undefined)
    put(canvas, 1, y, s.busy ?? s.message!, styleOf('accent'), canvas.columns - 2);
  else drawHints(s, canvas, y);
}

const ASKS = { filter: 'filter', search: 'search', extract: 'write it to' } as const;

function drawQuestion({ question, filtering, view }: State, canvas: Canvas, y: number): void {
  const { kind, text, problem } = question!;
  let note = problem ?? '';
  if (kind === 'filter' && problem === undefined && text !== '') {
    if (filtering !== undefined) note = 'looking …';
    else if (view.survey !== undefined) note = matchWords(view.survey.matches);
  }
  const asked = `${ASKS[kind]}: `;
  // What is wrong with an answer matters more than the beginning of a long one.
  const typed = Math.min(widthOf(text), Math.floor(canvas.columns / 3));
  const noteWidth =
    note === '' ? 0 : Math.min(widthOf(note) + 1, canvas.columns - widthOf(asked) - typed - 3);
  let x = put(canvas, 0, y, asked, BOLD);
  // The end of what is typed is where the next letter goes.
  x += put(canvas, x, y, endOf(text, Math.max(4, canvas.columns - x - noteWidth - 2)), PLAIN);
  put(canvas, x, y, ' ', REVERSE);
  if (note !== '')
    put(
      canvas,
      canvas.columns - noteWidth,
      y,
      note,
      problem === undefined ? DIM : styleOf('removed'),
      noteWidth,
    );
}

const matchWords = (matches: number): string =>
  matches === 0 ? 'no path' : `${matches.toLocaleString('en-US')} ${matches === 1 ? 'path' : 'paths'}`;

function drawHints(s: State, canvas: Canvas, y: number): void {
  const place = s.viewer === undefined ? s.pane : 'viewer';
  const rows: readonly KeyRow[] = KEYS;
  const here = rows.filter((row) => row.short !== undefined && row.place === place);
  const everywhere = rows.filter(
    (row) => row.short !== undefined && row.place === 'all' && place !== 'viewer',
  );
  const shownFirst = (row: KeyRow): boolean =>
    row.action === 'help' || row.action === 'quit' || row.action === 'other-pane';
  const inOrder = [
    ...everywhere.filter(shownFirst),
    ...here,
    ...everywhere.filter((row) => !shownFirst(row)),
  ];
  const hints = s.help === undefined ? inOrder : [{ shown: 'any key', short: 'back' }];
  let x = 0;
  for (const { shown, short } of hints) {
    const key = shown.split(' ')[0] === 'any' ? shown : shown.split(' ')[0]!;
    const width = widthOf(key) + 1 + widthOf(short!) + 2;
    if (x + width - 1 > canvas.columns) continue;
    const after = x + put(canvas, x, y, key, BOLD);
    put(canvas, after + 1, y, short!, DIM);
    x += width;
  }
}
