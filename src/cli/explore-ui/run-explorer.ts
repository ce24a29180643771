import type { World } from './acting.ts';
import { type Canvas, createCanvas, paintDifference } from './canvas.ts';
import { createExplorer } from './explorer.ts';
import { createKeyReader } from './read-keys.ts';
import type { Screen, ScreenEvents } from './screen.ts';
import type { Subject } from './state.ts';

/** Work in one go: short enough that a key is answered at once. */
const SLICE_MS = 6;
/** As a shell tells a hangup. */
const HANGUP_EXIT = 129;

export interface ExplorerCall {
  readonly subject: Subject;
  readonly files: Pick<World, 'read' | 'extract'>;
  readonly open: (on: ScreenEvents) => Screen;
  /** Hands signals over that end the program. */
  readonly takeSignals: (take: (signal: NodeJS.Signals) => void) => void;
}

/** Shows the explorer until somebody leaves it; the exit code: 0, or 128 and the number of the signal that ended it. */
export async function runExplorer({ subject, files, open, takeSignals }: ExplorerCall): Promise<number> {
  let end: (outcome: number | Error) => void = () => {};
  const ended = new Promise<number>((resolve, reject) => {
    end = (outcome) => (typeof outcome === 'number' ? resolve(outcome) : reject(outcome));
  });
  const fail = (error: unknown): void => end(error instanceof Error ? error : new Error(String(error)));
  let shown: Canvas | undefined;
  let drawing = false;
  let wanted = false;
  let over = false;
  let suspended = false;
  let working: NodeJS.Immediate | undefined;

  /** One frame at a time: what changes while a slow terminal takes one is in the next. */
  const draw = async (): Promise<void> => {
    wanted = true;
    if (drawing) return;
    drawing = true;
    try {
      while (wanted && !over && !suspended) {
        wanted = false;
        const canvas = createCanvas(Math.max(1, screen.columns()), Math.max(1, screen.rows()));
        explorer.draw(canvas);
        const difference = paintDifference(shown, canvas, screen.colour);
        shown = canvas;
        if (difference !== '') await screen.write(difference);
      }
    } catch (error) {
      fail(error);
    } finally {
      drawing = false;
    }
  };
  const work = (): void => {
    working = undefined;
    try {
      if (explorer.work(SLICE_MS) && !over) working ??= setImmediate(work);
    } catch (error) {
      fail(error);
    }
  };
  const lost = (): void => {
    shown = undefined;
    void draw();
  };
  const suspend = (): void => {
    if (suspended || over) return;
    suspended = true;
    screen.suspend().then(() => {
      suspended = false;
      lost();
    }, fail);
  };
  const explorer = createExplorer(subject, {
    ...files,
    changed: () => void draw(),
    redraw: lost,
    suspend,
    quit: () => end(0),
  });
  let answering = false;
  /** Once for all keys that came together: work first, so that no screen shows half of it. */
  const answer = (): void => {
    answering = false;
    if (over || suspended) return;
    work();
    void draw();
  };
  const keys = createKeyReader((typed) => {
    if (over || suspended) return;
    try {
      explorer.press(typed);
    } catch (error) {
      fail(error);
      return;
    }
    if (answering) return;
    answering = true;
    queueMicrotask(answer);
  });
  const screen = open({
    typed(bytes) {
      if (bytes === undefined) end(HANGUP_EXIT);
      else keys.read(bytes);
    },
    lost,
    hungUp: () => end(HANGUP_EXIT),
    stopped: suspend,
  });
  takeSignals((signal) => end(signal === 'SIGTERM' ? 143 : 130));
  try {
    work();
    await draw();
    return await ended;
  } finally {
    over = true;
    keys.stop();
    clearImmediate(working);
    await screen.leave();
  }
}
