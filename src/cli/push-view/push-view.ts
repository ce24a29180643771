import type { PushNotice } from '../../app/push.ts';
import { createPaint } from '../colour.ts';
import type { Terminal } from '../terminal.ts';
import { createPushLines } from './push-lines.ts';

/** Shows pushes; `end` is called once, also after a failure. */
export interface PushView {
  show(notice: PushNotice): void;
  /** Leaves the cursor below all lines. */
  end(): void;
}

/** Bars on a terminal, docker's lines elsewhere; on standard output as `docker push`, or on standard error as a build. */
export async function createPushView(terminal: Terminal, on: 'out' | 'err'): Promise<PushView> {
  const write =
    on === 'err'
      ? terminal.err
      : (text: string): void => {
          // A reader that has gone is the door's business.
          terminal.out(text).catch(() => {});
        };
  const isTty = on === 'err' ? terminal.errIsTty : terminal.outIsTty;
  if (!isTty) return { show: createPushLines(write), end: () => {} };
  const [{ createPushRows }, { createLivePainter }] = await Promise.all([
    import('./push-rows.ts'),
    import('../live-painter.ts'),
  ]);
  const rows = createPushRows(createPaint(terminal.colour));
  let last = false;
  const painter = createLivePainter(write, () => rows.frame(terminal.columns(), terminal.rows(), last));
  return {
    show: rows.show,
    end() {
      last = true;
      painter.stop();
    },
  };
}
