import type { PullNotice } from '../../app/pull.ts';
import { PARTIAL_FROM_BYTES } from '../../store/partial-files.ts';
import type { Paint } from '../colour.ts';
import type { Frame } from '../live-painter.ts';
import { formatDockerSize, shortId } from '../units.ts';
import { endLines, headerLine, LAYER_WORDS, missingLine, noticeLine } from './pull-text.ts';

/** docker's bar is as wide. */
const WIDEST_BAR = 50;
/** A bar narrower than this says nothing. */
const NARROWEST_BAR = 8;

/** Pulls as rows of a terminal: one for each layer, with a bar while it comes. */
export interface PullRows {
  show(notice: PullNotice): void;
  /** What to draw now; pulls that are over become lines that stay. With `last` all do. */
  frame(columns: number, rows: number, last?: boolean): Frame;
  /** Bytes of unfinished pulls' layers that were fetched, and all that there were to fetch. */
  kept(): { readonly done: number; readonly total: number };
}

interface Row {
  readonly id: string;
  readonly size: number;
  state: 'present' | 'waiting' | 'started' | 'moved' | 'stored';
  done: number;
}

interface Block {
  readonly head: string[];
  readonly rows: Map<string, Row>;
  readonly tail: string[];
  over: boolean;
}

export function createPullRows(paint: Paint): PullRows {
  const blocks = new Map<string, Block>();
  let settled = '';
  const blockOf = (name: string): Block => {
    let block = blocks.get(name);
    if (block === undefined) {
      block = { head: [], rows: new Map(), tail: [], over: false };
      blocks.set(name, block);
    }
    return block;
  };
  const settle = (lines: readonly string[]): void => {
    settled += lines.map((line) => `${line}\n`).join('');
  };

  return {
    show(notice) {
      switch (notice.kind) {
        case 'begun': {
          // The same image once more, as a build does that begins again.
          blocks.delete(notice.name);
          const block = blockOf(notice.name);
          if (notice.missing) block.head.push(missingLine(notice.name));
          return;
        }
        case 'layers': {
          const block = blockOf(notice.name);
          block.head.push(headerLine(notice.name));
          for (const { digest, size } of notice.layers)
            block.rows.set(digest, { id: shortId(digest), size, state: 'waiting', done: 0 });
          return;
        }
        case 'layer': {
          const row = blockOf(notice.name).rows.get(notice.layer.digest);
          if (row !== undefined) Object.assign(row, { state: notice.state, done: notice.done });
          return;
        }
        case 'done': {
          const block = blockOf(notice.name);
          block.tail.push(...endLines(notice));
          block.over = true;
          return;
        }
        default: {
          const said = noticeLine(notice);
          if (said !== undefined) settle([said]);
        }
      }
    },
    frame(columns, rows, last = false) {
      // The last column stays empty: some terminals wrap a line that fills it.
      const width = Math.max(20, columns - 1);
      for (const [name, block] of blocks) {
        if (!block.over && !last) continue;
        settle(linesOf(block, width, paint));
        blocks.delete(name);
      }
      const lines = [...blocks.values()].flatMap((block) =>
        linesOf(block, width, paint, Math.max(4, rows - 2)),
      );
      const frame = { settled, lines: lines.slice(-Math.max(4, rows - 1)) };
      settled = '';
      return frame;
    },
    kept() {
      const wanted = [...blocks.values()]
        .flatMap(({ rows }) => [...rows.values()])
        .filter(({ state }) => state !== 'present');
      const sum = (of: (row: Row) => number): number => wanted.reduce((total, row) => total + of(row), 0);
      // The beginning of a small layer is not kept.
      const keeps = ({ state, size }: Row): boolean => state === 'stored' || size >= PARTIAL_FROM_BYTES;
      return { done: sum((row) => (keeps(row) ? row.done : 0)), total: sum(({ size }) => size) };
    },
  };
}

/** A pull's lines; where there is no room for all, finished layers give way. */
function linesOf(
  { head, rows, tail }: Block,
  width: number,
  paint: Paint,
  room = Number.POSITIVE_INFINITY,
): string[] {
  const all = [...rows.values()];
  const free = room - head.length - tail.length;
  if (all.length <= free)
    return [...head, ...all.map((row) => rowLine(row, width, paint)), ...tail].map(clipped(width));
  const open = all.filter(({ state }) => state === 'started' || state === 'moved').slice(0, free - 1);
  const finished = all.filter(({ state }) => state === 'present' || state === 'stored').length;
  const summary = paint('quiet', `${finished} of ${all.length} layers complete`);
  return [...head, ...open.map((row) => rowLine(row, width, paint)), summary, ...tail].map(clipped(width));
}

function rowLine({ id, size, state, done }: Row, width: number, paint: Paint): string {
  if (state === 'started' || (state === 'moved' && done < size)) return barLine(id, done, size, width, paint);
  const word =
    state === 'moved' ? LAYER_WORDS.verifying : LAYER_WORDS[state as 'present' | 'waiting' | 'stored'];
  return `${id}: ${state === 'present' ? paint('quiet', word) : word}`;
}

/** `6ae821421a7d: Downloading [====>     ]  12.3MB/45.6MB`. */
function barLine(id: string, done: number, size: number, width: number, paint: Paint): string {
  const start = `${id}: Downloading `;
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
