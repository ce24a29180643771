import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientTask, clientProgram } from './runtime-client.ts';

const UTIL_LINUX = ['/usr/bin/unshare', '/usr/bin/setpriv'];
let folder: string;
let bare: string;
let hidden: string;

/** A root that holds Node, util-linux's two programs and the built library, and nothing else: no shell, no runtime. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-bare-'));
  bare = join(folder, 'root');
  hidden = join(folder, 'bin');
  mkdirSync(hidden);
  for (const program of UTIL_LINUX) symlinkSync(program, join(hidden, program.split('/').at(-1)!));
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc', 'work/node_modules'])
    mkdirSync(join(bare, name), { recursive: true });
  for (const program of [process.execPath, ...UTIL_LINUX, '/usr/bin/busybox']) {
    const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
    for (const path of [program, ...(stdout.match(/\/\S+/g) ?? [])]) {
      mkdirSync(join(bare, dirname(path)), { recursive: true });
      if (!path.endsWith(':')) copyFileSync(path, join(bare, path));
    }
  }
  cpSync('dist', join(bare, 'work/dist'), { recursive: true });
  writeFileSync(join(bare, 'work/package.json'), '{"type":"module"}');
  for (const name of ['koffi', '@koromix', '@cloudpss']) {
    cpSync(resolve('node_modules', name), join(bare, 'work/node_modules', name), { recursive: true });
  }
  for (const [name, minor] of [
    ['null', 3],
    ['zero', 5],
    ['random', 8],
    ['urandom', 9],
  ] as const) {
    execFileSync('mknod', ['-m', '666', join(bare, 'dev', name), 'c', '1', String(minor)]);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('a machine without an OCI runtime', () => {
  it('falls back to the chroot executor and says so', () => {
    const task: ClientTask = {
      storeFolder: join(folder, 'store'),
      runtime: 'auto',
      commands: ['id; exit 3'],
    };
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', clientProgram(), JSON.stringify(task)],
      { encoding: 'utf8', env: { PATH: hidden } },
    );
    expect(stderr).toBe('');
    expect(lines(stdout)).toEqual([
      { executor: { name: 'chroot', detail: 'no seccomp filter; no OCI runtime in PATH' } },
      { code: 3, stdout: 'uid=0(root) gid=0(root) groups=0(root)\n', stderr: '' },
    ]);
  });
  it('says which runtime is missing when one is named', () => {
    const task: ClientTask = { storeFolder: join(folder, 'store'), runtime: 'runc', commands: [] };
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', clientProgram(), JSON.stringify(task)],
      { encoding: 'utf8', env: { PATH: hidden } },
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('no runtime runc in PATH');
  });
  it('names the program that util-linux should bring', () => {
    const task: ClientTask = { storeFolder: join(folder, 'store'), runtime: 'auto', commands: [] };
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', clientProgram(), JSON.stringify(task)],
      { encoding: 'utf8', env: { PATH: '/nowhere' } },
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain('RUNTIME_PROGRAM_MISSING');
  });
});

/** Node in the chroot, in a mount namespace where the place is shared, as on a machine with systemd; then `after` looks at that namespace. */
function inChroot(task: ClientTask, after: string): string[] {
  const script = [
    'set -e; mount --make-rshared /; mount -t proc proc "$1/proc"',
    'chroot "$1" "$2" --input-type=module -e "$3" "$4" & client=$!',
    after,
    'echo; echo "mounts: $(grep -c "$1/tmp" /proc/self/mountinfo)"',
  ].join('\n');
  return [
    ...['--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--', 'sh', '-c', script, 'sh'],
    ...[bare, process.execPath, clientProgram('/work/dist'), JSON.stringify(task)],
  ];
}
const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', MARK: 'bare' };

describe('in a plain chroot, where / is no mount', () => {
  it('runs and commits, without the right to change the root', () => {
    const task: ClientTask = {
      storeFolder: '/tmp/store',
      runtime: 'auto',
      commands: ['id; echo x > /made; grep CapEff /proc/self/status', 'cat /made; chroot /bin /busybox'],
    };
    const { stdout, stderr } = spawnSync('unshare', inChroot(task, 'wait $client'), {
      encoding: 'utf8',
      env,
    });
    expect(stderr).toBe('');
    const [first, ...rest] = stdout.split('\n\n')[0]!.split('\n');
    expect(lines(first!)).toMatchObject([{ executor: { name: 'chroot' } }]);
    expect(lines(rest.join('\n'))).toEqual([
      { code: 0, stdout: 'uid=0(root) gid=0(root) groups=0(root)\nCapEff:\t00000000a80025fb\n', stderr: '' },
      { code: 1, stdout: 'x\n', stderr: expect.stringContaining('Operation not permitted') as string },
    ]);
    expect(stdout).toMatch(/mounts: 0\n$/);
  });
  it('leaves no mount outside when it is killed, though the place is shared', async () => {
    const task: ClientTask = { storeFolder: '/tmp/store', runtime: 'chroot', commands: ['sleep 100'] };
    const child = spawn('unshare', inChroot(task, 'sleep 3; kill -9 $client; sleep 0.5'), { env });
    let stdout = '';
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += String(bytes);
    });
    await once(child, 'close');
    expect(stdout).toMatch(/"chroot"[\s\S]*mounts: 0\n$/);
  });
});
