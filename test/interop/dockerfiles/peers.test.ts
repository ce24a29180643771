import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerConfig, ImageConfig, Manifest } from '../../../src/oci/types.ts';
import { type Daemon, startDockerd } from '../../support/daemons.ts';
import { type Dobos, dobosFor } from '../../support/dobos.ts';
import { BUILDAH_DIFFERS, type Case, CORPUS, type ContextFile, DOCKER_DIFFERS } from './corpus.ts';
import { HISTORY_RULES, type HistoryRule, historyTable, unexplained } from './history.ts';
import { kept } from './kept.ts';
import { treeDifferences, treeOf } from './tree.ts';

/** A built image as others read it: unpacked by umoci, its documents by themselves. */
interface Built {
  readonly tree: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly layers: number;
  /** What each instruction left in the history. */
  readonly history: readonly string[];
}

let work: string;
let dobos: Dobos;
/** As `dobos save` writes the base. */
let archive: string;
/** What a peer's result depends on besides the Dockerfile. */
let inputs: unknown;
let docker: Promise<Daemon> | undefined;
let buildah: Promise<unknown> | undefined;
let made = 0;

const run = async (
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> =>
  (await promisify(execFile)(program, args, { maxBuffer: 1 << 26, env: { ...process.env, ...env } })).stdout;
const storage = (): string[] => [
  ...['--root', join(work, 'buildah'), '--runroot', join(work, 'buildah-run'), '--storage-driver', 'overlay'],
];

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-peers-'));
  dobos = dobosFor({ store: join(work, 'store') });
  archive = join(work, 'base.tar');
  const base = makeBase();
  dobos(
    'import',
    '--change',
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    '--change',
    'CMD ["sh"]',
    base,
    'base:1',
  );
  dobos('save', '-o', archive, 'base:1');
  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const versions = VERSIONS.map(([program, ...args]) => execFileSync(program, args, { encoding: 'utf8' }));
  // How the results are asked for and read stands in these files.
  const readers = ['peers.test.ts', 'tree.ts'].map((name) => sha256(join(import.meta.dirname, name)));
  inputs = { base: sha256(base), versions, readers };
}, 300_000);
afterAll(async () => {
  await (await docker)?.stop();
  if (buildah !== undefined) execFileSync('buildah', [...storage(), 'rmi', '-a', '-f'], { stdio: 'ignore' });
  // Its driver keeps its own folder mounted.
  spawnSync('umount', ['-l', join(work, 'buildah', 'overlay')]);
  rmSync(work, { recursive: true, force: true });
});

const VERSIONS = [
  ['/usr/sbin/dockerd', '--version'],
  ['buildah', '--version'],
  ['skopeo', '--version'],
  ['umoci', '--version'],
] as const;

/** Docker with the base, started by the first who asks. */
function withDocker(): Promise<Daemon> {
  docker ??= startDockerd(join(work, 'docker')).then((daemon) => {
    daemon.client('load', '-i', archive);
    return daemon;
  });
  return docker;
}

/** Buildah's storage with the base. */
function withBuildah(): Promise<unknown> {
  buildah ??= run('buildah', [...storage(), 'pull', `docker-archive:${archive}`]);
  return buildah;
}

describe('a Dockerfile builds as elsewhere', () => {
  it.each(CORPUS.map((one) => [one.name, peersOf(one), one] as const))('%s, by %s', async (_, __, one) => {
    const context = writeContext(one);
    const [ours, dockers, buildahs] = await Promise.all([
      buildHere(one, context),
      DOCKER_DIFFERS[one.name] === undefined
        ? kept({ by: 'docker', inputs, one }, () => buildByDocker(one, context))
        : undefined,
      BUILDAH_DIFFERS[one.name] === undefined
        ? kept({ by: 'buildah', inputs, one }, () => buildByBuildah(one, context))
        : undefined,
    ]);
    if (dockers !== undefined) expectSame(ours, dockers, 'docker 20.10');
    if (buildahs !== undefined) expectSame(ours, buildahs, 'buildah');
  });

  it('has histories that are worded as the documentation says', () => {
    expect(HISTORY_RULES.filter((rule) => !usedRules.has(rule))).toEqual([]);
    expect(readFileSync('docs/dockerfile.md', 'utf8')).toContain(`\n${historyTable()}\n`);
  });

  it('in no case differs from both', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(60);
    const names = new Set(CORPUS.map(({ name }) => name));
    const odd = [...Object.keys(DOCKER_DIFFERS), ...Object.keys(BUILDAH_DIFFERS)];
    expect(odd.filter((name) => !names.has(name))).toEqual([]);
    const alone = Object.keys(DOCKER_DIFFERS).filter((name) => name in BUILDAH_DIFFERS);
    expect(alone).toEqual([]);
  });
});

const peersOf = ({ name }: Case): string =>
  [name in DOCKER_DIFFERS ? '' : 'docker 20.10', name in BUILDAH_DIFFERS ? '' : 'buildah']
    .filter(Boolean)
    .join(' and ');

const usedRules = new Set<HistoryRule>();

function expectSame(ours: Built, theirs: Built, peer: HistoryRule['peer']): void {
  const tree = Object.fromEntries(
    Object.entries(theirs.tree).filter(([path, what]) => path in ours.tree || !isStub(path, what)),
  );
  expect(treeDifferences(ours.tree, tree), `the tree, beside ${peer}`).toEqual([]);
  expect(ours.config, `the config, beside ${peer}`).toEqual(theirs.config);
  const rows = unexplained(ours.history, theirs.history, peer, usedRules);
  expect(rows, `the history, beside ${peer}`).toEqual([]);
  expect(ours.layers, `the layers, beside ${peer}`).toBe(theirs.layers);
}

/** Mount points that peers leave in the layer of a RUN: empty files and folders. */
const isStub = (path: string, what: string): boolean =>
  /^(dev|etc|proc|run|sys)$/.test(path) ||
  (/^etc\/(hosts|hostname|resolv\.conf)$/.test(path) && what.includes(EMPTY));
const EMPTY = createHash('sha256').digest('hex').slice(0, 16);

async function buildHere({ args = [] }: Case, context: string): Promise<Built> {
  const name = `made${made++}`;
  const env = { DOBOS_ROOT: dobos.store };
  await run(process.execPath, ['dist/dobos.cjs', 'build', '-q', ...args, '-t', name, context], env);
  return lookAt(`${dobos.store}`, `${name}:latest`);
}

async function buildByDocker({ args = [] }: Case, context: string): Promise<Built> {
  const daemon = await withDocker();
  const name = `made${made++}`;
  const host = `unix://${join(work, 'docker', 'd.sock')}`;
  const client = ['-H', host, 'build', '-q', '--network=host', ...args, '-t', name, context];
  await run('/usr/bin/docker', client, { DOCKER_BUILDKIT: '1' });
  const layout = join(work, `layout-${name}`);
  await run('skopeo', [
    ...['copy', '-q', '--src-daemon-host', host, `docker-daemon:${name}:latest`, `oci:${layout}:latest`],
  ]);
  const config = daemon.client('image', 'inspect', '--format', '{{json .Config}}', name);
  return { ...(await lookAt(layout, 'latest')), config: comparable(JSON.parse(config)) };
}

async function buildByBuildah({ args = [] }: Case, context: string): Promise<Built> {
  await withBuildah();
  const name = `made${made++}`;
  const how = [
    '--layers',
    '--isolation',
    'chroot',
    '--network',
    'host',
    '--pull-never',
    '--format',
    'docker',
  ];
  await run('buildah', [...storage(), 'bud', '-q', ...how, ...args, '-t', name, context]);
  const layout = join(work, `layout-${name}`);
  const image = `localhost/${name}`;
  await run('buildah', [...storage(), 'push', '-q', '--format', 'oci', image, `oci:${layout}:latest`]);
  // What OCI's config has no place for is dropped on the way out.
  const { Docker } = JSON.parse(await run('buildah', [...storage(), 'inspect', '--type', 'image', image]));
  return { ...(await lookAt(layout, 'latest')), config: comparable(Docker.config) };
}

async function lookAt(layout: string, tag: string): Promise<Built> {
  const bundle = join(work, `bundle-${made++}`);
  await run('umoci', ['unpack', '--image', `${layout}:${tag}`, bundle]);
  const index = readJson<{ manifests: { digest: string; annotations?: Record<string, string> }[] }>(
    join(layout, 'index.json'),
  );
  const named = index.manifests.find(({ annotations = {} }) =>
    Object.values(annotations).some((name) => name === tag || name.endsWith(`/${tag}`)),
  );
  const blob = <T>(digest: string): T => readJson<T>(join(layout, 'blobs', digest.replace(':', '/')));
  const manifest = blob<Manifest>((named ?? index.manifests[0])!.digest);
  const config = blob<ImageConfig>(manifest.config.digest);
  const built = {
    tree: treeOf(join(bundle, 'rootfs')),
    config: comparable(config.config),
    layers: manifest.layers.length,
    history: historyOf(config),
  };
  rmSync(bundle, { recursive: true, force: true });
  return built;
}

/** The history but for what the base has. */
const historyOf = ({ history = [] }: ImageConfig): string[] =>
  history.flatMap(({ created_by: by, comment = '' }) =>
    comment.startsWith('Imported from') ? [] : [by ?? ''],
  );

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

/** What a config says; absent, null and empty mean the same. */
function comparable(config: ContainerConfig = {}): Readonly<Record<string, unknown>> {
  const { 'io.buildah.version': _, ...Labels } = config.Labels ?? {};
  const whole: Record<string, unknown> = { ...config, Labels };
  // The directory of nothing is the root.
  if (whole.WorkingDir === '/') whole.WorkingDir = '';
  // What docker's classic builder kept of its containers, and of commands for Windows.
  for (const name of LEGACY) delete whole[name];
  return Object.fromEntries(
    Object.entries(whole).filter(([, value]) => {
      if (value === undefined || value === null || value === '' || value === false) return false;
      return typeof value !== 'object' || Object.keys(value).length > 0;
    }),
  );
}
const LEGACY = ['ArgsEscaped', 'Hostname', 'Domainname', 'Image'];

function writeContext({ text, files = {} }: Case): string {
  const context = join(work, `context-${made++}`);
  mkdirSync(context);
  for (const [key, content] of Object.entries<ContextFile>({ Dockerfile: text, ...files })) {
    const [path = '', mode] = key.split(':');
    const whole = join(context, path);
    mkdirSync(dirname(whole), { recursive: true });
    if (typeof content !== 'string') symlinkSync(content.link, whole);
    else {
      writeFileSync(whole, content);
      chmodSync(whole, Number.parseInt(mode ?? '644', 8));
    }
  }
  return context;
}

/** A tar of a root file system with busybox, users, and files that layers can change. */
function makeBase(): string {
  const root = join(work, 'base');
  for (const folder of [
    'bin',
    'usr/bin',
    'etc',
    'root',
    'tmp',
    'home/app',
    'data/old',
    'proc',
    'sys',
    'dev',
    'run',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  execFileSync('cp', ['/bin/busybox', join(root, 'bin/busybox')]);
  execFileSync(join(root, 'bin/busybox'), ['--install', '-s', join(root, 'bin')]);
  // Absolute links would lead to where the tar was made.
  execFileSync('sh', ['-c', 'for f in *; do [ -L "$f" ] && ln -sf busybox "$f"; done; true'], {
    cwd: join(root, 'bin'),
  });
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nusers:x:100:app\napp:x:1000:\n');
  writeFileSync(join(root, 'data/file'), 'of the base\n');
  writeFileSync(join(root, 'data/old/in'), 'old\n');
  chmodSync(join(root, 'tmp'), 0o1777);
  execFileSync('chown', ['1000:1000', join(root, 'home/app')]);
  const tar = join(work, 'rootfs.tar');
  // The same bytes each time.
  const same = ['--sort=name', '--mtime=@1600000000', '-C', root];
  execFileSync('tar', [...same, '--owner=0', '--group=0', '-cf', tar, '--exclude=./home/app', '.']);
  execFileSync('tar', [...same, '-rf', tar, './home/app']);
  return tar;
}
