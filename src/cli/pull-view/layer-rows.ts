import type { Paint } from '../colour.ts';
import { formatDockerSize } from '../units.ts';

/** docker's bar is as wide. */
const WIDEST_BAR = 50;
/** A bar narrower than this says nothing. */
const NARROWEST_BAR = 8;

/** A layer on its way, as one line. */
export interface LayerRow {
  readonly id: string;
  size: number;
  done: number;
  /** What happens to it, or has happened. */
  word: string;
  /** It has a bar. */
  moves: boolean;
  /** Nothing more happens to it. */
  over: boolean;
  /** It is no news. */
  quiet: boolean;
}

/** The layers of one image between what is said before and after. */
export interface LayerBlock {
  readonly head: string[];
  readonly rows: ReadonlyMap<string, LayerRow>;
  readonly tail: string[];
}

/** The lines of a pull or push; where there is no room for all, finished layers give way. */
export function linesOf(
  { head, rows, tail }: LayerBlock,
  width: number,
  paint: Paint,
  room = Number.POSITIVE_INFINITY,
): string[] {
  const all = [...rows.values()];
  const free = room - head.length - tail.length;
  if (all.length <= free)
    return [...head, ...all.map((row) => rowLine(row, width, paint)), ...tail].map(clipped(width));
  const open = all.filter(({ moves }) => moves).slice(0, free - 1);
  const finished = all.filter(({ over }) => over).length;
  const summary = paint('quiet', `${finished} of ${all.length} layers complete`);
  return [...head, ...open.map((row) => rowLine(row, width, paint)), summary, ...tail].map(clipped(width));
}

function rowLine(row: LayerRow, width: number, paint: Paint): string {
  if (row.moves) return barLine(row, width, paint);
  return `${row.id}: ${row.quiet ? paint('quiet', row.word) : row.word}`;
}

/** `6ae821421a7d: Downloading [====>     ]  12.3MB/45.6MB`. */
function barLine({ id, done, size, word }: LayerRow, width: number, paint: Paint): string {
  const start = `${id}: ${word} `;
  const numbers = `${formatDockerSize(done)}/${formatDockerSize(size)}`;
  // The longest that the numbers can be, so that the bar keeps its width.
  const room = width - start.length - '[] '.length - '999.9MB/999.9MB'.length;
  const bar = Math.min(WIDEST_BAR, room);
  if (bar < NARROWEST_BAR) return `${start}${numbers}`;
  const filled = size === 0 ? bar : Math.min(bar, Math.floor((bar * done) / size));
  const head = filled === 0 ? '>' : filled < bar ? `${'='.repeat(filled - 1)}>` : '='.repeat(bar);
  const padding = ' '.repeat(bar - head.length);
  return `${start}[${paint('accent', head)}${padding}] ${numbers.padStart('999.9MB/999.9MB'.length)}`;
}

/** Lines without colours only: those with some are narrow enough as they are made. */
const clipped =
  (width: number) =>
  (line: string): string =>
    line.length > width && !line.includes('\u001b') ? `${line.slice(0, width - 1)}…` : line;
