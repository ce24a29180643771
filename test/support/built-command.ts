import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  type Dirent,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';
import type { TarHeader } from '../../src/tar/header.ts';

/** Longest that one command of a test may take, in milliseconds: what is slower hangs. */
const LONGEST_MS = 150_000;
/** As much of each stream as is kept; what comes after is counted. */
const KEPT_BYTES = 4 * 1024 * 1024;

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of each stream, also those not kept. */
  readonly bytes: { readonly stdout: number; readonly stderr: number };
  readonly ms: number;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly cwd?: string;
  /** A process group of its own, as a shell gives a job. */
  readonly group?: boolean;
  /** Node's own options. */
  readonly node?: readonly string[];
  /** It is killed after so many milliseconds; LONGEST_MS unless it is to live longer. */
  readonly longestMs?: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

/** A folder with a store, and the built command for it, as the caller or another user. */
export interface Sandbox {
  readonly folder: string;
  readonly store: string;
  readonly env: Readonly<Record<string, string>>;
  run(args: readonly string[], o?: CommandOptions): Promise<Ran>;
  start(args: readonly string[], o?: CommandOptions): Started;
  /** The processes that work for this sandbox, with their command lines. */
  processes(): string[];
  remove(): Promise<void>;
}

export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

/** `build` is the folder of the built package; by default this one. */
export function createSandbox(
  o: {
    readonly user?: SandboxUser;
    readonly build?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly folder?: string;
  } = {},
): Sandbox {
  const folder = o.folder ?? mkdtempSync(join(tmpdir(), 'dobos-cli-'));
  const store = join(folder, 'store');
  mkdirSync(join(folder, 'home'), { recursive: true });
  if (o.user !== undefined)
    for (const path of [folder, join(folder, 'home')]) chownSync(path, o.user.uid, o.user.gid);
  const script = resolve(o.build ?? '.', 'dist/dobos.cjs');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: join(folder, 'home'),
    DOBOS_ROOT: store,
    SANDBOX: folder,
    SOURCE_DATE_EPOCH: '1700000000',
    LANG: 'C.UTF-8',
    ...o.env,
  };

  const start = (args: readonly string[], more: CommandOptions = {}): Started => {
    const began = performance.now();
    const child = spawn(process.execPath, [...(more.node ?? []), script, ...args], {
      cwd: more.cwd ?? folder,
      env: { ...env, ...more.env },
      stdio: [more.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: more.group === true,
      ...(o.user === undefined ? {} : { uid: o.user.uid, gid: o.user.gid }),
    });
    if (more.input !== undefined) void feed(child, more.input);
    const out = keep(child, 'stdout');
    const err = keep(child, 'stderr');
    const limit = setTimeout(() => child.kill('SIGKILL'), more.longestMs ?? LONGEST_MS);
    const ended = once(child, 'close').then(([code, signal]): Ran => {
      clearTimeout(limit);
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: out.text(),
        stderr: err.text(),
        bytes: { stdout: out.count(), stderr: err.count() },
        ms: performance.now() - began,
      };
    });
    return { child, ended };
  };

  return {
    folder,
    store,
    env,
    start,
    run: (args, more) => start(args, more).ended,
    processes: () => processesOf(folder),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

async function feed(child: ChildProcess, input: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const pipe = child.stdin!;
  // A command that has seen enough closes its end.
  pipe.on('error', () => {});
  if (input instanceof Uint8Array) {
    pipe.end(input);
    return;
  }
  let goOn = (): void => {};
  for (const event of ['drain', 'close']) pipe.on(event, () => goOn());
  child.on('exit', () => goOn());
  for await (const bytes of input) {
    if (pipe.destroyed || child.exitCode !== null) return;
    if (pipe.write(bytes)) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  }
  pipe.end();
}

function keep(child: ChildProcess, stream: 'stdout' | 'stderr'): { text(): string; count(): number } {
  const parts: Buffer[] = [];
  let count = 0;
  child[stream]!.on('data', (bytes: Buffer) => {
    if (count < KEPT_BYTES) parts.push(bytes);
    count += bytes.length;
  });
  return { text: () => Buffer.concat(parts).toString('utf8'), count: () => count };
}

/** Living processes that name the folder in their command line or environment. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const words = readOr(`/proc/${pid}/cmdline`);
    const ours = words.includes(folder) || readOr(`/proc/${pid}/environ`).includes(`SANDBOX=${folder}`);
    if (!ours || /\) [ZX] /.test(readOr(`/proc/${pid}/stat`))) return [];
    return [`${pid} ${words.replaceAll('\0', ' ')}`];
  });
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Polls until true; false after the bound, in milliseconds. */
export async function until(what: () => boolean, bound = 120_000): Promise<boolean> {
  const began = performance.now();
  while (!what()) {
    if (performance.now() - began > bound) return false;
    await new Promise((resume) => setTimeout(resume, 5));
  }
  return true;
}

/** Numerical Recipes' generator: the same moments for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What containers of a sandbox would leave on this machine, whatever else runs here: its mounts, cgroup folders, runtimes' state. Of cgroups with limits those of this container only: others are of suites that run beside. */
export function machineTraces(
  sandbox: Sandbox,
  container?: string,
): {
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly states: readonly string[];
} {
  const ours = (path: string): boolean => path.includes('dobos');
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const states = ['/run/runc', '/run/crun', '/run/user/0/runc', '/run/user/0/crun'];
  return {
    mounts: mounts.filter((line) => line.includes(sandbox.folder)),
    cgroups: foldersBelow('/sys/fs/cgroup', 4).filter((path) =>
      /\/dobos(\/|$)/.test(path) ? container !== undefined && path.includes(container) : ours(path),
    ),
    states: states.flatMap((path) => (existsSync(path) ? readdirSync(path).filter(ours) : [])),
  };
}

function foldersBelow(path: string, depth: number): string[] {
  if (depth === 0) return [];
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    // Those of suites that run beside go as they are looked at.
    return [];
  }
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(path, entry.name), ...foldersBelow(join(path, entry.name), depth - 1)])
    .sort();
}

const ENTRY = {
  uid: 0,
  gid: 0,
  linkName: '',
  size: 0,
  uname: '',
  gname: '',
  mtime: { seconds: 1_700_000_000, nanos: 0 },
} as const;

/** One tar entry with its content. */
export function tarEntry(header: Partial<TarHeader> & Pick<TarHeader, 'name'>, content?: Uint8Array): Buffer {
  const size = content?.length ?? 0;
  const whole: TarHeader = { ...ENTRY, kind: 'file', mode: 0o644, ...header, size: header.size ?? size };
  return Buffer.concat([encodeHeader(whole), content ?? Buffer.alloc(0), Buffer.alloc(padding(size))]);
}

/** The tar of a root file system of busybox with all its applets. */
export function busyboxRoot(): Buffer {
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const folders = ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'var', 'tmp'];
  return Buffer.concat([
    ...folders.map((name) => tarEntry({ name, kind: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 })),
    tarEntry({ name: 'bin/busybox', mode: 0o755 }, readFileSync('/bin/busybox')),
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => tarEntry({ name: `bin/${name}`, kind: 'symlink', mode: 0o777, linkName: 'busybox' })),
    tarEntry({ name: 'etc/passwd' }, Buffer.from('root:x:0:0:root:/root:/bin/sh\n')),
    tarEntry({ name: 'etc/group' }, Buffer.from('root:x:0:\n')),
    endOfArchive(),
  ]);
}

/** Imports the busybox base as `base:1` through the command. */
export async function importBase(sandbox: Sandbox): Promise<void> {
  const args = ['import', '--change', 'ENV PATH=/bin', '--change', 'CMD ["/bin/sh"]', '-', 'base:1'];
  const ran = await sandbox.run(args, { input: busyboxRoot() });
  if (ran.code !== 0) throw new Error(`the base was not imported: ${ran.stderr}`);
}
