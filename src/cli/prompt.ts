import type { CallOptions } from '../base/options.ts';
import type { Terminal } from './terminal.ts';

/** Longer than any password or token; what is pasted by mistake ends here. */
const MAX_TYPED_BYTES = 64 * 1024;

/** Questions on a terminal, one after the other. */
export interface Prompt {
  /** The line that is typed; undefined at the end of input. */
  line(question: string): Promise<string | undefined>;
  /** The same, and nothing of it is shown. */
  secret(question: string): Promise<string | undefined>;
}

/** Asks on standard error. After an interruption the terminal is as it was, and the promise rejects with the signal's reason. */
export function createPrompt(terminal: Terminal, { signal }: CallOptions): Prompt {
  // What was typed ahead of the next question.
  let ahead: Uint8Array = Buffer.alloc(0);

  const ask = (question: string, hidden: boolean): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const typed: number[] = [];
      let stop = (): void => {};
      let over = false;
      let deaf = false;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        signal?.removeEventListener('abort', onAbort);
        stop();
        if (hidden) terminal.err('\n');
        settle();
      };
      const onAbort = (): void => end(() => reject(signal?.reason));
      const answer = (): void => end(() => resolve(Buffer.from(typed).toString('utf8')));
      const none = (): void => end(() => resolve(undefined));
      const take = (bytes: Uint8Array | undefined): void => {
        if (bytes === undefined && typed.length > 0) answer();
        else if (bytes === undefined) none();
        for (const [at, byte] of (bytes ?? []).entries()) {
          if (deaf) return;
          if (over) {
            ahead = bytes!.slice(at);
            return;
          }
          press(byte, hidden, typed, { answer, none, interrupt });
        }
      };
      const interrupt = (): void => {
        deaf = true;
        // The signal tells everybody, us too; where nobody listens for it, this question is still over.
        if (signal === undefined) end(() => reject(new DOMException('interrupted', 'AbortError')));
        terminal.interrupt();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const early = ahead;
      ahead = Buffer.alloc(0);
      // Deaf to its own keys before the question is there: who is quick would see the answer.
      stop = terminal.listen(hidden, take);
      if (over) return stop();
      terminal.err(question);
      take(early);
    });

  return { line: (question) => ask(question, false), secret: (question) => ask(question, true) };
}

interface Ends {
  answer(): void;
  none(): void;
  interrupt(): void;
}

/** One key. The terminal itself edits a line that is shown; one that is hidden has the keys for rubbing out here. */
function press(byte: number, hidden: boolean, typed: number[], ends: Ends): void {
  if (byte === KEYS.enter || byte === KEYS.newline) ends.answer();
  else if (!hidden) keep(byte, typed);
  else if (byte === KEYS.interrupt) ends.interrupt();
  else if (byte === KEYS.end && typed.length === 0) ends.none();
  else if (byte === KEYS.rubOut || byte === KEYS.backspace) dropCharacter(typed);
  else if (byte === KEYS.rubOutLine) typed.length = 0;
  else if (byte >= 0x20) keep(byte, typed);
}

const KEYS = {
  interrupt: 3,
  end: 4,
  backspace: 8,
  newline: 10,
  enter: 13,
  rubOutLine: 21,
  rubOut: 127,
} as const;

function keep(byte: number, typed: number[]): void {
  if (typed.length < MAX_TYPED_BYTES) typed.push(byte);
}

/** A character of UTF-8 is a first byte and those that go on. */
function dropCharacter(typed: number[]): void {
  while ((typed.at(-1) ?? 0) >= 0x80 && (typed.at(-1) ?? 0) < 0xc0) typed.pop();
  typed.pop();
}
