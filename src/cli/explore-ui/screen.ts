import { writeSync } from 'node:fs';
import type { Terminal } from '../terminal.ts';

/** What a full-screen program does with the terminal, and what happens to it. */
export interface Screen {
  readonly columns: () => number;
  readonly rows: () => number;
  readonly colour: boolean;
  /** In one piece, as far as the terminal can; waits when it is slow. */
  write(text: string): Promise<void>;
  /** Back to the shell until somebody continues this process. */
  suspend(): Promise<void>;
  /** The terminal is as it was. */
  leave(): Promise<void>;
}

export interface ScreenEvents {
  /** Bytes of keys; undefined when nobody types any more. */
  typed(bytes: Uint8Array | undefined): void;
  /** Nothing of what was drawn is there any more: another size, or back from the shell. */
  lost(): void;
  /** The terminal is gone. */
  hungUp(): void;
  /** Somebody asked from outside to go back to the shell. */
  stopped(): void;
}

/** The other screen, no cursor, and what is pasted told from what is typed. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?2004h';
const LEAVE = '\u001b[?2004l\u001b[0m\u001b[?25h\u001b[?1049l';
/** Time for the signal to stop this process before it is taken for ignored. */
const STOP_MS = 500;

/** Takes the terminal over until `leave`. However the process ends, unless by SIGKILL, the terminal is as it was. */
export function openScreen(terminal: Terminal, on: ScreenEvents): Screen {
  let inside = false;
  let left = false;
  let stopListening = (): void => {};
  let resumed = (): void => {};
  const enter = (): void => {
    inside = true;
    stopListening = terminal.listen(true, on.typed);
  };
  const write = (text: string): Promise<void> => terminal.out(text);
  const leave = async (): Promise<void> => {
    if (!inside) return;
    inside = false;
    stopListening();
    await write(LEAVE).catch(() => {});
  };
  const onExit = (): void => {
    if (!inside) return;
    try {
      writeSync(1, LEAVE);
    } catch {
      // Nobody is there to see it.
    }
  };
  const onStop = (): void => on.stopped();
  const onContinue = (): void => {
    resumed();
    if (!inside) return;
    // A shell may have set the terminal to its own liking in between.
    stopListening();
    enter();
    void write(ENTER).catch(() => {});
    on.lost();
  };
  process.on('exit', onExit).on('SIGTSTP', onStop).on('SIGCONT', onContinue).on('SIGHUP', on.hungUp);
  const stopResizing = terminal.onResize(on.lost);
  enter();
  void write(ENTER).catch(() => {});

  return {
    columns: terminal.columns,
    rows: terminal.rows,
    colour: terminal.colour,
    write: (text) => write(`\u001b[?2026h${text}\u001b[?2026l`),
    async suspend() {
      await leave();
      process.off('SIGTSTP', onStop);
      const back = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, STOP_MS);
        resumed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      // The whole group, as the terminal itself does it: what started this command stops with it.
      process.kill(0, 'SIGTSTP');
      await back;
      resumed = () => {};
      if (left) return;
      process.on('SIGTSTP', onStop);
      enter();
      await write(ENTER).catch(() => {});
      on.lost();
    },
    async leave() {
      left = true;
      stopResizing();
      await leave();
      process.off('exit', onExit).off('SIGTSTP', onStop).off('SIGCONT', onContinue).off('SIGHUP', on.hungUp);
    },
  };
}
