/**
 * Writes V8's compiled form of a launched program beside it: `write-code-cache.js LAUNCHER [ARGUMENT…]`. With arguments the program runs with them, and
 * what it called is in the form; without, it does not run and all of it is.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { bundleOf, cacheOf } from './launched.ts';

const [launcher = '', ...args] = process.argv.slice(2);
const run = args.length > 0;
const filename = resolve(bundleOf(launcher));
if (!run) setFlagsFromString('--no-lazy');
const script = new Script(readFileSync(filename, 'latin1'), { filename });
// The form says with which options it was made.
if (!run) setFlagsFromString('--lazy');
process.on('exit', (code) => {
  if (code === 0) writeFileSync(cacheOf(launcher), script.createCachedData());
});
if (run) {
  const { href } = pathToFileURL(resolve(launcher));
  process.argv = [process.argv[0]!, resolve(launcher), ...args];
  type Program = (require: NodeJS.Require, url: string, load: (name: string) => Promise<unknown>) => void;
  (script.runInThisContext() as Program)(createRequire(href), href, (name) => import(name));
}
