import type { PullNotice } from '../../app/pull.ts';
import { createPaint } from '../colour.ts';
import type { Terminal } from '../terminal.ts';
import { keptLine } from './kept-line.ts';
import { createPullLines } from './pull-lines.ts';

/** Shows pulls; `end` is called once, also after a failure. */
export interface PullView {
  show(notice: PullNotice): void;
  /** Leaves the cursor below all lines; after an interruption says what was kept. */
  end(interrupted: boolean): void;
}

/** Bars on a terminal, docker's lines elsewhere; on standard output as `docker pull`, or on standard error as `docker run`. */
export async function createPullView(terminal: Terminal, on: 'out' | 'err'): Promise<PullView> {
  const write =
    on === 'err'
      ? terminal.err
      : (text: string): void => {
          // A reader that has gone is the door's business.
          terminal.out(text).catch(() => {});
        };
  const isTty = on === 'err' ? terminal.errIsTty : terminal.outIsTty;
  if (!isTty) {
    const show = createPullLines(write);
    return { show, end: () => {} };
  }
  const [{ createPullRows }, { createLivePainter }] = await Promise.all([
    import('./pull-rows.ts'),
    import('../live-painter.ts'),
  ]);
  const rows = createPullRows(createPaint(terminal.colour));
  let last = false;
  const painter = createLivePainter(write, () => rows.frame(terminal.columns(), terminal.rows(), last));
  return {
    show: rows.show,
    end(interrupted) {
      const kept = keptLine(rows, interrupted);
      last = true;
      painter.stop();
      if (kept !== undefined) write(kept);
    },
  };
}
