import type { PlainError } from '../base/errors.ts';
import type { TerminalSize } from '../linux/pty.ts';
import type { ExecProcess, ExitStatus } from '../runtime/types.ts';

/** The first message of a connection. */
export type ControlRequest =
  /** Runs one more program; with `detach` the answer is that it runs. */
  | { readonly do: 'exec'; readonly process: ExecProcess; readonly detach: boolean }
  /** Shows what the container prints, and gives it input. */
  | { readonly do: 'attach'; readonly size?: TerminalSize | undefined }
  | { readonly do: 'signal'; readonly signal: NodeJS.Signals; readonly to: 'first' | 'all' };

/**
 * As many bytes of input may be on their way to a program. Whoever sends waits before that: then what comes behind its input, that it leaves or that its window has
 * another size, is heard whatever the program does. Who sends more is read no further until the program has taken it.
 */
export const INPUT_WINDOW_BYTES = 256 * 1024;

/** Messages after it. `left`: the connection is about to end, and what runs goes on; without it a program's terminal has gone. */
export type ControlMore = { readonly resize: TerminalSize } | { readonly left: true };

/** From the container; `exit`, `failed` and `done` are the last. */
export type ControlAnswer =
  | { readonly kind: 'started' }
  /** So many bytes of the input have been given to the program. */
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'exit'; readonly exit: ExitStatus }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: PlainError };
