import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFixture, type RuntimeFixture, traces } from './runtime-fixture.ts';

const sh = (script: string): string[] => ['/bin/sh', '-c', script];

/** What every executor must do; `seccomp` where the runtime filters system calls. */
export function describeExecutor(
  runtime: string,
  o: { readonly seccomp: boolean; readonly capabilities: string },
): void {
  describe(`executor ${runtime}`, () => {
    let at: RuntimeFixture;
    beforeAll(async () => {
      at = await openFixture(runtime);
    });
    afterAll(async () => {
      await at?.close();
    });

    it.each([0, 1, 7, 125, 137, 255])('passes on exit code %i', async (code) => {
      expect((await at.run(sh(`exit ${code}`))).exit.code).toBe(code);
    });
    it('gives 128 and the signal when the process kills itself', async () => {
      // The first process of a pid namespace is deaf to its own signals, so its child does it.
      expect((await at.run(sh('sh -c "kill -9 \\$\\$"; exit $?'))).exit.code).toBe(137);
    });
    it.each([
      [['nope'], 127, 'exec: "nope": executable file not found in $PATH'],
      [['/nope'], 127, 'exec: "/nope": stat /nope: no such file or directory'],
      [['/etc/passwd'], 126, 'exec: "/etc/passwd": permission denied'],
      [['/etc'], 126, 'exec: "/etc": is a directory'],
      [
        ['broken-script'],
        127,
        'exec: "/bin/broken-script": its interpreter "/bin/missing" is not in the image',
      ],
      [['/proc/self/exe'], 126, 'exec: "/proc/self/exe": a program in /proc is not started'],
    ] as const)('says why %j cannot be started', async (args, code, message) => {
      const { exit, stderr } = await at.run(args);
      expect([exit.code, stderr]).toEqual([code, `${message}\n`]);
    });
    it('refuses an empty command', () =>
      expect(at.run([])).rejects.toMatchObject({ code: 'RUNTIME_NO_COMMAND' }));
    it('refuses a user that the image does not know', () =>
      expect(at.run(['id'], { user: 'nobody' })).rejects.toMatchObject({ code: 'IMAGE_USER_UNKNOWN' }));
    it.each(['/proc/self/fd/3', '/proc', 'relative'])('refuses the working directory %s', (cwd) =>
      expect(at.run(['pwd'], { cwd })).rejects.toMatchObject({ code: 'RUNTIME_CWD' }),
    );
    it('refuses a bind of a source that is not there', () =>
      expect(
        at.run(['ls'], { binds: [{ source: '/nowhere/at/all', target: '/x', readOnly: false }] }),
      ).rejects.toMatchObject({ code: 'RUNTIME_BIND_SOURCE' }));

    it('starts a script with its arguments', async () => {
      expect((await at.run(['script', 'a b', '$HOME'])).stdout).toBe('script a b $HOME\n');
    });
    it('gives docker’s environment, the given variables last of a name', async () => {
      const { stdout } = await at.run(['env'], { env: ['A=1', 'B=x=y', 'A=2', 'odd'], user: 'app' });
      expect(stdout.trim().split('\n').sort()).toEqual([
        'A=2',
        'B=x=y',
        'HOME=/home/app',
        'HOSTNAME=box',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ]);
    });
    it('leaves PATH and HOME of the image alone', async () => {
      const { stdout } = await at.run(['env'], { env: ['PATH=/bin', 'HOME=/h'] });
      expect(stdout.trim().split('\n').sort()).toEqual(['HOME=/h', 'HOSTNAME=box', 'PATH=/bin']);
    });
    it('does not let the environment reach the programs that start the process', async () => {
      const env = ['LD_PRELOAD=/nowhere.so', 'NODE_OPTIONS=--throw', 'LC_ALL=xx'];
      expect((await at.run(['env'], { env })).stdout).toContain(
        'LD_PRELOAD=/nowhere.so\nNODE_OPTIONS=--throw\n',
      );
    });
    it('makes a missing working directory', async () => {
      const { stdout } = await at.run(sh('pwd; stat -c "%a %u" . ..'), { cwd: '/made/for/it/' });
      expect(stdout).toBe('/made/for/it\n755 0\n755 0\n');
    });
    it.each([
      ['', 'uid=0(root) gid=0(root) groups=0(root)'],
      ['app', 'uid=1000(app) gid=1001(app) groups=1001(app),10(wheel)'],
      ['1000', 'uid=1000(app) gid=1001(app) groups=1001(app),10(wheel)'],
      ['4321', 'uid=4321 gid=0(root) groups=0(root)'],
      ['app:wheel', 'uid=1000(app) gid=10(wheel) groups=10(wheel)'],
      ['5:6', 'uid=5 gid=6 groups=6'],
    ])('runs as user "%s"', async (user, want) => {
      const { stdout } = await at.run(['id'], { user });
      // busybox writes the groups with or without the primary one first.
      expect(stdout.trim().replace(/groups=(10\(wheel\)),(1001\(app\))/, 'groups=$2,$1')).toBe(want);
    });
    it('lets another user than root open its standard streams again', async () => {
      const { stdout, stderr } = await at.run(sh('echo one > /dev/stdout; echo two > /dev/stderr'), {
        user: 'app',
      });
      expect([stdout, stderr]).toEqual(['one\n', 'two\n']);
    });
    it('delivers a megabyte of output in order, to the byte', async () => {
      const { stdout } = await at.run(
        sh('i=0; while [ $i -lt 65536 ]; do printf "%015d\\n" $i; i=$((i+1)); done'),
      );
      const want = Array.from({ length: 65536 }, (_, i) => `${String(i).padStart(15, '0')}\n`).join('');
      const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
      expect([stdout.length, hash(stdout)]).toEqual([1048576, hash(want)]);
    });
    it('keeps the two streams apart', async () => {
      const { stdout, stderr } = await at.run(sh('echo out; echo err >&2; echo out2'));
      expect([stdout, stderr]).toEqual(['out\nout2\n', 'err\n']);
    });
    it('has nothing on standard input', async () => {
      expect((await at.run(sh('cat; echo end'))).stdout).toBe('end\n');
    });
    it('has its own processes, host name and message queues', async () => {
      const { stdout } = await at.run(sh('echo $$; hostname; ls /proc | grep -c "^[0-9]"'));
      const [pid, name, processes] = stdout.trim().split('\n');
      expect([pid, name]).toEqual(['1', 'box']);
      expect(Number(processes)).toBeLessThan(6);
    });
    it('shows only lo, switched on, without a network', async () => {
      const { stdout } = await at.run(sh('ls /sys/class/net; ip addr show lo; cat /etc/hosts'), {
        network: 'none',
      });
      expect(stdout).toMatch(/^lo\n1: lo: <LOOPBACK,UP/);
      expect(stdout).toContain('127.0.0.1/8');
      expect(stdout).toContain('127.0.0.1\tbox\n');
    });
    it('shows the host’s network otherwise', async () => {
      const { stdout } = await at.run(sh('cat /proc/net/dev | wc -l; cat /etc/resolv.conf'));
      const { readFileSync } = await import('node:fs');
      expect(stdout).toBe(
        `${readFileSync('/proc/net/dev', 'utf8').split('\n').length - 1}\n${readFileSync('/etc/resolv.conf', 'utf8')}`,
      );
    });
    it('has the default capabilities as root and none as another user', async () => {
      const read = async (user: string): Promise<string> => {
        const { stdout } = await at.run(['grep', 'Cap', '/proc/self/status'], { user });
        return stdout.replaceAll(/[\t ]+/g, ' ');
      };
      const all = o.capabilities;
      const none = '0000000000000000';
      const lines = (inh: string, prm: string, eff: string, bnd: string, amb: string): string =>
        `CapInh: ${inh}\nCapPrm: ${prm}\nCapEff: ${eff}\nCapBnd: ${bnd}\nCapAmb: ${amb}\n`;
      expect(await read('')).toBe(lines(none, all, all, all, none));
      expect(await read('app')).toBe(lines(none, none, none, all, none));
    });
    it(`${o.seccomp ? 'filters' : 'does not filter'} system calls`, async () => {
      const { stdout } = await at.run(['grep', 'Seccomp:', '/proc/self/status']);
      expect(stdout).toBe(`Seccomp:\t${o.seccomp ? 2 : 0}\n`);
    });
    it('hides and protects the kernel’s files', async () => {
      const script = [
        'cat /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null | wc -c',
        'ls /sys/firmware /proc/acpi 2>/dev/null | grep -v ":" | grep -c .',
        'for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /sys/power/state; do',
        '  (echo x > $f) 2>&1 | sed "s/.*: //"; done',
      ];
      expect((await at.run(sh(script.join('\n')))).stdout).toBe(
        `0\n0\n${'Read-only file system\n'.repeat(3)}`,
      );
    });
    it('has the usual devices, and they work', async () => {
      const script =
        'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; ls /dev; echo y > /dev/shm/f; ls /dev/pts';
      const { stdout } = await at.run(sh(script));
      expect(
        stdout
          .trim()
          .split('\n')
          .filter((name) => name !== 'core'),
      ).toEqual([
        ...['3', '3', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm'],
        ...['stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero', 'ptmx'],
      ]);
    });
    it('starts with signals at their defaults and umask 022', async () => {
      const { stdout } = await at.run(sh('grep SigIgn /proc/self/status; umask'));
      expect(stdout).toBe('SigIgn:\t0000000000000000\n0022\n');
    });
    it('shows folders and files of the host', async () => {
      const source = join(at.folder, 'shown');
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, 'a'), 'from the host\n');
      const { stdout } = await at.run(
        sh('cat /new/place/a /one; echo w > /new/place/b; (echo w > /one) 2>&1'),
        {
          binds: [
            { source, target: '/new/place', readOnly: false },
            { source: join(source, 'a'), target: '/one', readOnly: true },
          ],
        },
      );
      expect(stdout).toMatch(/^from the host\nfrom the host\n.*Read-only file system\n$/);
    });
    it('has no descriptor but the standard ones', async () => {
      const { stdout } = await at.run(sh('exec ls /proc/self/fd'));
      // 3 is the folder that ls itself reads.
      expect(stdout).toBe('0\n1\n2\n3\n');
    });
    it('ends processes left in the background with the first one', async () => {
      // Longer than a test may take.
      expect((await at.run(sh('sleep 1000 & echo started'))).stdout).toBe('started\n');
    });
    it('ends at an abort, with the abort’s reason', async () => {
      const abort = new AbortController();
      const running = at.run(sh('echo up; sleep 1000'), {}, abort.signal);
      setTimeout(() => abort.abort(new Error('enough')), 300);
      await expect(running).rejects.toThrow('enough');
      expect((await at.run(['true'])).exit.code).toBe(0);
    });
    it('runs several at once', async () => {
      const runs = ['a', 'b', 'c'].map((name) => at.run(sh(`echo ${name}; sleep 0.2; echo ${name}`)));
      expect((await Promise.all(runs)).map(({ stdout }) => stdout)).toEqual(['a\na\n', 'b\nb\n', 'c\nc\n']);
    });
    it('runs a row of processes that follow each other, each as it was asked for', async () => {
      const row = { mayBeFollowed: true } as const;
      expect((await at.run(sh('echo first'), row)).stdout).toBe('first\n');
      expect((await at.run(sh('id -u; echo to >/dev/stdout'), { ...row, user: '1234' })).stdout).toBe(
        '1234\nto\n',
      );
      expect((await at.run(['nope'], row)).exit.code).toBe(127);
      expect((await at.run(sh('exit 3'), row)).exit.code).toBe(3);
      // More than a pipe holds: it is started anew.
      const env = Array.from({ length: 700 }, (_, at) => `V${at}=${'x'.repeat(100)}`);
      expect((await at.run(sh('echo $V699'), { ...row, env })).stdout).toBe(`${'x'.repeat(100)}\n`);
      const both = ['a', 'b'].map((name) => at.run(sh(`sleep 0.1; echo ${name}`), row));
      expect((await Promise.all(both)).map(({ stdout }) => stdout)).toEqual(['a\n', 'b\n']);
    });
    it('leaves nothing outside while it lives, and nothing at all after', async () => {
      await at.run(['true']);
      expect(traces(at.folder)).toMatchObject({ mounts: [], cgroups: [] });
      await at.keeper.close();
      expect(traces(at.folder)).toEqual({ mounts: [], processes: [], cgroups: [] });
    });
  });
}
