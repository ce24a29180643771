import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { LayerRef } from '../../src/runtime/types.ts';

/** What is at a path, as text: kind, mode, owner, size, time, target or content, attributes, and the first of its names. */
export type View = Readonly<Record<string, string>>;

/** A process in a mount namespace of its own that unpacks, mounts and looks. No mount outlives it. */
export interface RootfsAgent {
  /** The value of a script's last expression (`return`); it sees `store`, `snapshotter`, `layersOf`, `viewOf`, `sh`, and `o`. */
  run(script: string, o?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** What the layers show when mounted. */
  view(layers: readonly LayerRef[]): Promise<View>;
  /** What stands in a folder of the disk. */
  viewFolder(path: string): Promise<View>;
  readonly pid: number;
  kill(): void;
  close(): Promise<void>;
}

export interface AgentOptions {
  readonly storeFolder: string;
  readonly format?: 'trusted' | 'user' | 'whole' | undefined;
  /** An ordinary user, and a build that it can read. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly build: string } | undefined;
}

export function startAgent(o: AgentOptions): RootfsAgent {
  const build = `${pathToFileURL(o.user?.build ?? process.cwd()).href}/dist`;
  // A file, because worker threads do not start from a script given on the command line.
  const folder = mkdtempSync(join(tmpdir(), 'dobos-agent-'));
  const file = join(folder, 'agent.mjs');
  writeFileSync(file, SCRIPT, { mode: 0o644 });
  chmodSync(folder, 0o755);
  const node = [process.execPath, file, build, o.storeFolder, o.format ?? ''];
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
  const command =
    o.user === undefined
      ? ['setpriv', '--pdeathsig', 'KILL', ...unshare, ...node]
      : [
          'setpriv',
          `--reuid=${o.user.uid}`,
          `--regid=${o.user.gid}`,
          '--clear-groups',
          'setpriv',
          '--pdeathsig',
          'KILL',
          ...unshare,
          '--user',
          '--map-auto',
          '--map-root-user',
          ...node,
        ];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', HOME: '/tmp' },
  });
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  const ended = new Promise<void>((resolve) => {
    child.on('close', (code, signal) => {
      for (const call of waiting.splice(0)) call.reject(new Error(`the agent ended (${code ?? signal})`));
      rmSync(folder, { recursive: true, force: true });
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const call = waiting.shift();
    const answer = JSON.parse(line) as { value?: unknown; error?: { code?: string; message: string } };
    if (answer.error === undefined) call?.resolve(answer.value);
    else call?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  });
  const run = (script: string, values: Readonly<Record<string, unknown>> = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify({ script, o: values })}\n`);
    });
  child.stdin.on('error', () => undefined);
  return {
    run,
    view: (layers) => run(VIEW, { layers }) as Promise<View>,
    viewFolder: (path) => run('return viewOf(o.path)', { path }) as Promise<View>,
    pid: child.pid!,
    kill: () => child.kill('SIGKILL'),
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

const VIEW = `
const root = await snapshotter.prepare(layersOf(o.layers));
try { return viewOf(root.mount()); } finally { await root.dispose(); }
`;

const SCRIPT = `
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createInterface } from 'node:readline';
const [build, folder, format] = process.argv.slice(2);
const load = (file) => import(build + '/' + file);
const { createDirectoryStore } = await load('store/directory-store.js');
const { openLayer } = await load('layer/open-layer.js');
const { createSnapshotter } = await load('rootfs/snapshotter.js');
const { listXattrs, getXattr } = await load('linux/xattr.js');
const { decodeName, fsPath } = await load('base/names.js');
const events = [];
const store = await createDirectoryStore(folder);
const snapshotter = await createSnapshotter(store, { onEvent: (event) => events.push(event), ...(format === '' ? {} : { format }) });
const layersOf = (refs) => refs.map(({ blob, diffId }) => openLayer(store, blob, diffId));
const sh = (script, cwd) => execFileSync('bash', ['-ec', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const KINDS = { 0o10: 'fifo', 0o20: 'char', 0o40: 'dir', 0o60: 'block', 0o100: 'file', 0o120: 'link', 0o140: 'socket' };
const viewOf = (top) => {
  const view = {};
  const linked = new Map();
  const visit = (path) => {
    const disk = path === '' ? top : top + '/' + path;
    const stat = fs.lstatSync(fsPath(disk), { bigint: true });
    const kind = KINDS[Number(stat.mode >> 9n) & 0o170];
    const parts = [kind, (Number(stat.mode) & 0o7777).toString(8), stat.uid + ':' + stat.gid];
    if (kind !== 'dir') parts.push(String(stat.mtimeNs / 1000000000n));
    if (kind === 'link') parts.push('-> ' + decodeName(fs.readlinkSync(fsPath(disk), 'buffer')));
    if (kind === 'char' || kind === 'block') parts.push(String(stat.rdev));
    if (kind === 'file') parts.push(String(stat.size), createHash('sha256').update(fs.readFileSync(fsPath(disk))).digest('hex').slice(0, 16));
    for (const name of listXattrs(disk).sort()) if (!name.startsWith('security.selinux')) parts.push(name + '=' + getXattr(disk, name).toString('hex'));
    view[path] = parts.join(' ');
    if (kind !== 'dir') {
      const key = stat.dev + ':' + stat.ino;
      const names = linked.get(key) ?? [];
      linked.set(key, [...names, path]);
    }
    if (kind === 'dir') for (const name of fs.readdirSync(fsPath(disk), 'buffer').map(decodeName).sort()) visit(path === '' ? name : path + '/' + name);
  };
  visit('');
  for (const names of linked.values()) if (names.length > 1) for (const name of names) view[name] += ' = ' + names[0];
  return view;
};
const tools = { store, snapshotter, layersOf, viewOf, sh, events, fs, load, folder };
const AsyncFunction = (async () => {}).constructor;
let last = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(async () => {
    let answer;
    try {
      const { script, o } = JSON.parse(line);
      answer = { value: await new AsyncFunction(...Object.keys(tools), 'o', script)(...Object.values(tools), o) };
    } catch (error) {
      answer = { error: { code: error.code, message: String(error.stack ?? error) } };
    }
    process.stdout.write(JSON.stringify(answer) + '\\n');
  });
}).on('close', () => last.then(() => process.exit(0)));
`;
