/**
 * Writes V8's compiled form of a launched program beside it: `write-code-cache.js LAUNCHER KIND [ARGUMENT… [--then ARGUMENT…]…]`. With arguments the
 * program runs with them, once for each row, and what it called is in the form; without, it does not run and all of it is.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { ALL, bundleOf, cacheOf } from './launched.ts';

const [launcher = '', kind = ALL, ...args] = process.argv.slice(2);
const run = args.length > 0;
const filename = resolve(bundleOf(launcher, kind));
if (!run) v8.setFlagsFromString('--no-lazy');
const script = new Script(readFileSync(filename, 'latin1'), { filename });
// The form says with which options it was made.
if (!run) v8.setFlagsFromString('--lazy');
process.on('exit', (code) => {
  if (code === 0) writeFileSync(cacheOf(launcher, kind), script.createCachedData());
});
if (run) {
  // A program that sets options would be refused its form where it starts without them.
  v8.setFlagsFromString = () => {};
  const { href } = pathToFileURL(resolve(launcher));
  type Program = (require: NodeJS.Require, url: string, load: (name: string) => Promise<unknown>) => void;
  const program = script.runInThisContext() as Program;
  const rows = rowsOf(args);
  const start = (words: readonly string[]): void => {
    process.argv = [process.argv[0]!, resolve(launcher), ...words];
    program(createRequire(href), href, (name) => import(name));
  };
  const exit = process.exit.bind(process);
  let isFirst = true;
  // The program ends the process when it has nothing left to do: then the next row's turn has come. What a system cannot do is not in its form.
  process.exit = ((code) => {
    if (isFirst && (code ?? process.exitCode) !== 0) exit(code);
    isFirst = false;
    const next = rows.shift();
    if (next === undefined) exit(0);
    // Not at once: a row that waits for nothing would be over without Node noticing that there was one.
    else setImmediate(start, next);
  }) as typeof process.exit;
  start(rows.shift()!);
}

function rowsOf(words: readonly string[]): string[][] {
  const rows: string[][] = [[]];
  for (const word of words) {
    if (word === '--then') rows.push([]);
    else rows.at(-1)!.push(word);
  }
  return rows;
}
