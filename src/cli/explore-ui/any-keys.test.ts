import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { putExploredImage } from '../../../test/support/explored-image.ts';
import { openExploration } from '../../explore/explore-image.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { type Canvas, canvasLines, createCanvas } from './canvas.ts';
import { createExplorer } from './explorer.ts';
import { widthOf } from './glyphs.ts';
import { KEYS } from './key-table.ts';
import { createSubject, type Subject } from './state.ts';

let subject: Subject;
beforeAll(async () => {
  const store = createMemoryStore();
  subject = createSubject('app:1', await openExploration(store, await putExploredImage(store)));
});

const KEY = fc.oneof(
  fc.constantFrom(...new Set(KEYS.flatMap((row) => [...row.keys]))),
  fc.constantFrom('e', 'n', 'v', '.', '*', '(', 'backspace', 'ctrl+w', '語', 'f12'),
);
const SIZE = fc.tuple(fc.integer({ min: 1, max: 160 }), fc.integer({ min: 1, max: 50 }));

/** What must hold of every screen. */
function check(canvas: Canvas, hasCursor: boolean): void {
  const lines = canvasLines(canvas);
  for (const line of lines) {
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(widthOf(line)).toBeLessThanOrEqual(canvas.columns);
  }
  if (hasCursor) expect(lines.filter((line) => line.includes('│>'))).toHaveLength(1);
}

test('no keys in no order break it, at no size: the cursor stays on the screen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(KEY, SIZE), { maxLength: 120 }), async (presses) => {
      const content = Buffer.from('one\ntwo\u001b[31m\n');
      const explorer = createExplorer(subject, {
        read: async () => ({ bytes: content, size: content.length }),
        extract: async (_, to) => to,
        changed: () => {},
        redraw: () => {},
        suspend: () => {},
        quit: () => {},
      });
      const { state } = explorer;
      for (const [key, [columns, rows]] of presses) {
        explorer.press({ key });
        await Promise.resolve();
        while (explorer.work(50));
        const canvas = createCanvas(columns, rows);
        explorer.draw(canvas);
        const panes = state.viewer === undefined && state.help === undefined && columns >= 40 && rows >= 8;
        check(canvas, panes && state.cursor !== undefined);
      }
    }),
    { numRuns: 60 },
  );
});
