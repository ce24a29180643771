import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlannedEntry } from '../../src/layer/types.ts';
import { writeLayer } from '../../src/layer/write-layer.ts';
import { openKeeper } from '../../src/runtime/keeper.ts';
import type { Keeper, LayerRef, Process, RunOutcome, RunRequest } from '../../src/runtime/types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';

/** A static busybox (Debian's busybox-static): a root needs nothing else. */
export const BUSYBOX = '/usr/bin/busybox';

export interface RuntimeFixture {
  readonly folder: string;
  readonly store: LocalStore;
  readonly keeper: Keeper;
  readonly base: LayerRef;
  run(args: readonly string[], over?: Over, signal?: AbortSignal): Promise<Finished>;
  close(): Promise<void>;
}

type Over = Partial<Process> & Partial<Omit<RunRequest, 'process'>>;
export interface Finished extends RunOutcome {
  readonly stdout: string;
  readonly stderr: string;
}

/** A store with a busybox layer and a keeper over it, in a folder of its own. */
export async function openFixture(
  runtime: string,
  parent = tmpdir(),
  extra: readonly PlannedEntry[] = [],
): Promise<RuntimeFixture> {
  const folder = mkdtempSync(join(parent, 'dobos-runtime-'));
  const store = createDirectoryStore(join(folder, 'store'));
  const { blob, diffId } = await writeLayer(store, [...busyboxPlan(), ...extra].sort(byPath));
  const base = { blob, diffId };
  const keeper = await openKeeper({ storeFolder: join(folder, 'store'), runtime });
  return {
    folder,
    store,
    keeper,
    base,
    run: (args, over = {}, signal) => runIn(keeper, base, args, over, signal),
    async close() {
      await keeper.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function runIn(
  keeper: Keeper,
  base: LayerRef,
  args: readonly string[],
  over: Over,
  signal: AbortSignal | undefined,
): Promise<Finished> {
  const { layers = [base], io = 'events', commit = false, epoch, interactive, ...process } = over;
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const request: RunRequest = {
    layers,
    io,
    commit,
    epoch,
    interactive,
    process: { ...PLAIN, args, ...process },
  };
  const onEvent = (event: { stream: 'stdout' | 'stderr'; bytes: Uint8Array }): void => {
    output[event.stream].push(Buffer.from(event.bytes));
  };
  const outcome = await keeper.run(request, { signal, onEvent });
  return {
    ...outcome,
    stdout: Buffer.concat(output.stdout).toString('latin1'),
    stderr: Buffer.concat(output.stderr).toString('latin1'),
  };
}

export const PLAIN: Omit<Process, 'args'> = {
  env: [],
  cwd: '/',
  user: '',
  network: 'host',
  hostname: 'box',
  tty: false,
  binds: [],
};

const byPath = (a: PlannedEntry, b: PlannedEntry): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
const own = { uid: 0, gid: 0, mtime: 1_000_000_000 };

export const directory = (path: string, mode = 0o755): PlannedEntry => ({
  ...own,
  path,
  kind: 'directory',
  mode,
});
export const file = (path: string, text: string, mode = 0o644): PlannedEntry => ({
  ...own,
  path,
  kind: 'file',
  mode,
  content: { kind: 'bytes', bytes: Buffer.from(text) },
});
export const symlink = (path: string, linkTo: string): PlannedEntry => ({
  ...own,
  path,
  kind: 'symlink',
  mode: 0o777,
  linkTo,
});

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n';
const GROUP = 'root:x:0:\napp:x:1001:\nwheel:x:10:app\n';

function busyboxPlan(): PlannedEntry[] {
  const applets = execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return [
    directory('bin'),
    {
      ...own,
      path: 'bin/busybox',
      kind: 'file',
      mode: 0o755,
      content: { kind: 'disk', path: BUSYBOX, size: statSync(BUSYBOX).size },
    },
    ...applets.filter((name) => name !== 'busybox').map((name) => symlink(`bin/${name}`, 'busybox')),
    directory('etc'),
    file('etc/passwd', PASSWD),
    file('etc/group', GROUP),
    file('etc/unreadable', 'secret', 0o600),
    file('bin/script', '#!/bin/sh\necho script "$@"\n', 0o755),
    file('bin/broken-script', '#!/bin/missing\n', 0o755),
    directory('tmp', 0o1777),
  ];
}

/** Everything of this machine that a container could leave: mounts, processes that name the folder, cgroups. */
export function traces(folder: string): { mounts: string[]; processes: string[]; cgroups: string[] } {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder));
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => orEmpty(`/proc/${pid}/cmdline`).includes(folder));
  return { mounts, processes, cgroups: cgroupFolders() };
}

/** All cgroup directories whose name says that a runtime made them for us. */
function cgroupFolders(): string[] {
  const found: string[] = [];
  const look = (folder: string, depth: number): void => {
    if (depth > 4) return;
    for (const name of foldersIn(folder)) {
      if (name.startsWith('dobos-')) found.push(join(folder, name));
      else look(join(folder, name), depth + 1);
    }
  };
  look('/sys/fs/cgroup', 0);
  return found;
}

/** Those of suites that run beside go as they are looked at. */
function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function orEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
