import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

interface Row {
  readonly Name: string;
  readonly State: string;
  readonly Detail: string;
  readonly Version: string;
  readonly Tested: boolean;
  readonly Default: boolean;
  readonly Steps: boolean;
}

let box: Sandbox;
let programs: string;

beforeAll(async () => {
  box = createSandbox();
  programs = join(box.folder, 'programs');
  mkdirSync(programs);
  const script = (name: string, text: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  script('runsc', 'exec /usr/sbin/runc "$@"');
  script('youki', 'test "$1" = --version && echo youki version 9.9');
  script('my-crun', 'exec /usr/bin/crun "$@"');
  await importBase(box);
});
afterAll(() => box.remove());

const rows = async (...names: string[]): Promise<Record<string, Row>> => {
  const { code, stdout, stderr } = await box.run(['runtimes', '--json', ...names], {
    env: { PATH: `${programs}:${box.env.PATH}` },
  });
  expect(code, stderr).toBe(0);
  const list = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  return Object.fromEntries(list.map((row) => [row.Name, row]));
};

describe('runtimes', () => {
  it('says which work, found by trying, and takes no program for what it is not', async () => {
    const found = await rows();
    expect(found.crun).toMatchObject({
      State: 'works',
      Tested: true,
      Default: true,
      LimitsAndTerminals: false,
    });
    expect(found.runc).toMatchObject({
      State: 'works',
      Tested: true,
      Default: false,
      LimitsAndTerminals: true,
    });
    expect(found.runc!.Version).toMatch(/^\d+\.\d+/);
    // runc under another name is not gVisor, and what starts nothing is no runtime.
    expect(found.runsc).toMatchObject({ State: 'does not work' });
    expect(found.runsc!.Detail).toContain('is not runsc: it says "runc version');
    expect(found.youki).toMatchObject({ State: 'does not work', Version: '9.9', Tested: false });
    expect(found.youki!.Detail).toContain('started nothing');
    expect(found['kata-runtime']).toMatchObject({ State: 'not installed', Tested: false });
    expect(found.firecracker!.State).toBe('no runtime');
    expect(found.runnc!.Detail).toContain('unikernels');
    expect(found.chroot!.Detail).toContain('no OCI runtime');
    expect(found.unisolated).toMatchObject({ State: 'works' });
  });

  it('takes names and paths, and so do run and create', async () => {
    const path = join(programs, 'my-crun');
    expect((await rows(path))[path]).toMatchObject({ State: 'works' });
    expect((await rows('nowhere')).nowhere).toMatchObject({ State: 'not installed' });
    const ran = await box.run(['run', '--rm', '--runtime', path, 'base:1', 'echo', 'ran']);
    expect([ran.code, ran.stdout], ran.stderr).toEqual([0, 'ran\n']);
    await box.run(['create', '--name', 'made', '--runtime', 'crun', 'base:1', 'echo', 'started']);
    const started = await box.run(['start', '-a', 'made']);
    expect([started.code, started.stdout], started.stderr).toEqual([0, 'started\n']);
    const unknown = await box.run(['run', '--rm', '--runtime', 'nowhere', 'base:1', 'true']);
    expect(unknown.code).toBe(125);
    expect(unknown.stderr).toContain('no runtime nowhere in PATH');
  });

  it('prints a table, and by a template', async () => {
    expect((await box.run(['runtimes', 'runc'])).stdout).toMatch(
      /\/runc; for containers with limits or a terminal\n$/,
    );
    const info = (await box.run(['info'])).stdout;
    expect(info).toMatch(/^runtime {3}crun: .*\/crun$/m);
    expect(info).toMatch(/^ {10}runc, for containers with limits or a terminal: .*\/runc$/m);
    const table = await box.run(['runtimes', 'crun', 'firecracker']);
    expect(table.stdout).toMatch(
      /^RUNTIME +ISOLATION +STATE +VERSION +DETAIL\ncrun \* +shared kernel +works +/,
    );
    const named = await box.run(['runtimes', '--format', '{{.Name}}: {{.State}}', 'runc', 'firecracker']);
    expect(named.stdout).toBe('runc: works\nfirecracker: no runtime\n');
  });
});

describe.skipIf(!existsSync('/usr/bin/runsc'))('gVisor', () => {
  it('runs a program over another kernel, and keeps what it wrote', async () => {
    const script = 'uname -r; echo new > /new; exit 3';
    const ran = await box.run([
      'run',
      '--name',
      'proxied',
      '--runtime',
      'runsc',
      'base:1',
      'sh',
      '-c',
      script,
    ]);
    expect([ran.code, ran.stdout === `${release()}\n`], ran.stderr).toEqual([3, false]);
    expect((await box.run(['diff', 'proxied'])).stdout).toBe('A /new\n');
    await box.run(['commit', 'proxied', 'proxied:1']);
    const again = await box.run([
      'run',
      '--rm',
      '--network',
      'none',
      '--runtime',
      'runsc',
      'proxied:1',
      'cat',
      '/new',
    ]);
    expect([again.code, again.stdout], again.stderr).toEqual([0, 'new\n']);
    expect((await rows('/usr/bin/runsc'))['/usr/bin/runsc']).toMatchObject({ State: 'works', Tested: true });
  });
});
