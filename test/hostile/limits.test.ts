import { once } from 'node:events';
import { createWriteStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/bytes.ts';
import { endOfArchive } from '../../src/tar/encoder.ts';
import { createSandbox, type Ran, type Sandbox, tarEntry } from '../support/built-command.ts';

/** What a terminal would obey: all control characters but the line end. */
const OBEYED = /[\0-\x09\x0b-\x1f\x7f-\x9f]/;
/** Titles, colours, a C1 control sequence, a bell, a carriage return that hides what stands before it. */
const NASTY = '\x1b]0;owned\x07\x1b[31m\x9b2J\rhidden\x1b[A';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = createSandbox();
});
afterAll(() => sandbox.remove());
afterEach(() => rmSync(join(sandbox.folder, 'archive.tar'), { force: true }));

interface Made {
  readonly layers: readonly Buffer[];
  readonly diffIds?: readonly string[];
  readonly tag?: string;
  readonly config?: object;
}

/** A docker archive of these layers, written to a file. */
function archiveOf({ layers, diffIds, tag = 'app:1', config = {} }: Made): string {
  const path = join(sandbox.folder, 'archive.tar');
  const facts = {
    os: 'linux',
    architecture: 'amd64',
    ...config,
    rootfs: { type: 'layers', diff_ids: diffIds ?? layers.map((layer) => sha256(layer)) },
  };
  const rows = [{ Config: 'config.json', RepoTags: [tag], Layers: layers.map((_, at) => `${at}/layer.tar`) }];
  writeFileSync(
    path,
    Buffer.concat([
      ...layers.map((layer, at) => tarEntry({ name: `${at}/layer.tar` }, layer)),
      tarEntry({ name: 'config.json' }, Buffer.from(JSON.stringify(facts))),
      tarEntry({ name: 'manifest.json' }, Buffer.from(JSON.stringify(rows))),
      endOfArchive(),
    ]),
  );
  return path;
}

const layerOf = (...entries: readonly Buffer[]): Buffer => Buffer.concat([...entries, endOfArchive()]);

function expectPlain(ran: Ran): void {
  expect(ran.stdout).not.toMatch(OBEYED);
  expect(ran.stderr).not.toMatch(OBEYED);
}

describe('names and texts full of escape sequences', () => {
  it('never reach the terminal, from no command', async () => {
    const layers = [
      layerOf(
        tarEntry({ name: `dir${NASTY}`, kind: 'directory', mode: 0o755 }),
        tarEntry({ name: `dir${NASTY}/f${NASTY}` }, Buffer.alloc(5000)),
      ),
      layerOf(
        tarEntry({ name: `dir${NASTY}/f${NASTY}` }, Buffer.alloc(6000)),
        tarEntry({ name: `l${NASTY}`, kind: 'symlink', linkName: NASTY }),
      ),
    ];
    const path = archiveOf({
      layers,
      config: {
        author: NASTY,
        created: '2020-01-01T00:00:00Z',
        config: { Env: [`A=${NASTY}`], Cmd: [NASTY], Labels: { [NASTY]: NASTY }, User: NASTY },
        history: layers.map(() => ({ created_by: NASTY, comment: NASTY, created: '2020-01-01T00:00:00Z' })),
      },
    });
    expect(await sandbox.run(['load', '-i', path])).toMatchObject({
      code: 0,
      stdout: 'Loaded image: app:1\n',
    });
    for (const args of [
      ['images'],
      ['history', 'app:1'],
      ['history', '--no-trunc', 'app:1'],
      ['history', '--format', '{{.CreatedBy}} {{.Comment}}', 'app:1'],
      ['history', '--format', 'json', 'app:1'],
      ['inspect', 'app:1'],
      ['inspect', '--format', '{{.Config.Env}} {{json .Config.Labels}} {{.Author}}', 'app:1'],
      ['explore', 'app:1'],
      ['explore', '--json', '-', 'app:1'],
      ['system', 'df'],
    ]) {
      const ran = await sandbox.run(args);
      expect(ran.code, `${args.join(' ')}: ${ran.stderr}`).toBe(0);
      expect(ran.stdout.length).toBeGreaterThan(0);
      expectPlain(ran);
    }
    const found = JSON.parse((await sandbox.run(['inspect', 'app:1'])).stdout) as { Author: string }[];
    expect(found[0]?.Author).toBe(NASTY);
    for (const args of [
      ['run', 'app:1'],
      ['run', '-u', NASTY, 'app:1', 'x'],
      ['run', `app${NASTY}`],
      ['load', '-i', `/${NASTY}`],
      [NASTY],
      ['build', NASTY],
      ['images', `--${NASTY}`],
    ]) {
      const ran = await sandbox.run(args);
      expect(ran.code, args.join(' ')).not.toBe(0);
      expect(ran.stderr).toMatch(/^dobos: /);
      expectPlain(ran);
    }
  });

  it('in the archive itself are refused without being shown', async () => {
    for (const made of [
      { layers: [layerOf()], tag: `app${NASTY}:1` },
      { layers: [layerOf()], diffIds: [NASTY] },
      { layers: [layerOf(tarEntry({ name: `../${NASTY}` }))] },
    ]) {
      const ran = await sandbox.run(['load', '-i', archiveOf(made)]);
      expectPlain(ran);
      if (ran.code === 0) expectPlain(await sandbox.run(['explore', 'app:1']));
      else expect(ran.stderr).toMatch(/^dobos: /);
    }
  });
});

describe('images out of proportion', () => {
  it('of 2,000 layers are loaded and explored, and refused for running in one error', async () => {
    const layers = Array.from({ length: 2000 }, (_, at) =>
      layerOf(tarEntry({ name: `f${at % 50}` }, Buffer.from(String(at)))),
    );
    expect(await sandbox.run(['load', '-i', archiveOf({ layers, tag: 'many:1' })])).toMatchObject({
      code: 0,
      stderr: '',
    });
    const explored = await sandbox.run(['explore', '--json', '-', 'many:1'], {
      node: ['--max-old-space-size=256'],
    });
    expect(explored).toMatchObject({ code: 0, stderr: '' });
    expect((JSON.parse(explored.stdout) as { layers: unknown[] }).layers).toHaveLength(2000);
    const ran = await sandbox.run(['run', 'many:1', 'x']);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(
      /^dobos: the image has 2000 layers, the kernel shows at most \d+ at once\nhint: /,
    );
  });

  it('with 1,000 directories in each other, and the same name 10,000 times, are read and unpacked', async () => {
    let path = '';
    const deep = Array.from({ length: 1000 }, () => {
      path += path === '' ? 'd' : '/d';
      return tarEntry({ name: path, kind: 'directory', mode: 0o755 });
    });
    const same = Array.from({ length: 10_000 }, (_, at) =>
      tarEntry({ name: 'same' }, Buffer.from(String(at))),
    );
    const layers = [layerOf(...deep, tarEntry({ name: `${path}/f` }, Buffer.from('deep'))), layerOf(...same)];
    expect(await sandbox.run(['load', '-i', archiveOf({ layers, tag: 'deep:1' })])).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await sandbox.run(['explore', 'deep:1'])).toMatchObject({ code: 0, stderr: '' });
    // Unpacked before the program is looked for, which is not there.
    const ran = await sandbox.run(['run', 'deep:1', '/nothing']);
    expect([ran.code, ran.stderr]).toEqual([127, expect.stringMatching(/no such file/)]);
  });

  it('whose layer is 10 GB of zeros in 10 MB take no memory', { timeout: 300_000 }, async () => {
    const bytes = 10 * 2 ** 30;
    const path = join(sandbox.folder, 'bomb.tar.gz');
    await writeBomb(path, bytes);
    expect(statSync(path).size).toBeLessThan(20_000_000);
    // What it unpacks to is known only after reading it: the archive lies, and that is found without keeping any of it.
    const { readFileSync } = await import('node:fs');
    const archive = archiveOf({
      layers: [readFileSync(path)],
      diffIds: [sha256(Buffer.from('a lie'))],
      tag: 'bomb:1',
    });
    const before = process.hrtime.bigint();
    const ran = await measured(['load', '-i', archive]);
    console.log(
      `bomb: load ${ran.code}, ${Number(process.hrtime.bigint() - before) / 1e9} s, ${ran.kilobytes} kB`,
    );
    expect(ran.kilobytes).toBeLessThan(300_000);
    if (ran.code === 0) {
      const explored = await measured(['explore', 'bomb:1']);
      expect(explored.kilobytes).toBeLessThan(300_000);
      expect(explored.code).toBe(1);
      expect(explored.stderr).toMatch(/^dobos: /);
    } else expect(ran.stderr).toMatch(/^dobos: .*\n/);
  });
});

/** A gzip of a tar with one file of zeros. */
async function writeBomb(path: string, bytes: number): Promise<void> {
  const zeros = Buffer.alloc(16 * 2 ** 20);
  const member = gzipSync(zeros, { level: 9 });
  const file = createWriteStream(path);
  const head = createGzip({ level: 1 });
  head.pipe(file, { end: false });
  head.end(tarEntry({ name: 'zeros', size: bytes }));
  await once(head, 'end');
  // Members of gzip follow each other as if they were one.
  for (let at = 0; at < bytes; at += zeros.length) if (!file.write(member)) await once(file, 'drain');
  file.end(gzipSync(endOfArchive()));
  await once(file, 'close');
}

/** Runs the command for its peak of resident memory; processes that it starts count by the largest. */
async function measured(args: readonly string[]) {
  const { spawn } = await import('node:child_process');
  mkdirSync(sandbox.store, { recursive: true });
  const script = `import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True)
sys.stderr.buffer.write(done.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)`;
  const child = spawn(
    'python3',
    ['-c', script, process.execPath, join(process.cwd(), 'dist/dobos.cjs'), ...args],
    {
      env: sandbox.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr, kilobytes: Number(stdout) };
}
