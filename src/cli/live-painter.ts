/** What stands on the screen: lines that stay, which are given once, and below them lines that are drawn anew each time. */
export interface Frame {
  /** Whole lines with their ends; empty when there are no new ones. */
  readonly settled: string;
  readonly lines: readonly string[];
}

export interface LivePainter {
  /** Draws the last frame. Nothing is drawn after that. */
  stop(): void;
}

/** Milliseconds between two frames. */
const FRAME_MS = 80;

/** Draws frames in place, each in one write that terminals show at once; what has not changed is not drawn. Lines must be narrower than the terminal. */
export function createLivePainter(write: (text: string) => void, frame: () => Frame): LivePainter {
  let drawn: readonly string[] = [];
  const draw = (): void => {
    const { settled, lines } = frame();
    if (settled === '' && lines.length === drawn.length && lines.every((line, at) => line === drawn[at]))
      return;
    const up = drawn.length === 0 ? '' : `\u001b[${drawn.length}A\r`;
    write(`\u001b[?2026h${up}\u001b[J${settled}${lines.map((line) => `${line}\n`).join('')}\u001b[?2026l`);
    drawn = lines;
  };
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      draw();
    },
  };
}
