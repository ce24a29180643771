import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

/** docker's fourteen (moby, daemon/pkg/oci/caps/defaults.go), by the kernel's numbers. */
const DOCKER = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

describe.each([
  ['root', 'crun'],
  ['a user', 'crun'],
  ['root', 'runc'],
  ['a user', 'runc'],
  ['root', 'chroot'],
  ['a user', 'chroot'],
])('a container of %s over %s', (who, runtime) => {
  let box: Sandbox;
  useBox(runtime, who, (made) => {
    box = made;
  });
  /** What the script prints, its errors too. */
  const inside = async (script: string, ...options: string[]): Promise<string> => {
    const { code, stdout, stderr } = await box.run([
      'run',
      '--rm',
      ...options,
      'base:1',
      'sh',
      '-c',
      `exec 2>&1; ${script}`,
    ]);
    expect([code, stderr], script).toEqual([0, '']);
    return stdout;
  };
  const status = async (name: string, ...options: string[]): Promise<string> =>
    (await inside(`grep ^${name}: /proc/self/status | cut -f2`, ...options)).trim();

  it("has docker's capabilities, and another user than root has none", async () => {
    const wanted = DOCKER.reduce((set, number) => set | (1n << BigInt(number)), 0n);
    for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
      expect(BigInt(`0x${await status(set)}`), set).toBe(wanted);
    for (const set of ['CapInh', 'CapAmb']) expect(BigInt(`0x${await status(set)}`), set).toBe(0n);
    expect(BigInt(`0x${await status('CapEff', '-u', '1000')}`)).toBe(0n);
    // Numbers are ids, also where a user of such a name could be made.
    expect(await inside('id -u; id -g', '-u', '0123:00')).toBe('123\n0\n');
    const big = await box.run(['run', '--rm', '-u', '4294967296', 'base:1', 'true']);
    expect(big.stderr).toContain('out of range');
    expect(big.code).toBe(125);
  });

  it('sees its own processes only, and ends with them', async () => {
    expect(Number((await inside('ls -d /proc/[0-9]* | wc -l')).trim())).toBeLessThan(8);
    expect(await inside('readlink /proc/1/exe; echo $$')).toMatch(/^\/bin\/busybox\n1\n$/);
    expect(
      await inside(
        `for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; done | grep -c 'dobos[.]js' || true`,
      ),
    ).toBe('0\n');
    expect(await inside(`kill -0 ${process.pid} || echo none`)).toContain('none');
  });

  it('cannot mount, make namespaces that would let it, or open the machine by devices', async () => {
    const script =
      'mount -t tmpfs x /tmp && echo BAD; mount -t proc x /proc && echo BAD; mount -o remount,rw /proc/sys && echo BAD; umount /proc/sys && echo BAD; umount -l /proc && echo BAD; ' +
      'unshare -m true && echo BAD; mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk && echo BAD; mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem && echo BAD; ' +
      'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg && echo BAD; ls /dev/kmsg /dev/mem /dev/sda && echo BAD; mkdir /tmp/r; chroot /tmp/r true && echo BAD; echo end';
    const said = await inside(script);
    expect(said).not.toContain('BAD');
    expect(said).toContain('end');
    const known =
      'console core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' ');
    const devices = (await inside('ls /dev')).trim().split('\n');
    expect(devices.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('cannot change or read what the machine has in /proc and /sys', async () => {
    const paths = [
      '/proc/sys/kernel/hostname',
      '/proc/sys/kernel/core_pattern',
      '/proc/sysrq-trigger',
      '/proc/irq/default_smp_affinity',
      '/sys/kernel/mm/ksm/run',
      '/sys/fs/cgroup/cgroup.procs',
      '/sys/kernel/uevent_helper',
    ];
    const said = await inside(
      `${paths.map((path) => `echo 1 > ${path} && echo BAD ${path}`).join('; ')}; echo end`,
    );
    expect(said).not.toContain('BAD');
    for (const path of [
      '/proc/kcore',
      '/proc/keys',
      '/proc/timer_list',
      '/proc/sched_debug',
      '/proc/latency_stats',
    ]) {
      expect(await inside(`test -e ${path} && head -c 1 ${path} | wc -c || echo 0`), path).toMatch(
        /^0\n(?:0\n)?$/,
      );
    }
    for (const path of [
      '/proc/acpi',
      '/proc/scsi',
      '/sys/firmware',
      '/sys/fs/selinux',
      '/sys/devices/virtual/powercap',
    ]) {
      expect(await inside(`ls -A ${path} 2> /dev/null | wc -l`), path).toBe('0\n');
    }
  });

  it('has no way to other files of the machine', async () => {
    const secret = join(box.folder, 'secret');
    writeFileSync(secret, 'of the host');
    const up = '../'.repeat(40);
    const said = await inside(
      [
        secret,
        `${up}${secret}`,
        `/proc/1/root${secret}`,
        `/proc/1/cwd/${up}${secret}`,
        `/proc/self/fd/3/${up}${secret}`,
        `/dev/fd/4/${up}${secret}`,
      ]
        .map((path) => `cat ${path}`)
        .join('; ')
        .concat('; ls -l /proc/self/fd | grep -c "/store" ; true'),
    );
    expect(said).not.toContain('of the host');
    expect(said).toMatch(/\n0\n$/);
    expect(await inside(`ls -A ${box.folder} 2>/dev/null | wc -l`)).toBe('0\n');
  });

  it('a folder shown by -v is that folder and no more, whatever `..` and links are in it', async () => {
    const home = join(box.folder, 'home');
    mkdirSync(join(home, 'shown'), { recursive: true });
    const { uid, gid } = lstatSync(box.folder);
    chownSync(join(home, 'shown'), uid, gid);
    writeFileSync(join(home, 'beside'), 'of the host');
    expect(
      await inside('cat /h/../beside /h/../home/beside; ls -A /h | wc -l', '-v', `${home}/shown/../shown:/h`),
    ).toMatch(/0\n$/);
    expect(
      await inside('ln -s ../beside /h/l; cat /h/l || echo none; rm /h/l', '-v', `${home}/shown:/h`),
    ).toContain('none');
    expect(await inside('ls -d /y; ls /x; true', '-v', `${home}/shown:/x/../y`)).toContain('/y\n');
    expect(readdirSync(join(home, 'shown'))).toEqual([]);
    expect(readFileSync(join(home, 'beside'), 'utf8')).toBe('of the host');
  });

  if (runtime !== 'chroot') {
    it('has a filter of system calls', async () => {
      expect(await status('Seccomp')).toBe('2');
      expect(await inside('unshare -U true && echo BAD; true')).not.toContain('BAD');
      expect(await inside('keyctl 2>/dev/null; dmesg > /dev/null && echo BAD; true')).not.toContain('BAD');
    });
  }
});
