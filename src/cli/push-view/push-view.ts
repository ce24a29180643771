import type { PushNotice } from '../../app/push.ts';
import type { Terminal } from '../terminal.ts';
import { createTransferView } from '../transfer-view.ts';
import { createPushLines } from './push-lines.ts';

/** Shows pushes; `end` is called once, also after a failure. */
export interface PushView {
  show(notice: PushNotice): void;
  /** Leaves the cursor below all lines. */
  end(): void;
}

/** Bars on a terminal, docker's lines elsewhere; on standard output as `docker push`, or on standard error as a build. */
export async function createPushView(terminal: Terminal, on: 'out' | 'err'): Promise<PushView> {
  const loadRows = async () => (await import('./push-rows.ts')).createPushRows;
  return createTransferView(terminal, on, createPushLines, loadRows);
}
