import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

describe.each([
  ['root', 'crun'],
  ['root', 'chroot'],
  ['a user', 'crun'],
  ['a user', 'chroot'],
])('options of a container of %s over %s', (who, runtime) => {
  let box: Sandbox;
  useBox(runtime, who, (made) => {
    box = made;
  });
  const inside = async (script: string, ...options: string[]): Promise<string> => {
    const words = ['run', '--rm', ...options, 'base:1', 'sh', '-c', script];
    const { code, stdout, stderr } = await box.run(words);
    expect([code, stderr], words.join(' ')).toEqual([0, '']);
    return stdout;
  };

  it('give and take capabilities', async () => {
    // capability.h: CHOWN is 0, NET_BIND_SERVICE 10, NET_ADMIN 12.
    const look = 'grep CapEff /proc/self/status | cut -f2';
    const docker = 0xa80425fbn;
    const of = async (...options: string[]): Promise<bigint> =>
      BigInt(`0x${(await inside(look, ...options)).trim()}`);
    expect(await of()).toBe(docker);
    expect(await of('--cap-drop', 'ALL')).toBe(0n);
    expect(await of('--cap-drop', 'all', '--cap-add', 'chown', '--cap-add', 'CAP_NET_BIND_SERVICE')).toBe(
      1025n,
    );
    expect(await of('--cap-add', 'NET_ADMIN')).toBe(docker | (1n << 12n));
    expect(await of('--cap-drop', 'cap_chown')).toBe(docker - 1n);
    const all = await of('--cap-add', 'ALL');
    expect(all & docker).toBe(docker);
    expect((all >> 21n) & 1n).toBe(1n);
    expect(await of('--cap-add', 'ALL', '--cap-drop', 'SYS_ADMIN')).toBe(all - (1n << 21n));
    expect(await of('--privileged')).toBe(all);
    expect(await inside('mount -t tmpfs x /var && echo mounted', '--cap-add', 'SYS_ADMIN')).toBe('mounted\n');
  });

  it('take rights away that programs could get', async () => {
    const look = 'grep NoNewPrivs /proc/self/status | cut -f2';
    expect(await inside(look)).toBe('0\n');
    expect(await inside(look, '--security-opt', 'no-new-privileges')).toBe('1\n');
    expect(await inside(look, '--security-opt', 'no-new-privileges:true')).toBe('1\n');
    const script =
      'touch /f 2>/dev/null || echo no; touch /dev/shm/f /w/f && echo yes; mount | grep -c " / .*[(,]ro" ';
    expect(await inside(script, '--read-only', '--tmpfs', '/w')).toBe('no\nyes\n1\n');
    expect(await inside('cat /proc/timer_list | wc -l; ls /sys/firmware | wc -l')).toBe('0\n0\n');
  });

  it('are those of programs that join the container too', async () => {
    const options = ['--group-add', '99', '-u', '5:6', '--ulimit', 'nofile=77', '--oom-score-adj', '500'];
    const made = await box.run(['run', '-d', '--name', 'joined', ...options, 'base:1', 'sleep', '10000']);
    expect([made.code, made.stderr]).toEqual([0, '']);
    const look = 'id -G; ulimit -n; cat /proc/self/oom_score_adj';
    const joined = await box.run(['exec', 'joined', 'sh', '-c', look]);
    expect([joined.stderr, joined.stdout]).toEqual(['', '6 99\n77\n500\n']);
    expect(await box.run(['rm', '-f', 'joined'])).toMatchObject({ code: 0 });
  });

  it('name groups, hosts, servers, files, limits', async () => {
    expect(await inside('id -G', '--group-add', '99', '-u', '5:6')).toBe('6 99\n');
    expect(await inside('cat /etc/hosts', '--add-host', 'db:10.1.2.3')).toContain('10.1.2.3\tdb\n');
    expect(
      await inside(
        'cat /etc/resolv.conf',
        '--dns',
        '9.9.9.9',
        '--dns-search',
        'a.b',
        '--dns-option',
        'ndots:2',
      ),
    ).toBe('nameserver 9.9.9.9\nsearch a.b\noptions ndots:2\n');
    expect(
      await inside('ulimit -n; df /dev/shm | tail -1', '--ulimit', 'nofile=77', '--shm-size', '3m'),
    ).toMatch(/^77\nshm|^77\ntmpfs +3072 /);
    expect(await inside('cat /proc/sys/fs/mqueue/msg_max', '--sysctl', 'fs.mqueue.msg_max=9')).toBe('9\n');
    const domain = ['run', '--rm', '--domainname', 'dom', 'base:1', 'cat', '/proc/sys/kernel/domainname'];
    const named = await box.run(domain);
    if (who === 'root') expect(named.stdout).toBe('dom\n');
    else expect(named.stderr).toContain('only root can give one');
    expect(await inside('cat /proc/self/oom_score_adj', '--oom-score-adj', '500')).toBe('500\n');
    const env = join(box.folder, 'env');
    writeFileSync(env, '# none\n\nA=1\nB=of the file\nSANDBOX\nNOT_SET\n');
    expect(await inside('echo $A $B $SANDBOX $NOT_SET', '--env-file', env, '-e', 'A=2')).toBe(
      `2 of the file ${box.folder}\n`,
    );
    const labels = join(box.folder, 'labels');
    writeFileSync(labels, 'x=1\ny\n');
    const cid = join(box.folder, 'home', 'cid');
    const words = [
      'create',
      '--name',
      'told',
      '--label-file',
      labels,
      '--cidfile',
      cid,
      '--stop-signal',
      'USR1',
      '--stop-timeout',
      '3',
      'base:1',
      'true',
    ];
    const { stdout } = await box.run(words);
    expect(readFileSync(cid, 'utf8')).toBe(stdout.trim());
    expect((await box.run([...words.slice(0, 2), 'again', ...words.slice(3)])).stderr).toContain(
      'container ID file found',
    );
    const facts = JSON.parse((await box.run(['inspect', 'told'])).stdout) as { Config: object }[];
    expect(facts[0]!.Config).toMatchObject({ Labels: { x: '1', y: '' }, StopSignal: 'USR1', StopTimeout: 3 });
  });

  if (runtime !== 'chroot') {
    it('change the filter of system calls', async () => {
      const look =
        'grep Seccomp: /proc/self/status | cut -f2; unshare -U true 2>/dev/null && echo yes || echo no';
      expect(await inside(look)).toBe('2\nno\n');
      expect(await inside(look, '--security-opt', 'seccomp=unconfined')).toBe('0\nyes\n');
      const profile = join(box.folder, 'profile.json');
      const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 };
      const skipped = { names: ['read'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_ADMIN'] } };
      writeFileSync(
        profile,
        JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', archMap: [], syscalls: [rule, skipped] }),
      );
      expect(
        await inside('mkdir /x 2>&1 || unshare -U echo yes', '--security-opt', `seccomp=${profile}`),
      ).toMatch(/Operation not permitted\nyes\n$/);
      // As a shell's <(…) is: there is nothing in it a second time.
      const pipe = join(box.folder, 'profile.pipe');
      execFileSync('mkfifo', ['-m', '666', pipe]);
      const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', profile, pipe], { stdio: 'ignore' });
      const refused = await inside('mkdir /x 2>&1 || echo no', '--security-opt', `seccomp=${pipe}`);
      expect(refused).toMatch(/Operation not permitted\nno\n$/);
      expect(writer.exitCode).toBe(0);
    });
  }

  // Before anything runs: one of each is enough.
  if ((who === 'root') === (runtime === 'crun')) {
    it.each([
      [['--cap-add', 'foo'], 'unknown capability: "CAP_FOO"'],
      [['--cap-drop', 'CAP_NOPE'], 'unknown capability: "CAP_NOPE"'],
      [['--security-opt', 'foo'], 'invalid --security-opt'],
      [['--security-opt', 'apparmor=docker-default'], 'no AppArmor profile is put on containers here'],
      [['--security-opt', 'seccomp=/none'], 'opening seccomp profile (/none) failed: ENOENT'],
      [['--sysctl', 'kernel.foo=1'], "sysctl 'kernel.foo=1' is not whitelisted"],
      [['--sysctl', 'net/../kernel.x=1'], 'is not whitelisted'],
      [['--sysctl', 'net.ipv4.ip_forward=1'], 'not allowed in host network namespace'],
      [['--dns', 'foo'], 'foo is not an ip address'],
      [['--add-host', 'foo:bar'], 'invalid IP address in add-host: "bar"'],
      [['--label-file', '/nope'], 'open /nope: no such file or directory'],
      [['--stop-signal', 'foo'], '"foo" is no signal'],
      [['--stop-timeout', 'x'], 'invalid number of seconds'],
      [['--device', '/nope'], 'error gathering device information while adding custom device "/nope"'],
      [['--device', '/etc/passwd'], 'is not a device node'],
      [['--oom-score-adj', '5000'], 'range for oom score adj is [-1000, 1000]'],
      [['--userns', 'foo'], 'invalid USER mode'],
      [['--pid', 'host'], 'a container has a namespace of its own'],
      [['--shm-size', 'x'], 'invalid size'],
      [['--ulimit', 'nofile=5:1'], 'ulimit soft limit must be less than or equal to hard limit: 5 > 1'],
      [['--health-cmd', 'true'], '--health-cmd'],
      [['-m', '1m'], 'minimum memory limit allowed is 6MB'],
      [['--name', '-x'], '-x'],
      [['--restart', 'maybe'], "unknown policy 'maybe'"],
      [['--network', 'nope'], 'network nope not found'],
      [['-p', 'x'], 'port "x"'],
      [['-v', '/a:b:c:d'], '/a:b:c:d'],
      [['-v', 'x!:/a'], 'x!'],
      [['--tmpfs', '/a', '--tmpfs', '/a'], 'Duplicate mount point: /a'],
      [['--mount', 'type=nope,dst=/a'], 'nope'],
      [['--cidfile', '/etc/passwd'], 'container ID file found'],
    ])('%s is refused with 125, before an image is pulled for it', async (options, words) => {
      const cid = join(box.folder, 'never');
      const first = options[0] === '--cidfile' ? [] : ['--cidfile', cid];
      for (const verb of ['run', 'create']) {
        const { code, stderr } = await box.run([verb, ...first, ...options, '127.0.0.1:1/none', 'true']);
        expect(stderr).toContain(words);
        expect(stderr).not.toContain('127.0.0.1:1');
        expect(code).toBe(125);
      }
      expect(existsSync(cid)).toBe(false);
    });

    it('a group that the image does not have is refused with 125', async () => {
      const { code, stderr } = await box.run(['run', '--rm', '--group-add', 'nope', 'base:1', 'true']);
      expect(stderr).toContain('group nope is not in /etc/group');
      expect(code).toBe(125);
    });
  }
});
