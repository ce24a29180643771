import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExploration } from '../../src/explore/explore-image.ts';
import { extractPath } from '../../src/explore/extract-tree.ts';
import type { Exploration } from '../../src/explore/types.ts';
import { viewArchive } from '../../src/image/view-archive.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';
import { type Daemon, startDockerd } from '../support/daemons.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { tarOf } from '../support/images.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { layerStacks } from '../support/random-layers.ts';
import { type VectorEntry, vectorTar } from '../support/vector-tar.ts';

const LAYERS = [
  tarOf([
    ['d/', 'folder/'],
    ['d/a', 'A'.repeat(1000)],
    ['c', 'C'.repeat(50)],
    ['esc\u001b[31mape', 'red'],
  ]),
  tarOf([
    ['d/.wh.a', ''],
    ['n', 'new'],
  ]),
];
const VISIBLE = 56;
const HIDDEN = 1000;

let work: string;
let layout: string;
let sandbox: Sandbox;
const at = (name: string): string => join(work, name);
const skopeo = (...args: readonly string[]): void => {
  execFileSync('skopeo', ['--insecure-policy', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
};

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-explore-'));
  layout = at('layout');
  writeLayout(layout, LAYERS);
  sandbox = createSandbox();
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await sandbox.remove();
});

async function explored(name: string, o: Parameters<Sandbox['run']>[1] = {}): Promise<Exploration> {
  const ran = await sandbox.run(['explore', '--json', '-', name], o);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as Exploration;
}

describe('the same image in other forms, as skopeo writes them,', () => {
  const forms: readonly (readonly [form: string, options: readonly string[], target: string])[] = [
    ['oci:', [], 'oci:%:v1'],
    ['oci:', ['--dest-oci-accept-uncompressed-layers'], 'oci:%:v1'],
    ['oci:', ['--dest-compress-format', 'zstd', '--dest-compress'], 'oci:%:v1'],
    ['oci-archive:', [], 'oci-archive:%:v1'],
    ['docker-archive:', [], 'docker-archive:%:example.com/app:1'],
    ['dir:', [], 'dir:%'],
    ['dir:', ['--dest-compress'], 'dir:%'],
  ];

  it.each(forms.map((row, i) => [i, ...row] as const))(
    '%d is read: %s with %j',
    async (i, form, options, target) => {
      const place = at(`form${i}`);
      skopeo('copy', ...options, `oci:${layout}:t`, target.replace('%', place));
      const report = await explored(target.replace('%', place));
      expect(report).toMatchObject({ visible: VISIBLE, hidden: HIDDEN, total: VISIBLE + HIDDEN });
      expect(report.hiddenFiles).toEqual([
        { layer: 0, hiddenBy: 1, how: 'removed', path: 'd/a', bytes: 1000 },
      ]);
      if (form === 'dir:') return;
      // Bare paths mean the same, and a name chooses.
      expect((await explored(place)).layers).toEqual(report.layers);
      const name = form === 'docker-archive:' ? 'example.com/app:1' : 'v1';
      expect((await explored(`${place}#${name}`)).layers).toEqual(report.layers);
      const wrong = await sandbox.run(['explore', `${place}#other`]);
      expect([wrong.code, wrong.stderr]).toEqual([
        1,
        expect.stringContaining('holds no image other; it has'),
      ]);
      const cat = await sandbox.run(['cat', '--layer', '0', place, '/d/a']);
      expect(cat.stdout).toBe('A'.repeat(1000));
    },
  );

  it('is read where docker-archive has its layers compressed', async () => {
    const config = Buffer.from(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        rootfs: { type: 'layers', diff_ids: LAYERS.map((tar) => `sha256:${hexOf(tar)}`) },
      }),
    );
    const rows = [{ Config: 'c.json', RepoTags: ['example.com/app:1'], Layers: ['0.tar.gz', '1/layer.tar'] }];
    const archive = tarOf([
      ['0.tar.gz', gzipSync(LAYERS[0]!)],
      ['c.json', config],
      ['1/', 'folder/'],
      ['1/layer.tar', LAYERS[1]!],
      ['manifest.json', JSON.stringify(rows)],
    ]);
    writeFileSync(at('packed.tar'), archive);
    expect(await explored(at('packed.tar'))).toMatchObject({ visible: VISIBLE, hidden: HIDDEN });
    const run = (...args: string[]) => sandbox.run(args);
    expect((await run('cat', '--layer', '0', at('packed.tar'), '/d/a')).stdout).toBe('A'.repeat(1000));
    expect((await run('cat', at('packed.tar'), 'n', 'c')).stdout).toBe(`new${'C'.repeat(50)}`);
    expect((await run('compare', '--same', at('packed.tar'), layout)).code).toBe(0);
  });

  it('is read from standard input, also compressed as a whole', async () => {
    const file = at('stdin.tar');
    skopeo('copy', `oci:${layout}:t`, `docker-archive:${file}:example.com/app:1`);
    const plain = await explored('-', { input: readFileSync(file) });
    expect(plain).toMatchObject({ visible: VISIBLE, hidden: HIDDEN });
    const packed = execFileSync('gzip', ['-c', file], { maxBuffer: 1 << 26 });
    expect((await explored('-', { input: packed })).layers).toEqual(plain.layers);
  });

  it('is read from a registry, and nothing of it is stored but notes', async () => {
    let registry: DockerRegistry | undefined;
    try {
      registry = await startDockerRegistry(at('registry'));
      skopeo('copy', '--dest-tls-verify=false', `oci:${layout}:t`, `docker://${registry.host}/app:1`);
      const report = await explored(`docker://${registry.host}/app:1`);
      expect(report).toMatchObject({ visible: VISIBLE, hidden: HIDDEN });
      expect((await sandbox.run(['cat', `docker://${registry.host}/app:1`, 'n'])).stdout).toBe('new');
      expect((await sandbox.run(['images', '-q'])).stdout).toBe('');
    } finally {
      await registry?.stop();
    }
  });
});

describe('a Docker engine', () => {
  let engine: Daemon;
  let host: string;
  beforeAll(async () => {
    engine = await startDockerd(at('docker'));
    host = `unix://${at('docker/d.sock')}`;
    skopeo('copy', `oci:${layout}:t`, `docker-archive:${at('for-docker.tar')}:example.com/app:1`);
    engine.client('load', '-i', at('for-docker.tar'));
  });
  afterAll(() => engine?.stop());

  it('gives its images by name and id', async () => {
    const env = { DOCKER_HOST: host };
    const report = await explored('docker-daemon:example.com/app:1', { env });
    expect(report).toMatchObject({ visible: VISIBLE, hidden: HIDDEN });
    const id = engine.client('images', '-q').trim();
    expect((await explored(`docker-daemon:${id}`, { env })).layers).toEqual(report.layers);
    const wrong = await sandbox.run(['explore', 'docker-daemon:none'], { env });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/says 404: .*none/)]);
  });

  it('that does not answer is told with its place', async () => {
    for (const [place, told] of [
      [`unix://${at('nobody.sock')}`, 'there is no such socket'],
      ['tcp://127.0.0.1:1', 'nobody listens there'],
      ['ssh://host', 'want unix:///path'],
    ] as const) {
      const { code, stderr } = await sandbox.run(['explore', 'docker-daemon:app'], {
        env: { DOCKER_HOST: place },
      });
      expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
    }
  });
});

it('of an index for several platforms one is chosen, or what there is is listed', async () => {
  const index = at('index');
  writeLayout(index, LAYERS);
  const image = onlyManifest(index);
  writePlatforms(index, image, ['linux/arm64', 'linux/s390x']);
  const asked = await sandbox.run(['explore', index]);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringContaining('linux/arm64, linux/s390x')]);
  const chosen = await sandbox.run(['explore', '--summary', '--platform', 'linux/s390x', index]);
  expect([chosen.code, chosen.stdout]).toEqual([0, expect.stringContaining('can go')]);
  writePlatforms(index, image, ['linux/arm64']);
  expect((await sandbox.run(['explore', '--summary', index])).code).toBe(0);
});

const hexOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Listed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

function onlyManifest(folder: string): Listed {
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    manifests: Listed[];
  };
  const { mediaType, digest, size } = manifests[0]!;
  return { mediaType, digest, size };
}

/** Puts the image behind an index, under these platforms. */
function writePlatforms(folder: string, image: Listed, platforms: readonly string[]): void {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const manifests = platforms.map((each) => {
    const [os, architecture] = each.split('/');
    return { ...image, platform: { os, architecture } };
  });
  const nested = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  const hex = hexOf(nested);
  writeFileSync(join(folder, 'blobs/sha256', hex), nested);
  const root = { mediaType, digest: `sha256:${hex}`, size: nested.length };
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
}

describe('what is extracted', () => {
  const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
  it(`is what umoci unpacks, for 40 random stacks (seed ${seed})`, async () => {
    let runs = 0;
    const property = fc.asyncProperty(layerStacks, async (stack) => {
      const place = at(`stack${runs++}`);
      try {
        mkdirSync(place);
        await compareWithUmoci(place, stack);
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    });
    await fc.assert(property, { seed, numRuns: 40 });
  });
});

async function compareWithUmoci(place: string, stack: readonly (readonly VectorEntry[])[]): Promise<void> {
  const folder = join(place, 'layout');
  const bundle = join(place, 'bundle');
  writeLayout(
    folder,
    stack.map((entries) => vectorTar(entries)),
  );
  execFileSync('umoci', ['unpack', '--image', `${folder}:t`, bundle], { stdio: ['ignore', 'pipe', 'pipe'] });
  const platform = { os: 'linux', architecture: 'amd64' };
  const view = await viewArchive(createMemoryStore(), folder, { platform });
  const exploration = await openExploration(view.store, view.images[0]!.image);
  const { report, trees } = exploration;
  expect(report.visible + report.hidden).toBe(report.total);
  const layer = trees.length - 1;
  const inode = trees.at(-1)!.get('')!;
  const from = { path: '', inode, layer, name: '' };
  await extractPath(exploration, view.store, from, join(place, 'ours'));
  await view.close();
  expect(viewOf(join(place, 'ours'))).toEqual(viewOf(join(bundle, 'rootfs')));
}

/** Type, permission, content, time of files, and which names are one file. */
function viewOf(root: string): readonly string[] {
  const lines: string[] = [];
  const first = new Map<number, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = join(path, name);
      const disk = join(root, below);
      const stat = lstatSync(disk);
      const mode = (stat.mode & 0o1777).toString(8);
      if (stat.isSymbolicLink()) lines.push(`${below} -> ${readlinkSync(disk)}`);
      else if (stat.isDirectory()) {
        lines.push(`${below}/ ${mode}`);
        visit(below);
      } else {
        const twin = first.get(stat.ino) ?? below;
        first.set(stat.ino, twin);
        const seconds = Math.floor(stat.mtimeMs / 1000);
        lines.push(`${below} ${mode} ${seconds} = ${twin} ${readFileSync(disk, 'latin1')}`);
      }
    }
  };
  visit('');
  return lines;
}

describe('the commands that look into layers', () => {
  it('list, print and extract what a layer removed', async () => {
    const run = async (...args: string[]) => sandbox.run(args);
    expect((await run('ls', layout, '/d')).stdout).toBe('');
    expect((await run('ls', '-a', layout, '/d')).stdout).toBe('a  (removed by layer 1, stored in layer 0)\n');
    expect((await run('ls', '-R', layout)).stdout).toBe('/c\n/d\n/escape\n/n\n');
    expect((await run('ls', '-l', '--layer', '0', layout, 'd')).stdout).toBe(
      '-rw-r--r--        0:0         1000  2023-11-14 22:13:20    0  a\n',
    );
    const rows = JSON.parse((await run('ls', '--json', layout)).stdout) as { path: string }[];
    expect(rows.map(({ path }) => path)).toEqual(['/c', '/d', '/esc\u001b[31mape', '/n']);
    const gone = await run('cat', layout, '/d/a');
    expect([gone.code, gone.stderr]).toEqual([
      1,
      expect.stringContaining('layer 1 removed it: --layer 0 still has it'),
    ]);
    expect((await run('cat', '--layer', '0', layout, '/d/a', 'c')).stdout).toBe(
      'A'.repeat(1000) + 'C'.repeat(50),
    );
    const done = await run('extract', '--layer', '0', layout, '/d/a', at('recovered'));
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('1 path, 1.0 kB')]);
    expect(readFileSync(at('recovered'), 'utf8')).toBe('A'.repeat(1000));
    const again = await run('extract', layout, '/c', at('recovered'));
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('nothing is overwritten')]);
  });

  it.each([
    [['ls', '--layer', '9', '.'], /has no layer 9: they go from 0 to 1/],
    [['ls', '.', '/nowhere'], /there is no \/nowhere in the image/],
    [['cat', '.', '/d'], /\/d is a directory/],
    [['extract', '.', '/c', '/nowhere/at/all'], /its folder does not exist/],
    [['explore', '-f', '/nowhere/Dockerfile', '.'], /cannot read the Dockerfile/],
    [['explore', 'containers-storage:x'], /is no place to read from here/],
    [['explore', 'dir:/nowhere'], /it has no manifest.json/],
    [['explore', 'oci:/nowhere:tag'], /there is no such file/],
  ] as const)('say what is wrong: %j', async (args, told) => {
    const { code, stderr, stdout } = await sandbox.run([...args], { cwd: layout });
    expect([code, stderr, stdout]).toEqual([1, expect.stringMatching(told), '']);
  });
});

describe('compare and search', () => {
  it('tell two archives apart, and exit as diff and grep do', async () => {
    const other = at('other');
    writeLayout(other, [LAYERS[0]!]);
    const run = async (...args: string[]) => sandbox.run(args);
    const text = await run('compare', other, layout);
    expect([text.code, text.stdout]).toEqual([
      1,
      expect.stringContaining(
        '1 added, 1 removed, 0 changed, 0 in metadata only, 0 in time only; 1 of 1 and 2 layers',
      ),
    ]);
    const json = await run('compare', '--format', 'json', '--packages', other, layout);
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, same: false, packages: [] });
    const markdown = await run('compare', '--format', 'markdown', other, layout);
    expect(markdown.stdout).toContain('| files that are shown | 1.1 kB | 56 B |');
    expect((await run('compare', layout, layout)).code).toBe(0);
    const same = await run('compare', '--same', layout, layout);
    expect([same.code, same.stdout]).toEqual([
      0,
      expect.stringMatching(/^the same: 4 paths, 3 files of 56 B in/),
    ]);
    const differs = await run('compare', '--same', other, layout);
    expect([differs.code, differs.stdout]).toEqual([
      1,
      expect.stringContaining('/d/a is the first path that differs'),
    ]);
    const usage = await run('compare', '--depth', 'x', other, layout);
    expect(usage.code).toBe(2);

    const found = await run('explore', '--find', '/d/*', layout);
    expect([found.code, found.stdout]).toEqual([0, '  0 ◌ /d/a  (hidden by layer 1)\n']);
    const lines = await run('explore', '--grep', 'AAA', '--json', '-', layout);
    expect(JSON.parse(lines.stdout)).toMatchObject({ path: '/d/a', line: 1, hidden: true, hiddenBy: 1 });
    expect((await run('explore', '--grep', 'nowhere', layout)).code).toBe(1);
    expect((await run('explore', '--find', '[', layout)).code).toBe(2);
    const into = at('found.json');
    const written = await run('explore', '--find', '/d/*', '--json', into, layout);
    expect([written.code, written.stdout]).toEqual([0, '']);
    expect(JSON.parse(readFileSync(into, 'utf8'))).toMatchObject({ path: '/d/a', layer: 0, hidden: true });
    // 1 is an answer of theirs: what could not be looked at is something else.
    expect((await run('explore', '--find', '/d/*', at('nowhere'))).code).toBe(2);
    expect((await run('compare', layout, at('nowhere'))).code).toBe(2);
  });

  it('read standard input once', async () => {
    const file = at('once.tar');
    skopeo('copy', `oci:${layout}:t`, `oci-archive:${file}:v1`);
    const one = await sandbox.run(['compare', '-', layout], { input: readFileSync(file) });
    expect([one.code, one.stderr]).toEqual([0, '']);
    const both = await sandbox.run(['compare', '-', '-'], { input: readFileSync(file) });
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('standard input is read once')]);
  });
});

it('a layer that a committed container left is marked, those of a build on it are not', async () => {
  const run = async (...args: string[]) => {
    const ran = await sandbox.run(args);
    if (ran.code !== 0) throw new Error(ran.stderr);
    return ran.stdout;
  };
  await importBase(sandbox);
  await run('run', '--name', 'box', 'base:1', 'sh', '-c', 'echo by hand > /made');
  await run('commit', 'box', 'made:1');
  const dockerfile = at('on-made');
  writeFileSync(dockerfile, '# on top\nFROM made:1\n\nRUN rm /made\n');
  await run('build', '-q', '-t', 'top:1', '-f', dockerfile, work);
  const report = await explored('top:1');
  expect(report.layers.map(({ origin, place }) => [origin, place?.line, place?.from])).toEqual([
    ['import', undefined, undefined],
    ['unexplained', undefined, undefined],
    ['instruction', 4, 'record'],
  ]);
  expect(report.levels.map(({ how, names, layers }) => [how, names, layers])).toEqual([
    ['store', ['docker.io/library/base:1'], 1],
    ['store', ['docker.io/library/made:1'], 2],
    ['image', [], 3],
  ]);
  const text = await run('explore', 'top:1');
  expect(text).toContain('? no instruction, a committed container? sh -c echo');
  expect(text).toContain('▁ made:1');
  const given = await sandbox.run(['explore', '--json', '-', '-f', dockerfile, 'top:1']);
  expect(JSON.parse(given.stdout)).toMatchObject({ dockerfile: { file: dockerfile, from: 'file' } });
});
