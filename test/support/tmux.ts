import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A terminal of tmux's that a program runs in. */
export interface TmuxTerminal {
  /** Keys as tmux names them: `Tab`, `C-f`, `Down`, `x`. */
  keys(...keys: readonly string[]): void;
  /** Letters as they are. */
  type(text: string): void;
  /** The screen's lines without the blanks at their ends; with `colours` as tmux writes them. */
  screen(colours?: boolean): string[];
  /** The screen when it fits; fails with the screen that did not, after minutes. */
  until(fits: (screen: readonly string[]) => boolean, what: string): Promise<string[]>;
  resize(columns: number, rows: number): void;
  /** What tmux knows of it: `alternate_on`, `cursor_flag`, `pane_pid`. */
  value(name: string): string;
  close(): void;
}

export interface TmuxOptions {
  readonly columns: number;
  readonly rows: number;
  /** Where its socket lies; nothing else may be there under this name. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Program and arguments that start tmux as somebody else. */
  readonly through?: readonly string[];
}

/** Longer than anything takes on a busy machine. */
const PATIENCE_MS = 150_000;
let sockets = 0;

export function openTmux({ columns, rows, folder, env, command, through = [] }: TmuxOptions): TmuxTerminal {
  const socket = join(folder, `tmux-${process.pid}-${++sockets}`);
  const tmux = (...args: readonly string[]): string => runTmux([], args);
  const runTmux = (before: readonly string[], args: readonly string[]): string => {
    const words = [...before, '/usr/bin/tmux', '-u', '-S', socket, '-f', '/dev/null', ...args];
    const done = spawnSync(words[0]!, words.slice(1), { encoding: 'utf8', env });
    if (done.status !== 0) throw new Error(`tmux ${args[0]}: ${done.stderr}${done.error?.message ?? ''}`);
    return done.stdout;
  };
  runTmux(through, [
    ...['new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', folder, ...command],
    ...[
      ';',
      'set',
      '-g',
      'status',
      'off',
      ';',
      'set',
      '-g',
      'remain-on-exit',
      'on',
      ';',
      'set',
      '-g',
      'window-size',
      'manual',
    ],
    ...[
      ';',
      'set',
      '-g',
      'escape-time',
      '0',
      ';',
      'resize-window',
      '-x',
      String(columns),
      '-y',
      String(rows),
    ],
  ]);
  const screen = (colours = false): string[] =>
    tmux('capture-pane', '-p', ...(colours ? ['-e'] : []))
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => line.trimEnd());

  return {
    keys: (...keys) => void tmux('send-keys', ...keys),
    type: (text) => void tmux('send-keys', '-l', text),
    screen,
    async until(fits, what) {
      const began = performance.now();
      for (;;) {
        const lines = screen();
        if (fits(lines)) return lines;
        if (performance.now() - began > PATIENCE_MS)
          throw new Error(`the screen never had ${what}:\n${lines.join('\n')}`);
        await new Promise((resume) => setTimeout(resume, 20));
      }
    },
    resize: (width, height) => void tmux('resize-window', '-x', String(width), '-y', String(height)),
    value: (name) => tmux('display-message', '-p', `#{${name}}`).trim(),
    close: () => void spawnSync('/usr/bin/tmux', ['-S', socket, 'kill-server']),
  };
}
