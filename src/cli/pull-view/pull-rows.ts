import type { PullNotice } from '../../app/pull.ts';
import { PARTIAL_FROM_BYTES } from '../../store/partial-files.ts';
import type { Paint } from '../colour.ts';
import type { Frame } from '../live-painter.ts';
import { shortId } from '../units.ts';
import { type LayerBlock, type LayerRow, linesOf } from './layer-rows.ts';
import { endLines, headerLine, LAYER_WORDS, missingLine, noticeLine } from './pull-text.ts';

/** Pulls as rows of a terminal: one for each layer, with a bar while it comes. */
export interface PullRows {
  show(notice: PullNotice): void;
  /** What to draw now; pulls that are over become lines that stay. With `last` all do. */
  frame(columns: number, rows: number, last?: boolean): Frame;
  /** Bytes of unfinished pulls' layers that were fetched, and all that there were to fetch. */
  kept(): { readonly done: number; readonly total: number };
}

interface Row extends LayerRow {
  state: 'present' | 'waiting' | 'started' | 'moved' | 'stored';
}

interface Block extends LayerBlock {
  readonly rows: Map<string, Row>;
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
            block.rows.set(digest, rowOf({ id: shortId(digest), size, state: 'waiting', done: 0 }));
          return;
        }
        case 'layer': {
          const row = blockOf(notice.name).rows.get(notice.layer.digest);
          if (row !== undefined)
            Object.assign(row, rowOf({ ...row, state: notice.state, done: notice.done }));
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

/** How a layer is shown in its state. */
function rowOf({ id, size, state, done }: Pick<Row, 'id' | 'size' | 'state' | 'done'>): Row {
  const moves = state === 'started' || (state === 'moved' && done < size);
  const word = state === 'started' ? '' : state === 'moved' ? LAYER_WORDS.verifying : LAYER_WORDS[state];
  const over = state === 'present' || state === 'stored';
  return {
    id,
    size,
    state,
    done,
    word: moves ? 'Downloading' : word,
    moves,
    over,
    quiet: state === 'present',
  };
}
