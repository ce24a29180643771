import { setFlagsFromString } from 'node:v8';

/** Bytes of code that V8 runs in a function before it makes machine code of it; left alone it waits for 132 kB. */
const BUDGET_BYTES = 400_000;

/** V8 of Node 20. Later ones count calls instead, and have a compiler between that is quick; they print a complaint about the option. */
const VERSION = 11;

/**
 * For a command that is over in a tenth of a second: V8 spends more time on machine code for what the headers of some thousand entries need than that code saves (it halves the
 * reading of headers). What takes seconds is slower by a few percent, so it is for those commands only. For the command's own process, never for one that uses the library.
 */
export function optimizeLater(): void {
  if (Number.parseInt(process.versions.v8, 10) === VERSION)
    setFlagsFromString(`--interrupt-budget=${BUDGET_BYTES}`);
}
