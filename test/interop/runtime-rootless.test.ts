import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientTask, clientProgram } from './runtime-client.ts';

interface Result {
  readonly executor?: { readonly name: string; readonly detail: string };
  readonly code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly error?: string;
  readonly message?: string;
}

const USER = `dobos-rt-${process.pid}`;
let folder: string;
let ids: { uid: number; gid: number };

/** What each command gave, run by that user with the built library. */
function asUser(runtime: string, commands: readonly string[], over: object = {}): Result[] {
  const task: ClientTask = { storeFolder: join(folder, runtime), runtime, commands, over };
  const { stdout, stderr, status } = spawnSync(
    'setpriv',
    [
      ...['--reuid', String(ids.uid), '--regid', String(ids.gid), '--clear-groups', '--inh-caps=-all', '--'],
      ...[
        process.execPath,
        '--input-type=module',
        '-e',
        clientProgram(join(folder, 'dist')),
        JSON.stringify(task),
      ],
    ],
    { encoding: 'utf8', cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder } },
  );
  if (status !== 0) throw new Error(`client ended with ${status}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result);
}

beforeAll(() => {
  execFileSync('useradd', ['--no-create-home', USER]);
  const [, , uid, gid] = execFileSync('getent', ['passwd', USER], { encoding: 'utf8' }).split(':');
  ids = { uid: Number(uid), gid: Number(gid) };
  folder = mkdtempSync(join(tmpdir(), 'dobos-rootless-'));
  // The user may not be able to enter the checkout.
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['koffi', '@koromix', '@cloudpss']) {
    cpSync(resolve('node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  }
  execFileSync('chown', ['-R', `${ids.uid}:${ids.gid}`, folder]);
});
afterAll(() => {
  execFileSync('userdel', [USER]);
  rmSync(folder, { recursive: true, force: true });
});

describe.each(['runc', 'crun', 'chroot', 'auto'])('an ordinary user with runtime %s', (runtime) => {
  it('runs and commits steps as root of a namespace of their own', () => {
    const [first, ...results] = asUser(runtime, [
      'id; cat /proc/self/uid_map; grep CapEff /proc/self/status',
      'echo one > /made; chown 1000:1001 /made; stat -c "%u %g" /made',
      'cat /made; stat -c "%u %g" /made; ls -d /proc /etc/hosts',
      'exit 7',
    ]);
    expect(first?.executor?.name).toBe(runtime === 'auto' ? 'crun' : runtime);
    expect(results.map(({ code, stderr, error, message }) => [code, stderr, error, message])).toEqual([
      [0, '', undefined, undefined],
      [0, '', undefined, undefined],
      [0, '', undefined, undefined],
      [7, '', undefined, undefined],
    ]);
    expect(results[0]?.stdout).toMatch(/^uid=0\(root\) gid=0\(root\) groups=0\(root\)\n/);
    expect(results[0]?.stdout).toContain('CapEff:\t00000000a80425fb\n');
    expect(results[1]?.stdout).toBe('1000 1001\n');
    expect(results[2]?.stdout).toBe('one\n1000 1001\n/etc/hosts\n/proc\n');
  });
  it('runs as another user with its groups', () => {
    const results = asUser(runtime, ['id', 'echo x > /etc/passwd'], { user: 'app' });
    expect(results[1]?.stdout?.replace(/groups=(10\(wheel\)),(1001)/, 'groups=$2,$1')).toMatch(
      /^uid=1000\(app\) gid=1001 groups=1001,10\(wheel\)\n$/,
    );
    expect(results[2]).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Permission denied') as string,
    });
  });
  it('has only lo without a network', () => {
    expect(
      asUser(runtime, ['ls /sys/class/net; ip addr show lo | grep -c 127'], { network: 'none' })[1],
    ).toMatchObject({
      code: 0,
      stdout: 'lo\n1\n',
    });
  });
  it('cannot make or open devices, and does not see the host’s processes', () => {
    const results = asUser(runtime, ['(mknod /dev/kmsg2 c 1 11) 2>&1; ls /proc | grep -c "^[0-9]"']);
    expect(results[1]?.stdout).toMatch(/Operation not permitted\n[1-5]\n$/);
  });
});

describe('an ordinary user without lines in /etc/subuid', () => {
  it('is told that other users than root do not exist there', () => {
    const subuid = readFileSync('/etc/subuid', 'utf8');
    const subgid = readFileSync('/etc/subgid', 'utf8');
    const without = (text: string): string => text.replace(new RegExp(`^${USER}:.*\\n`, 'm'), '');
    try {
      writeFileSync('/etc/subuid', without(subuid));
      writeFileSync('/etc/subgid', without(subgid));
      expect(asUser('chroot', ['id'])[1]).toMatchObject({ code: 0 });
      expect(asUser('runc', ['id'])[1]).toMatchObject({ code: 0 });
      expect(asUser('chroot', ['id'], { user: 'app' })[1]).toMatchObject({ error: 'RUNTIME_UNMAPPED_ID' });
    } finally {
      writeFileSync('/etc/subuid', subuid);
      writeFileSync('/etc/subgid', subgid);
    }
  });
});
