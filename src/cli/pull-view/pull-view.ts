import type { PullNotice } from '../../app/pull.ts';
import type { Terminal } from '../terminal.ts';
import { createTransferView } from '../transfer-view.ts';
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
  const loadRows = async () => (await import('./pull-rows.ts')).createPullRows;
  const view = await createTransferView(terminal, on, createPullLines, loadRows);
  return {
    show: view.show,
    end(interrupted) {
      const kept = view.rows === undefined ? undefined : keptLine(view.rows, interrupted);
      view.end();
      if (kept !== undefined) view.write(kept);
    },
  };
}
