import type { BuildEvent } from '../../build/build-events.ts';
import type { Paint } from '../colour.ts';
import { createLivePainter } from '../live-painter.ts';
import { keptLine } from '../pull-view/kept-line.ts';
import { createPullRows } from '../pull-view/pull-rows.ts';
import { createPushRows } from '../push-view/push-rows.ts';
import type { Terminal } from '../terminal.ts';
import { formatDuration, formatSize, shortId } from '../units.ts';
import { type BuildView, contextText, endWord, LONGEST_LINE } from './plain-view.ts';
import { safeText } from './safe-text.ts';
import { type StepLabel, stepLabels } from './step-label.ts';

/** Lines of a running step's output that stand below it. */
const TAIL_LINES = 4;
/** Lines of a failed step's output that stay. */
const FAILED_LINES = 40;
const TIME_WIDTH = 7;
const SIZE_WIDTH = 8;
const ID_WIDTH = 12;
/** Narrower terminals do without the ids. */
const ID_FROM = 72;

interface Running {
  readonly label: string;
  readonly since: number;
  readonly lines: string[];
  open: string;
}

/** One line a step with its time or `cached`; a running step shows its last lines below and folds when done. Pulls have a bar for each layer. */
export function createLiveView(terminal: Terminal, paint: Paint, now: () => number): BuildView {
  const pulls = createPullRows(paint);
  const pushes = createPushRows(paint);
  let labels: ReadonlyMap<string, StepLabel> = new Map();
  const running = new Map<string, Running>();
  let settled = '';
  let ended = false;

  const clip = (text: string, room = terminal.columns() - 1): string => shorten(text, Math.max(20, room));
  const settle = (text: string): void => {
    settled += `${text}\n`;
  };
  const row = (mark: string, step: string, time: string, size: string, id: string): string => {
    const withId = terminal.columns() >= ID_FROM;
    const facts = `${time.padStart(TIME_WIDTH)}  ${size.padStart(SIZE_WIDTH)}${withId ? `  ${id}` : ''}`;
    const longest = Math.max(...[...labels.values()].map(({ text }) => text.length), 0);
    const most = terminal.columns() - 1 - 2 - 2 - TIME_WIDTH - 2 - SIZE_WIDTH - (withId ? 2 + ID_WIDTH : 0);
    const width = Math.max(8, Math.min(longest, most));
    const label = shorten(labels.get(step)?.text ?? step, width).padEnd(width);
    return `${mark} ${label}  ${time === 'cached' ? paint('quiet', facts) : facts}`.trimEnd();
  };
  const liveLines = (): string[] => {
    const room = Math.max(3, terminal.rows() - 2);
    const lines = [...running.values()].flatMap((step) => [
      runningLine(step),
      ...step.lines.slice(-TAIL_LINES).map((line) => paint('quiet', clip(`    ${line}`))),
    ]);
    return lines.slice(-room);
  };
  const runningLine = (step: Running): string => {
    const time = formatDuration(now() - step.since);
    return `${paint('accent', '▸')} ${clip(step.label, terminal.columns() - 5 - time.length)}  ${time}`;
  };
  const painter = createLivePainter(terminal.err, () => {
    const pulled = pulls.frame(terminal.columns(), terminal.rows(), ended);
    const pushed = pushes.frame(terminal.columns(), terminal.rows(), ended);
    const frame = {
      settled: pulled.settled + settled + pushed.settled,
      lines: [...pulled.lines, ...(ended ? [] : liveLines()), ...pushed.lines],
    };
    settled = '';
    return frame;
  });

  const takeOutput = (step: Running, bytes: Uint8Array): void => {
    const lines = (step.open + Buffer.from(bytes).toString('utf8')).split('\n');
    step.open = (lines.pop() ?? '').slice(-LONGEST_LINE);
    step.lines.push(...lines.map(safeText));
    if (step.lines.length > FAILED_LINES) step.lines.splice(0, step.lines.length - FAILED_LINES);
  };

  return {
    show(event: BuildEvent) {
      switch (event.kind) {
        case 'planned':
          labels = stepLabels(event.graph);
          return;
        case 'warning':
          return settle(
            `${paint('changed', 'warning:')} ${safeText(event.message)}${event.line === undefined ? '' : ` (line ${event.line})`}`,
          );
        case 'context':
          return settle(
            paint('quiet', clip(`  ${labels.get(event.step)?.text ?? ''} reads ${contextText(event)}`)),
          );
        case 'started':
          running.set(event.step, {
            label: labels.get(event.step)?.text ?? event.step,
            since: now(),
            lines: [],
            open: '',
          });
          return;
        case 'output': {
          const step = running.get(event.step);
          if (step !== undefined) takeOutput(step, event.bytes);
          return;
        }
        case 'cached':
          return settle(row(paint('quiet', '='), event.step, 'cached', '', shortId(event.imageId)));
        case 'done': {
          running.delete(event.step);
          const size = event.layerBytes === undefined ? '' : formatSize(event.layerBytes);
          return settle(
            row(paint('added', '✓'), event.step, formatDuration(event.ms), size, shortId(event.imageId)),
          );
        }
        case 'failed': {
          const step = running.get(event.step);
          running.delete(event.step);
          settle(row(paint('removed', '✗'), event.step, formatDuration(event.ms), endWord(event.error), ''));
          for (const line of [...(step?.lines ?? []), ...(step?.open ? [safeText(step.open)] : [])])
            settle(`    ${line}`);
        }
      }
    },
    pull: pulls.show,
    push: pushes.show,
    end(interrupted) {
      const kept = keptLine(pulls, interrupted === true);
      ended = true;
      painter.stop();
      if (kept !== undefined) terminal.err(kept);
    },
  };
}

const shorten = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;
