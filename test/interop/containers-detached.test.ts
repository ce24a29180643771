import { mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineTraces, type Sandbox, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

const ID = /^[0-9a-f]{64}\n$/;

describe.each([
  ['runc', 'root'],
  ['crun', 'root'],
  ['chroot', 'root'],
  ['crun', 'an ordinary user'],
  ['chroot', 'an ordinary user'],
])('containers in the background over %s by %s', (runtime, who) => {
  let box: Sandbox;
  const told = useBox(runtime, who, (made) => {
    box = made;
  });
  const status = async (name: string): Promise<string> =>
    (await told('ps', '-a', '--filter', `name=${name}`, '--format', '{{.Status}}')).trim();
  const logged = async (name: string, text: string): Promise<void> => {
    for (let seen = ''; !seen.includes(text); seen = (await box.run(['logs', name])).stdout);
  };

  it('outlive the command that started them, with what they print and how they end', async () => {
    const script = 'trap "exit 7" TERM; echo one; echo wrong >&2; printf two; while :; do sleep 0.1; done';
    expect(await told('run', '-d', '--name', 'job', 'base:1', 'sh', '-c', script)).toMatch(ID);
    await logged('job', 'two');
    expect(await status('job')).toMatch(/^Up /);
    const following = box.start(['logs', '-f', 'job']);
    expect(await told('stop', 'job')).toBe('job\n');
    expect(await following.ended).toMatchObject({ code: 0, stdout: 'one\ntwo', stderr: 'wrong\n' });
    expect(await status('job')).toMatch(/^Exited \(7\)/);
    expect(await told('wait', 'job')).toBe('7\n');
    const timed = await box.run(['logs', '-t', '--tail', '3', 'job']);
    expect(timed.stdout).toMatch(/^\d{4}-\S+T\S+\d{9}Z one\n\S+Z two$/);
    expect(timed.stderr).toMatch(/^\S+Z wrong\n$/);
    expect(await told('logs', '--until', '1h', 'job')).toBe('');

    expect(await told('start', 'job')).toBe('job\n');
    expect(await told('start', 'job')).toBe('job\n');
    await logged('job', 'twoone\ntwo');
    expect((await box.run(['rm', 'job'])).stderr).toContain('is running, so it cannot be removed');
    expect(await told('rm', '-f', 'job')).toBe('job\n');
    expect(await told('ps', '-aq')).toBe('');
  });

  it('remove themselves, keep a name and files, and have an input that stays open', async () => {
    expect(await told('run', '-d', '--rm', '--name', 'gone', 'base:1', 'true')).toMatch(ID);
    while ((await told('ps', '-aq', '--filter', 'name=gone')) !== '');
    await told('run', '-d', '-i', '--name', 'waits', 'base:1', 'sh', '-c', 'echo x > /mine; echo ready; cat');
    await logged('waits', 'ready');
    expect(await status('waits')).toMatch(/^Up /);
    expect(await told('diff', 'waits')).toBe('A /mine\n');
    await told('rm', '-f', 'waits');
  });

  it('that cannot be started say why', async () => {
    const { code, stdout, stderr } = await box.run(['run', '-d', '--name', 'wrong', 'base:1', 'nosuch']);
    expect([code, stdout, stderr]).toEqual([
      127,
      expect.stringMatching(ID),
      expect.stringContaining('"nosuch": executable file not found'),
    ]);
    expect(await status('wrong')).toBe('Created');
    const again = await box.run(['start', 'wrong', 'nobody']);
    expect([again.code, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toContain('was not started: exec: "nosuch"');
    expect(again.stderr).toContain('no such container: nobody');
    await told('rm', 'wrong');
    const bad = await box.run(['run', '-d', '--name', 'bad', '-u', 'nobody', 'base:1', 'true']);
    expect([bad.code, bad.stderr]).toEqual([125, expect.stringContaining('nobody')]);
    await told('rm', 'bad');
  });

  it('have ended when their supervisor was killed, and leave nothing behind', async () => {
    await told('run', '-d', '--name', 'kept', 'base:1', 'sh', '-c', 'echo x > /mine; echo ready; sleep 100');
    await logged('kept', 'ready');
    const [{ State }] = JSON.parse(await told('inspect', 'kept')) as [{ State: { Status: string } }];
    expect(State.Status).toBe('running');
    const supervisor = box.processes().find((line) => line.includes('supervisor-worker'))!;
    process.kill(Number.parseInt(supervisor, 10), 'SIGKILL');
    expect(await until(() => box.processes().length === 0)).toBe(true);
    expect(await status('kept')).toMatch(/^Exited \(137\)/);
    expect(await told('logs', 'kept')).toBe('ready\n');
    expect(machineTraces(box)).toEqual({ mounts: [], cgroups: [], states: [] });
    expect(await told('diff', 'kept')).toBe('A /mine\n');
    expect(await told('system', 'check')).toContain('The store is whole');
    await told('rm', 'kept');
  });

  it('hold neither the terminal nor the folder of the command', async () => {
    const cwd = mkdtempSync(join(box.folder, 'cwd-'));
    const run = box.start(['run', '-d', '--name', 'free', 'base:1', 'sleep', '100'], { group: true, cwd });
    expect((await run.ended).code).toBe(0);
    const pids = box.processes().map((line) => String(Number.parseInt(line, 10)));
    const seen = pids.flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ session: Number(session), cwd: readlinkSync(`/proc/${pid}/cwd`) }];
      } catch {
        // What has started the program may end about now.
        return [];
      }
    });
    expect(seen.length).toBeGreaterThan(1);
    for (const each of seen) {
      expect(each.session).not.toBe(run.child.pid);
      expect(each.cwd).not.toBe(cwd);
    }
    await told('rm', '-f', 'free');
    expect(await until(() => box.processes().length === 0)).toBe(true);
  });
});
