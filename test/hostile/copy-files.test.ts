import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endOfArchive } from '../../src/tar/encoder.ts';
import { createSandbox, importBase, type Sandbox, tarEntry, until } from '../support/built-command.ts';

/** What no copy may read or change: it lies beside everything here. */
const SECRET = 'of the host';

describe('cp against what containers and archives try', () => {
  let box: Sandbox;
  let outside: string;
  const told = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await box.run(words);
    expect([code, stderr], words.join(' ')).toEqual([0, '']);
    return stdout;
  };
  const unharmed = (): void => {
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe(SECRET);
  };
  beforeAll(async () => {
    box = createSandbox({ env: { DOBOS_RUNTIME: 'crun' } });
    outside = join(box.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), SECRET);
    await importBase(box);
  });
  afterAll(() => box.remove());

  it.each(['stopped', 'running'])('links of a %s container lead nowhere but in its root', async (state) => {
    const name = `links-${state}`;
    const up = '../'.repeat(40);
    const script =
      `ln -s ${outside} /abs; ln -s ${up}${outside.slice(1)} /up; ln -s ${outside}/secret /file; ` +
      `ln -s /proc/1/root /magic; ln -s /proc/self/cwd /cwd; ln -s loop /loop; echo ready; ${state === 'running' ? 'exec sleep 1000' : ''}`;
    const run = box.start(['run', '--name', name, 'base:1', 'sh', '-c', script]);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    if (state === 'stopped') await run.ended;
    const into = join(box.folder, `into-${state}`);
    mkdirSync(into);
    for (const path of [
      '/abs/secret',
      '/up/secret',
      '/abs/',
      '/magic/home',
      '/cwd/secret',
      '/loop/x',
      `${up}${outside}/secret`,
    ]) {
      const { code } = await box.run(['cp', '-L', `${name}:${path}`, into]);
      expect(code, path).toBe(1);
    }
    expect((await box.run(['cp', '-L', `${name}:/file`, into])).code).toBe(1);
    expect(readdirSync(into)).toEqual([]);
    writeFileSync(join(box.folder, 'new'), 'new');
    for (const path of ['/abs/', '/up/', '/abs/secret', '/up/secret', '/file', '/magic/tmp/', '/cwd/']) {
      await box.run(['cp', join(box.folder, 'new'), `${name}:${path}`]);
      unharmed();
    }
    if (state === 'running') {
      await told('rm', '-f', name);
      await run.ended;
    }
  });

  it('an archive cannot leave the folder that it is put into', async () => {
    await told('create', '--name', 'archives', 'base:1', 'true');
    const link = (name: string, linkName: string) =>
      tarEntry({ name, kind: 'symlink', mode: 0o777, linkName });
    const content = Buffer.from('broken out');
    const attempts = [
      [tarEntry({ name: `../../..${outside}/new` }, content)],
      [link('l', outside), tarEntry({ name: 'l/new' }, content)],
      [link('l', '/etc'), tarEntry({ name: 'l/new' }, content)],
      [
        tarEntry({ name: 'd', kind: 'directory', mode: 0o755 }),
        link('d/l', '../..'),
        tarEntry({ name: 'd/l/new' }, content),
      ],
      [tarEntry({ name: 'h', kind: 'hardlink', linkName: `..${outside}/secret` })],
    ];
    for (const entries of attempts) {
      const { code, stderr } = await box.run(['cp', '-', 'archives:/var'], {
        input: Buffer.concat([...entries, endOfArchive()]),
      });
      expect(stderr).toMatch(/cannot be unpacked here/);
      expect(code).toBe(1);
      unharmed();
    }
    expect(await told('diff', 'archives')).not.toContain('new');
    // A hard link to a link of the container's is that link, not what it leads to.
    const { code } = await box.run(['cp', '-', 'archives:/var'], {
      input: Buffer.concat([
        link('s', join(outside, 'secret')),
        tarEntry({ name: 'h', kind: 'hardlink', linkName: 's' }),
        endOfArchive(),
      ]),
    });
    expect(code).toBe(0);
    unharmed();
  });

  it('what comes out stays in the target folder, without devices and set-user-id bits', async () => {
    const script =
      `mkdir -p /d/sub; echo x > /d/sub/secret; ln -s ${outside} /d/zz; mknod /d/null c 1 3; mknod /d/disk b 8 0; ` +
      'ln /d/disk /d/linked; cp /bin/busybox /d/su; chmod 6755 /d/su; mkfifo /d/pipe';
    await told('run', '--name', 'out', 'base:1', 'sh', '-c', script);
    const into = join(box.folder, 'taken');
    mkdirSync(join(into, 'd'), { recursive: true });
    for (const name of ['null', 'linked']) writeFileSync(join(into, 'd', name), 'of this machine');
    const ran = await box.run(['cp', 'out:/d', into]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('d/null is a device file and was left out');
    // What stands in their places stays, also where a name was only linked to a device.
    expect(readdirSync(join(into, 'd')).sort()).toEqual(['linked', 'null', 'pipe', 'su', 'sub', 'zz']);
    for (const name of ['null', 'linked'])
      expect(readFileSync(join(into, 'd', name), 'utf8')).toBe('of this machine');
    expect(lstatSync(join(into, 'd/su')).mode & 0o7777).toBe(0o755);
    // A link on this machine where a folder is to go: refused, and nothing goes through it.
    rmSync(join(into, 'd/sub'), { recursive: true });
    symlinkSync(outside, join(into, 'd/sub'));
    const again = await box.run(['cp', 'out:/d/.', join(into, 'd')]);
    expect(again.stderr).toContain('cannot overwrite non-directory');
    expect(again.code).toBe(1);
    unharmed();
  });

  it('a folder that becomes a link while files come out takes nothing elsewhere', async () => {
    const names = Array.from({ length: 300 }, (_, at) => `f${at}`);
    await told(
      'run',
      '--name',
      'race',
      'base:1',
      'sh',
      '-c',
      `mkdir -p /d/sub; cd /d/sub; for n in ${names.join(' ')}; do echo $n > $n; done`,
    );
    const into = join(box.folder, 'raced');
    mkdirSync(into);
    await told('cp', 'race:/d', into);
    expect(readdirSync(join(into, 'd/sub')).length).toBe(names.length);
    const swap = `cd ${into}; while :; do mv d/sub d/aside && ln -s ${outside} d/sub; rm -f d/sub; mv d/aside d/sub; done`;
    const swapper = spawn('sh', ['-c', swap], { stdio: 'ignore' });
    try {
      for (let round = 0; round < 8; round++) await box.run(['cp', 'race:/d', into]);
    } finally {
      swapper.kill('SIGKILL');
      await once(swapper, 'close');
    }
    unharmed();
  });

  it('a program that swaps its folders for links while files go in and out reaches nothing outside', async () => {
    const script = `mkdir -p /w/a; echo inner > /w/a/secret; echo ready; while :; do mv /w/a /w/b; ln -s ${outside} /w/a; rm /w/a; mv /w/b /w/a; done`;
    const run = box.start(['run', '--name', 'swaps', 'base:1', 'sh', '-c', script]);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    writeFileSync(join(box.folder, 'new'), 'new');
    for (let round = 0; round < 6; round++) {
      const { stdout } = await box.run(['cp', '-L', 'swaps:/w/a/secret', '-']);
      expect(stdout).not.toContain(SECRET);
      await box.run(['cp', join(box.folder, 'new'), 'swaps:/w/a/new']);
      unharmed();
    }
    await told('rm', '-f', 'swaps');
    await run.ended;
    expect(existsSync(join(outside, 'new'))).toBe(false);
  });
});
