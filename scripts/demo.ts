/**
 * `npm run demo`: a real Dockerfile becomes a real image: built, built again after an edit, looked into and run.
 * The base image is pulled where a registry can be reached, else made from Debian packages, which needs root once; it is kept for the next time.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { accessSync, appendFileSync, constants, cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { debianBase, hasDebianBase } from './debian-base.ts';
import { canPull } from './reachable.ts';

/** Debian 12, small; another such image may be named. */
const BASE = process.env.DOBOS_DEMO_BASE || 'docker.io/library/debian:bookworm-slim';
const uid = process.getuid?.() ?? 0;
const work = workFolder();
const project = join(work, 'hello-c');
const store = join(work, 'store');
const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
const strong = (text: string): string => (colours ? `\u001b[1m${text}\u001b[0m` : text);
const quiet = (text: string): string => (colours ? `\u001b[2m${text}\u001b[0m` : text);

/** In the clone, or for somebody who may not write there in their own cache. */
function workFolder(): string {
  const own = resolve('.cache', uid === 0 ? 'demo' : `demo-${uid}`);
  try {
    mkdirSync(own, { recursive: true });
    accessSync(own, constants.W_OK);
    return own;
  } catch {
    const cache = process.env.XDG_CACHE_HOME || join(process.env.HOME ?? '/tmp', '.cache');
    const folder = join(cache, 'dobos-demo');
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

function stop(message: string, hint: string): never {
  console.error(`demo: ${message}\nhint: ${hint}`);
  process.exit(1);
}

function chapter(title: string, text: string): void {
  console.log(`\n${strong(`── ${title} ${'─'.repeat(Math.max(0, 66 - title.length))}`)}\n${quiet(text)}`);
}

const start = (args: readonly string[], output: 'inherit' | 'ignore'): number =>
  spawnSync(process.execPath, ['dist/dobos.cjs', ...args], {
    stdio: ['ignore', output, output],
    env: { ...process.env, DOBOS_ROOT: store },
  }).status ?? 1;

function dobos(...args: readonly string[]): void {
  const shown = args.map((arg) => (arg === project ? 'hello-c/' : arg));
  console.log(`\n${strong(`$ dobos ${shown.join(' ')}`)}`);
  const code = start(args, 'inherit');
  if (code !== 0) process.exit(code);
}

/** The base is there from the last time, pulled, or made: in this order. */
async function bringBase(): Promise<void> {
  if (start(['inspect', 'debian:bookworm'], 'ignore') === 0) return;
  if (hasDebianBase()) return importBase();
  const refusal = await canPull(BASE);
  if (refusal === undefined) {
    console.log(`the base image is pulled: ${BASE}`);
    if (start(['pull', BASE], 'inherit') === 0 && start(['tag', BASE, 'debian:bookworm'], 'ignore') === 0)
      return;
    console.log('that did not work; the base image is made from Debian packages');
    return importBase();
  }
  console.log(`the base image is made from Debian packages: ${refusal}`);
  importBase();
}

function importBase(): void {
  try {
    const tar = debianBase(console.log);
    const words = ['import', '-m', 'Debian 12 from packages', '-c', 'CMD ["bash"]', tar, 'debian:bookworm'];
    // Quiet, as it is no part of what is shown; once more aloud if it fails.
    if (start(words, 'ignore') !== 0) dobos(...words);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    stop(
      message,
      uid === 0
        ? 'the demo needs a registry, or Debian 12 with its package sources, in reach'
        : 'run the demo once as root: the base is kept in .cache, and then anybody can',
    );
  }
}

const began = Date.now();
await bringBase();
rmSync(project, { recursive: true, force: true });
cpSync('examples/hello-c', project, { recursive: true });

chapter('1. build', 'A C program is compiled in the image it will run in (examples/hello-c).');
dobos('build', '-t', 'hello-c', project);
chapter(
  '2. edit and build again',
  'A line is added to hello.c: what stands before COPY comes from the cache.',
);
appendFileSync(join(project, 'app', 'hello.c'), `\n/* edited ${new Date().toISOString()} */\n`);
dobos('build', '-t', 'hello-c', project);
chapter('3. how it was made', 'Every row has the id of an image that can be looked into and run.');
dobos('history', 'hello-c');
chapter(
  '4. what is in it',
  'The layer cake: what each layer adds, changes and removes, and what nobody sees.',
);
dobos('explore', 'hello-c');
chapter('5. run', 'In a container, without a daemon.');
dobos('run', 'hello-c');
console.log(
  quiet(`\nThat took ${((Date.now() - began) / 1000).toFixed(1)} s. The store is an OCI layout: ${store}`),
);
console.log(quiet(`Go on with it: export DOBOS_ROOT=${store}; node dist/dobos.cjs run -it hello-c~1 bash`));
