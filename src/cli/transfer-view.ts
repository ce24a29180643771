import { createPaint, type Paint } from './colour.ts';
import type { Frame } from './live-painter.ts';
import type { Terminal } from './terminal.ts';

/** Rows with bars, as they are to be drawn. */
interface TransferRows<N> {
  show(notice: N): void;
  /** `last`: what is still under way stays as it is. */
  frame(columns: number, rows: number, last: boolean): Frame;
}

export interface TransferView<N, R> {
  show(notice: N): void;
  readonly write: (text: string) => void;
  /** Undefined where lines are written. */
  readonly rows: R | undefined;
  /** Leaves the cursor below all lines. */
  end(): void;
}

/** How a pull or a push is shown: bars on a terminal, lines elsewhere; on standard output or standard error. What draws bars is loaded where they are drawn. */
export async function createTransferView<N, R extends TransferRows<N>>(
  terminal: Terminal,
  on: 'out' | 'err',
  createLines: (write: (text: string) => void) => (notice: N) => void,
  loadRows: () => Promise<(paint: Paint) => R>,
): Promise<TransferView<N, R>> {
  const write =
    on === 'err'
      ? terminal.err
      : (text: string): void => {
          // A reader that has gone is the door's business.
          terminal.out(text).catch(() => {});
        };
  const isTty = on === 'err' ? terminal.errIsTty : terminal.outIsTty;
  if (!isTty) return { show: createLines(write), write, rows: undefined, end: () => {} };
  const [createRows, { createLivePainter }] = await Promise.all([loadRows(), import('./live-painter.ts')]);
  const rows = createRows(createPaint(terminal.colour));
  let last = false;
  const painter = createLivePainter(write, () => rows.frame(terminal.columns(), terminal.rows(), last));
  return {
    show: rows.show,
    write,
    rows,
    end() {
      last = true;
      painter.stop();
    },
  };
}
