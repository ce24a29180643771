/**
 * `node dist/scripts/bare-root.js [FOLDER]`, by hand and as root: `npm test` and `npm run demo` (twice, timed) in a bare Debian 12 that holds only
 * this machine's Node with npm, git, and a clone of what is committed here. A FOLDER that is named is kept, with its root, for the next time.
 * What reaches it from outside: package sources, npm's settings and trusted certificates.
 * @module
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { debianSources } from './debian-base.ts';

const INSIDE = '--inside';
const CLONE = '/dobos';
const TAIL_LINES = 40;
const FAILED_TAIL_LINES = 200;
/** The promise of the demo: with a base to make, and with the base kept. */
const MOST_SECONDS = { first: 180, second: 10 };

/** Runs a program with its output shown; stops when it fails. */
function must(program: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  console.error(`bare-root: ${[program, ...args].join(' ')}: ${error?.message ?? `exit code ${status}`}`);
  process.exit(1);
}

/** A Debian 12 with its essential packages, apt, git and certificates; nothing else. */
function makeRoot(root: string): void {
  must(
    'mmdebstrap',
    ...['--quiet', '--variant=apt', '--include=ca-certificates,git', 'bookworm', root],
    ...debianSources(),
  );
  copyFileSync(process.execPath, join(root, 'usr', 'bin', 'node'));
  const npm = npmFolder();
  cpSync(npm, join(root, 'usr', 'lib', 'node_modules', 'npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr', 'bin', 'npm'));
  for (const file of settingsFiles()) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
}

/** Where this machine's npm is: beside its Node. */
function npmFolder(): string {
  const bin = dirname(process.execPath);
  const program = join(bin, 'npm');
  if (existsSync(program)) return dirname(dirname(realpathSync(program)));
  return resolve(bin, '..', 'lib', 'node_modules', 'npm');
}

/** Files that tell npm, git and Node which registry to ask and whom to trust. */
function settingsFiles(): string[] {
  const { stdout } = spawnSync('npm', ['config', 'get', 'userconfig', 'globalconfig'], { encoding: 'utf8' });
  const npm = (stdout ?? '').split('\n').map((line) => line.split('=').at(-1) ?? '');
  const trusted = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'GIT_SSL_CAINFO'].map((name) => process.env[name]);
  const cafile = spawnSync('npm', ['config', 'get', 'cafile'], { encoding: 'utf8' }).stdout?.trim();
  return [...new Set([...npm, ...trusted, cafile])].filter(
    (file): file is string => file?.startsWith('/') === true && existsSync(file) && statSync(file).isFile(),
  );
}

/** In a mount and pid namespace of its own: the root gets /dev, /sys and the resolver, and the commands run there. */
function runInside(root: string): void {
  for (const folder of ['dev', 'sys']) must('mount', '--rbind', `/${folder}`, join(root, folder));
  const resolver = join(root, 'etc', 'resolv.conf');
  if (existsSync('/etc/resolv.conf')) copyFileSync('/etc/resolv.conf', resolver);
  if (existsSync('/etc/hosts')) copyFileSync('/etc/hosts', join(root, 'etc', 'hosts'));
  const test = run(root, 'npm', 'test');
  const first = run(root, 'npm', 'run', 'demo');
  const second = run(root, 'npm', 'run', 'demo');
  const slow =
    first.seconds > MOST_SECONDS.first || second.seconds > MOST_SECONDS.second
      ? ' (too slow: want under 180 s and 10 s)'
      : '';
  const failed = [test, first, second].filter(({ status }) => status !== 0).length;
  console.log(
    `\nnpm test ${test.seconds.toFixed(1)} s; first demo ${first.seconds.toFixed(1)} s, second ${second.seconds.toFixed(1)} s${slow}; ${failed} failed`,
  );
  process.exitCode = failed === 0 && slow === '' ? 0 : 1;
}

/** Runs a command in the clone, with only the variables that settings need. */
function run(root: string, ...command: readonly string[]): { status: number | null; seconds: number } {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_.*|[A-Z_]*CERT[A-Z_]*|.*_CAINFO|(https?|no)_proxy)$/i.test(name),
  );
  const env = { ...Object.fromEntries(kept), HOME: '/root', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const log = join(root, 'tmp', 'bare-root.log');
  const output = openSync(log, 'w');
  const before = performance.now();
  const { status } = spawnSync('chroot', [root, '/usr/bin/env', '--chdir', CLONE, ...command], {
    env,
    stdio: ['ignore', output, output],
  });
  const seconds = (performance.now() - before) / 1000;
  closeSync(output);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const shown = lines.slice(status === 0 ? -TAIL_LINES : -FAILED_TAIL_LINES);
  console.log(`\n== ${command.join(' ')}: exit code ${status}, ${seconds.toFixed(1)} s\n${shown.join('\n')}`);
  return { status, seconds };
}

/** Outside: makes the root and the clone, and starts this script again inside namespaces. */
function prepareAndRun(first: string | undefined): void {
  const folder = first === undefined ? mkdtempSync(join(tmpdir(), 'dobos-bare-')) : resolve(first);
  mkdirSync(folder, { recursive: true });
  const root = join(folder, 'root');
  try {
    if (!existsSync(join(root, 'usr', 'bin', 'npm'))) makeRoot(root);
    rmSync(join(root, CLONE), { recursive: true, force: true });
    must('git', 'clone', '--quiet', '--no-hardlinks', '.', join(root, CLONE));
    const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
    const { status } = spawnSync(
      'unshare',
      [
        ...namespaces,
        `--mount-proc=${join(root, 'proc')}`,
        ...[process.execPath, resolve(process.argv[1] ?? ''), INSIDE, root],
      ],
      { stdio: 'inherit' },
    );
    process.exitCode = status ?? 1;
  } finally {
    if (first === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const [first, second] = process.argv.slice(2);
if (first === INSIDE && second !== undefined) runInside(second);
else prepareAndRun(first);
