/**
 * `npm run demo`: a real Dockerfile becomes a real image: built, built again after an edit, looked into and run.
 * The base image comes from Debian packages and is kept for the next time; making it needs root once.
 * @module
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

const work = resolve('.cache', 'demo');
const base = join(work, 'debian-bookworm.tar');
const project = join(work, 'hello-c');
const isRoot = process.getuid?.() === 0;
const store = join(work, isRoot ? 'store' : `store-${process.getuid?.()}`);

function stop(message: string, hint: string): never {
  console.error(`demo: ${message}\nhint: ${hint}`);
  process.exit(1);
}

/** Runs a program of this machine to prepare the demo; stops with its output when it fails. */
function prepare(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0)
    stop(
      `${program} failed:\n${stdout ?? ''}${stderr ?? ''}`,
      'the demo needs Debian 12 with its package sources in reach',
    );
}

function dobos(...args: readonly string[]): void {
  console.log(
    `\n\u001b[1m$ dobos ${args.map((arg) => (arg === project ? 'examples/hello-c' : arg)).join(' ')}\u001b[0m`,
  );
  const { status } = spawnSync(process.execPath, ['dist/dobos.js', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DOBOS_ROOT: store },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const quiet = (...args: readonly string[]): boolean =>
  spawnSync(process.execPath, ['dist/dobos.js', ...args], {
    stdio: 'ignore',
    env: { ...process.env, DOBOS_ROOT: store },
  }).status === 0;

/** One layer of a small Debian 12, from the packages that this machine's own sources name. */
function makeBase(): void {
  if (!isRoot)
    stop(
      'there is no base image yet, and making it needs root',
      'run the demo once as root; the base is kept in .cache/demo',
    );
  if (!existsSync('/usr/bin/mmdebstrap')) {
    console.log('installing mmdebstrap, which makes a root file system from Debian packages …');
    prepare('apt-get', ['update', '-qq']);
    prepare('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'mmdebstrap']);
  }
  const sources = ['/etc/apt/sources.list', ...listSources('/etc/apt/sources.list.d')].filter(isDebianSource);
  console.log(
    'making the base image debian:bookworm from packages (about 20 seconds; kept for the next time) …',
  );
  const part = `${base}.part.tar`;
  prepare('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', part, ...sources]);
  renameSync(part, base);
}

function listSources(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.list') || file.endsWith('.sources'))
    .sort()
    .map((file) => join(folder, file));
}

/** Other people's package sources would need their keys: the base takes Debian's only. */
function isDebianSource(file: string): boolean {
  return existsSync(file) && /\/debian(-security)?\/?\s[\s\S]*bookworm/.test(readFileSync(file, 'utf8'));
}

mkdirSync(work, { recursive: true });
if (!quiet('inspect', 'debian:bookworm')) {
  if (!existsSync(base)) makeBase();
  dobos('import', '--change', 'CMD ["bash"]', base, 'debian:bookworm');
}
rmSync(project, { recursive: true, force: true });
cpSync('examples/hello-c', project, { recursive: true });

dobos('build', '-t', 'hello-c', project);
console.log(
  '\nNow hello.c is edited, and the image is built again: everything before COPY comes from the cache.',
);
appendFileSync(join(project, 'app', 'hello.c'), `\n/* edited ${new Date().toISOString()} */\n`);
dobos('build', '-t', 'hello-c', project);
dobos('history', 'hello-c');
dobos('explore', 'hello-c');
dobos('run', 'hello-c');
