import { describe, expect, it } from 'vitest';
import { machineTraces, type Sandbox, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

/** The waits between runs come to seconds: whoever looks all the time takes the machine from others. */
const LOOK_EVERY_MS = 200;

interface Inspected {
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly Restarting: boolean;
    readonly ExitCode: number;
    readonly Error: string;
  };
  readonly HostConfig: { readonly RestartPolicy: { Name: string; MaximumRetryCount: number } };
}

describe.each([
  ['crun', 'root'],
  ['chroot', 'an ordinary user'],
])('containers that are started again over %s by %s', (runtime, who) => {
  let box: Sandbox;
  const told = useBox(runtime, who, (made) => {
    box = made;
  });
  const inspected = async (name: string): Promise<Inspected> =>
    (JSON.parse(await told('inspect', name)) as [Inspected])[0];
  const waiting = async (name: string): Promise<Inspected> => {
    for (;;) {
      const now = await inspected(name);
      // Then it waits for most of the time.
      if (now.State.Restarting && now.RestartCount >= 5) return now;
      await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
    }
  };
  const failing = ['base:1', 'sh', '-c', 'echo once; exit 3'];

  it('after failures, as often as was asked for, with one log', async () => {
    await told('run', '-d', '--restart', 'on-failure:3', '--name', 'fails', ...failing);
    expect(await told('wait', 'fails')).toBe('3\n');
    expect(await inspected('fails')).toMatchObject({
      RestartCount: 3,
      State: { Status: 'exited', Running: false, Restarting: false, ExitCode: 3 },
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    });
    expect(await told('logs', 'fails')).toBe('once\n'.repeat(4));
    expect(await until(() => box.processes().length === 0)).toBe(true);

    await told('start', 'fails');
    const following = await box.run(['logs', '-f', 'fails']);
    expect(following.stdout).toBe('once\n'.repeat(8));
    expect((await inspected('fails')).RestartCount).toBe(3);

    await told('run', '-d', '--restart', 'on-failure', '--name', 'succeeds', 'base:1', 'true');
    expect(await told('wait', 'succeeds')).toBe('0\n');
    expect((await inspected('succeeds')).RestartCount).toBe(0);
    await told('rm', 'fails', 'succeeds');
  });

  it('always, until they are stopped or removed while they wait', async () => {
    await told('create', '--restart', 'always', '--name', 'ever', ...failing);
    await told('start', 'ever');
    expect((await waiting('ever')).State).toMatchObject({ Status: 'restarting', Running: true, ExitCode: 3 });
    const shown = ['ps', '--filter', 'status=restarting', '--format', '{{.Names}} {{.State}} {{.Status}}'];
    for (let row = ''; !/^ever restarting Restarting \(3\) .+ ago\n$/.test(row); row = await told(...shown));
    // Whether it waits or runs just now.
    expect((await box.run(['rm', 'ever'])).stderr).toContain('cannot be removed');
    expect(await told('container', 'prune')).not.toContain('Deleted');
    await told('start', 'ever');
    const exec = ['exec', 'ever', 'true'];
    for (let said = ''; !said.includes('it is restarting'); said = (await box.run(exec)).stderr);
    await waiting('ever');
    await told('stop', 'ever');
    expect(await until(() => box.processes().length === 0)).toBe(true);
    expect((await inspected('ever')).State).toMatchObject({ Status: 'exited', Running: false });

    await told('start', 'ever');
    await waiting('ever');
    await told('rm', '-f', 'ever');
    expect(await until(() => box.processes().length === 0)).toBe(true);
    expect(await told('ps', '-aq')).toBe('');
    expect(machineTraces(box)).toEqual({ mounts: [], cgroups: [], states: [] });
  });

  it('not once they were killed or stopped while they ran', async () => {
    const endless = ['base:1', 'sh', '-c', 'trap "exit 5" TERM HUP; echo ready; while :; do sleep 0.1; done'];
    const ready = async (name: string): Promise<void> => {
      for (let said = ''; said !== 'ready\n'; said = (await box.run(['logs', name])).stdout);
    };
    for (const [name, code, ...words] of [
      ['killed', '137', 'kill'],
      ['told', '5', 'kill', '-s', 'HUP'],
      ['stopped', '5', 'stop'],
    ] as const) {
      await told('run', '-d', '--restart', 'unless-stopped', '--name', name, ...endless);
      await ready(name);
      await told(...words, name);
      expect(await told('wait', name), name).toBe(`${code}\n`);
      expect(await until(() => box.processes().length === 0)).toBe(true);
      expect(await inspected(name)).toMatchObject({ RestartCount: 0, State: { Status: 'exited' } });
      await told('rm', name);
    }
    // Another signal than its own for stopping is no end.
    await told('run', '-d', '--restart', 'always', '--stop-signal', 'TERM', '--name', 'again', ...endless);
    await ready('again');
    await told('kill', '-s', 'HUP', 'again');
    for (let said = ''; said !== 'ready\nready\n'; said = await told('logs', 'again'));
    expect(await inspected('again')).toMatchObject({ RestartCount: 1, State: { Status: 'running' } });
    await told('rm', '-f', 'again');
  });

  it('in the background after their first run in the foreground, unless a signal ended that', async () => {
    const first = await box.run(['run', '--restart', 'on-failure:2', '--name', 'front', ...failing]);
    expect([first.code, first.stdout, first.stderr]).toEqual([3, 'once\n', '']);
    expect(await told('wait', 'front')).toBe('3\n');
    expect((await inspected('front')).RestartCount).toBe(2);
    expect(await told('logs', 'front')).toBe('once\n'.repeat(2));

    const script = 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const run = box.start(['run', '--restart', 'always', '--name', 'ended', 'base:1', 'sh', '-c', script]);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(5);
    expect((await inspected('ended')).State).toMatchObject({ Status: 'exited', ExitCode: 5 });
    await told('rm', 'front', 'ended');
  });

  it('not when what was to do that is killed; and what cannot be, is said', async () => {
    await told('create', '--restart', 'always', '--name', 'orphan', ...failing);
    for (let code = 137; code === 137; ) {
      await told('start', 'orphan');
      await waiting('orphan');
      const supervisor = box.processes().find((line) => line.includes('supervisor-worker'))!;
      process.kill(Number.parseInt(supervisor, 10), 'SIGKILL');
      expect(await until(() => box.processes().length === 0)).toBe(true);
      const { State } = await inspected('orphan');
      code = State.ExitCode;
      // On a busy machine it may have run again just then.
      if (code !== 137) {
        expect(State).toMatchObject({
          Status: 'exited',
          ExitCode: 3,
          Error: 'what was to start it again is gone',
        });
      }
    }
    await told('rm', 'orphan');
    const both = await box.run(['run', '--rm', '--restart', 'always', 'base:1', 'true']);
    expect([both.code, both.stderr]).toEqual([
      125,
      expect.stringContaining('conflicting options: --restart and --rm'),
    ]);
    const wrong = await box.run(['run', '-d', '--restart', 'often', 'base:1', 'true']);
    expect([wrong.code, wrong.stderr]).toEqual([125, expect.stringContaining("unknown policy 'often'")]);
    expect(await told('ps', '-aq')).toBe('');
  });
});
