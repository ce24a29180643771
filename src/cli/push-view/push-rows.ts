import type { PushNotice } from '../../app/push.ts';
import type { Paint } from '../colour.ts';
import type { Frame } from '../live-painter.ts';
import { type LayerBlock, type LayerRow, linesOf } from '../pull-view/layer-rows.ts';
import { shortId } from '../units.ts';
import { aloneLine, endLine, headerLine, layerWord, registryLine } from './push-text.ts';

/** Pushes as rows of a terminal: one for each layer, with a bar while it goes. */
export interface PushRows {
  show(notice: PushNotice): void;
  /** What to draw now; pushes that are over become lines that stay. With `last` all do. */
  frame(columns: number, rows: number, last?: boolean): Frame;
}

type Block = LayerBlock & { readonly rows: Map<string, LayerRow>; over: boolean };

export function createPushRows(paint: Paint): PushRows {
  const blocks = new Map<string, Block>();
  let settled = '';
  const settle = (lines: readonly string[]): void => {
    settled += lines.map((line) => `${line}\n`).join('');
  };
  return {
    show(notice) {
      switch (notice.kind) {
        case 'begun':
          return settle([headerLine(notice.repository)]);
        case 'layers': {
          const head = notice.alone === undefined ? [] : [aloneLine(notice.alone)];
          blocks.set(notice.name, { head, rows: new Map(), tail: [], over: false });
          return;
        }
        case 'layer': {
          blocks.get(notice.name)?.rows.set(notice.layer.diffId, rowOf(notice));
          return;
        }
        case 'done': {
          const block = blocks.get(notice.name);
          if (block === undefined) return;
          block.tail.push(endLine(notice));
          block.over = true;
          return;
        }
        default: {
          const said = registryLine(notice);
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
      const room = Math.max(4, rows - 2);
      const lines = [...blocks.values()].flatMap((block) => linesOf(block, width, paint, room));
      const frame = { settled, lines: lines.slice(-Math.max(4, rows - 1)) };
      settled = '';
      return frame;
    },
  };
}

function rowOf(notice: Extract<PushNotice, { kind: 'layer' }>): LayerRow {
  const { layer, size, done, state } = notice;
  const word = layerWord(notice);
  const over = ['pushed', 'present', 'mounted', 'foreign'].includes(state);
  const quiet = state === 'present' || state === 'foreign';
  return {
    id: shortId(layer.diffId),
    size,
    done,
    word: word ?? 'Pushing',
    moves: word === undefined,
    over,
    quiet,
  };
}
