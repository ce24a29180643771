import type { Terminal } from '../terminal.ts';

/** Milliseconds after which a person wants to know what is going on. */
const PATIENCE_MS = 300;

/** What the work gives; while it takes long, the text stands on the last line of standard error, and is gone when the work has ended. */
export async function tellWhile<T>(terminal: Terminal, text: string, work: Promise<T>): Promise<T> {
  let told = false;
  const timer = setTimeout(() => {
    told = true;
    terminal.err(text);
  }, PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    if (told) terminal.err('\r\u001b[K');
  }
}
