import type { PullNotice } from '../../app/pull.ts';
import type { PushNotice } from '../../app/push.ts';
import { isDobosError } from '../../base/errors.ts';
import type { BuildEvent } from '../../build/build-events.ts';
import { createPullLines } from '../pull-view/pull-lines.ts';
import { createPushLines } from '../push-view/push-lines.ts';
import { formatDuration, formatSize, shortId } from '../units.ts';
import { safeText } from './safe-text.ts';
import { type StepLabel, stepLabels } from './step-label.ts';

/** Draws a build's events; `end` is called once, also after a failure. */
export interface BuildView {
  show(event: BuildEvent): void;
  /** What happens while bases are pulled. */
  pull(notice: PullNotice): void;
  /** What happens while the image is pushed. */
  push(notice: PushNotice): void;
  end(interrupted?: boolean): void;
}

/** Characters of a line without an end after which it is shown as if it had one. */
export const LONGEST_LINE = 8192;

/** One line an event, prefixed `#step`, no cursor movement: for logs. */
export function createPlainView(write: (text: string) => void, now: () => number): BuildView {
  let labels: ReadonlyMap<string, StepLabel> = new Map();
  const started = new Map<string, number>();
  const open = new Map<string, string>();
  const running = new Set<string>();
  const number = (step: string): string => `#${labels.get(step)?.number ?? step}`;
  const announced = new Set<string>();
  const announce = (step: string): void => {
    if (announced.has(step)) return;
    announced.add(step);
    write(`${number(step)} ${labels.get(step)?.text ?? ''}\n`);
  };
  const outputLine = (step: string, line: string, at: number): void =>
    write(`${number(step)} ${((at - (started.get(step) ?? at)) / 1000).toFixed(2)} ${safeText(line)}\n`);
  const flush = (step: string): void => {
    const rest = open.get(step);
    if (rest !== undefined && rest !== '') outputLine(step, rest, now());
    open.delete(step);
  };

  return {
    show(event) {
      switch (event.kind) {
        case 'planned':
          labels = stepLabels(event.graph);
          return;
        case 'warning':
          return write(
            `warning: ${safeText(event.message)}${event.line === undefined ? '' : ` (line ${event.line})`}\n`,
          );
        case 'context':
          announce(event.step);
          return write(`${number(event.step)} reads ${contextText(event)}\n`);
        case 'started':
          announce(event.step);
          started.set(event.step, now());
          running.add(event.step);
          for (const why of event.why) write(`${number(event.step)} why: ${safeText(why)}\n`);
          return;
        case 'output': {
          const lines = ((open.get(event.step) ?? '') + Buffer.from(event.bytes).toString('utf8')).split(
            '\n',
          );
          const rest = lines.pop() ?? '';
          const whole = rest.length - (rest.length % LONGEST_LINE);
          for (let from = 0; from < whole; from += LONGEST_LINE)
            lines.push(rest.slice(from, from + LONGEST_LINE));
          open.set(event.step, rest.slice(whole));
          for (const line of lines) outputLine(event.step, line, now());
          return;
        }
        case 'cached':
          announce(event.step);
          return write(`${number(event.step)} cached  ${shortId(event.imageId)}\n`);
        case 'done': {
          announce(event.step);
          running.delete(event.step);
          flush(event.step);
          const size = event.layerBytes === undefined ? '' : `  ${formatSize(event.layerBytes)}`;
          return write(
            `${number(event.step)} done ${formatDuration(event.ms)}${size}  ${shortId(event.imageId)}\n`,
          );
        }
        case 'failed':
          announce(event.step);
          flush(event.step);
          running.delete(event.step);
          write(`${number(event.step)} ${endWord(event.error)} after ${formatDuration(event.ms)}\n`);
          // Lines of steps beside it may stand between its own.
          if (running.size > 0) write(lastLines(labels.get(event.step)?.text ?? event.step, event.error));
          return;
      }
    },
    pull: createPullLines(write),
    push: createPushLines(write),
    end() {
      for (const step of [...open.keys()]) flush(step);
    },
  };
}

/** What a failed program said last, in one piece. */
function lastLines(label: string, error: unknown): string {
  const { lines } = isDobosError(error) ? error.facts : {};
  if (!Array.isArray(lines) || lines.length === 0) return '';
  return `------\n > ${label}:\n${lines.map((line) => `${safeText(String(line))}\n`).join('')}------\n`;
}

/** A step that was told to stop did not fail. */
export const endWord = (error: unknown): string =>
  error instanceof Error && error.name === 'AbortError' ? 'stopped' : 'failed';

/** `3 files, 1.2 kB of the context; 2 ignored`. */
export function contextText(event: {
  readonly files: number;
  readonly bytes: number;
  readonly ignored: number;
}): string {
  const files = `${event.files} file${event.files === 1 ? '' : 's'}, ${formatSize(event.bytes)} of the context`;
  return event.ignored === 0 ? files : `${files}; ${event.ignored} ignored`;
}
