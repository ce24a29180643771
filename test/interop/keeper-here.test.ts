import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineTraces, type Sandbox, type Started, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

const KEEPER = /keeper-worker/;

describe.each(['crun', 'runc'])('a command of root that is its own keeper, over %s', (runtime) => {
  let box: Sandbox;
  const told = useBox(runtime, 'root', (made) => {
    box = made;
  });
  /** Runs until its input ends. */
  const waiting = async (o: Parameters<Sandbox['start']>[1] = {}, ...words: string[]): Promise<Started> => {
    const args = ['run', '-i', '--rm', ...words, 'base:1', 'sh', '-c', 'echo runs; cat >/dev/null'];
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    const input = (async function* () {
      await over;
      yield Buffer.from('');
    })();
    const started = box.start(args, { ...o, input });
    let said = '';
    started.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('runs'))).toBe(true);
    ends.set(started, end);
    return started;
  };
  const ends = new Map<Started, () => void>();
  const finish = async (started: Started): Promise<void> => {
    ends.get(started)!();
    expect(await started.ended).toMatchObject({ code: 0, stderr: '' });
  };

  it('starts no other process of ours, and shows nothing of its mounts outside', async () => {
    const started = await waiting();
    expect(box.processes().filter((line) => KEEPER.test(line))).toEqual([]);
    expect(machineTraces(box)).toEqual({ mounts: [], cgroups: [], states: [] });
    const own = readFileSync(`/proc/${started.child.pid}/mountinfo`, 'utf8');
    expect(own).toContain(box.folder);
    await finish(started);
    expect(await until(() => box.processes().length === 0)).toBe(true);
  });

  it('gives the runtime a pid namespace of its own, which ends with it', async () => {
    const started = await waiting();
    const program = box.processes().find((line) => new RegExp(`^\\d+ \\S*${runtime} `).test(line))!;
    const status = readFileSync(`/proc/${Number.parseInt(program, 10)}/status`, 'utf8');
    expect(/^NSpid:(?:\t\d+)*\t1$/m.exec(status)?.[0].split('\t').length).toBe(3);
    process.kill(started.child.pid!, 'SIGKILL');
    expect((await started.ended).signal).toBe('SIGKILL');
    expect(await until(() => box.processes().length === 0)).toBe(true);
    expect(await told('ps', '-aq')).toBe('');
  });

  it('does not depend on the umask, and its own files do', async () => {
    const file = join(box.folder, `id-${runtime}`);
    const before = process.umask(0o077);
    let ran: Started;
    try {
      const look = ['stat', '-c', '%a', '/', '/etc', '/etc/hosts', '/made', '/work'];
      ran = box.start([
        ...['run', '--rm', '--cidfile', file, '-w', '/work', '-v', `${box.folder}:/made:ro`, 'base:1'],
        ...look,
      ]);
    } finally {
      process.umask(before);
    }
    const { code, stdout, stderr } = await ran.ended;
    const folder = (statSync(box.folder).mode & 0o777).toString(8);
    expect([code, stdout, stderr]).toEqual([0, `755\n755\n644\n${folder}\n755\n`, '']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('writes what a build gives to the person under their umask', async () => {
    const context = join(box.folder, `umask-${runtime}`);
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), 'FROM base:1\nRUN mkdir /made && stat -c %a /made > /mode\n');
    const [id, tar] = ['id', 'tar'].map((name) => join(box.folder, `${name}-${runtime}`)) as [string, string];
    const before = process.umask(0o077);
    let ran: Started;
    try {
      ran = box.start(['build', '-q', '--iidfile', id, '-o', `type=tar,dest=${tar}`, context]);
    } finally {
      process.umask(before);
    }
    expect(await ran.ended).toMatchObject({ code: 0, stderr: '' });
    expect([id, tar].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(execFileSync('tar', ['-xOf', tar, 'mode'], { encoding: 'utf8' })).toBe('755\n');
  });

  it('passes on no descriptor that it was started with', async () => {
    const fd = openSync('/etc/passwd', 'r');
    try {
      const words = ['run', '--rm', 'base:1', 'sh', '-c', 'ls -l /proc/1/fd'];
      const { stdout, status } = spawnSync(process.execPath, ['dist/dobos.cjs', ...words], {
        env: box.env,
        stdio: ['ignore', 'pipe', 'inherit', fd, fd],
        encoding: 'utf8',
      });
      expect(status).toBe(0);
      expect(stdout).not.toContain('passwd');
    } finally {
      closeSync(fd);
    }
  });

  it('has a process for it where something has started threads before', async () => {
    const script = join(box.folder, 'threads.cjs');
    writeFileSync(script, "require('node:fs').readFile('/etc/passwd', () => {});");
    const started = await waiting({ node: ['--require', script] });
    expect(box.processes().filter((line) => KEEPER.test(line))).not.toEqual([]);
    await finish(started);
  });

  it('has networks', async () => {
    const started = await waiting({}, '--network', 'none');
    expect(box.processes().filter((line) => KEEPER.test(line))).toEqual([]);
    expect(await told('exec', (await told('ps', '-q')).trim(), 'ls', '/sys/class/net')).toBe('lo\n');
    await finish(started);
  });

  it('is the supervisor of a container in the background', async () => {
    await told('run', '-d', '--name', 'behind', 'base:1', 'sleep', '100');
    const ours = box.processes();
    expect(ours.filter((line) => /supervisor-worker/.test(line))).toHaveLength(1);
    expect(ours.filter((line) => KEEPER.test(line))).toEqual([]);
    await told('rm', '-f', 'behind');
    expect(await until(() => box.processes().length === 0)).toBe(true);
  });

  it('is a build that runs a step', async () => {
    const context = join(box.folder, `slow-${runtime}`);
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), `FROM base:1\nRUN SANDBOX=${box.folder} sleep 1.2345\n`);
    const { ended } = box.start(['build', '-q', context]);
    const steps = (): string[] => box.processes().filter((line) => /^\d+ sleep 1\.2345/.test(line));
    expect(await until(() => steps().length === 1)).toBe(true);
    expect(box.processes().filter((line) => KEEPER.test(line))).toEqual([]);
    expect(await ended).toMatchObject({ code: 0 });
  });

  it('builds as one', async () => {
    const context = join(box.folder, `context-${runtime}`);
    mkdirSync(context);
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM base:1\nRUN ls -d /proc/[0-9]* | wc -l > /count\nRUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t touch /c/x /t/y\n',
    );
    const ran = await box.run(['build', '-q', '-t', 'built', context]);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    // The shell, what it starts, and nothing of the machine.
    expect(Number(await told('run', '--rm', 'built', 'cat', '/count'))).toBeLessThan(5);
    expect(readdirSync(join(box.store, 'leases'))).toEqual([]);
  });

  it('leaves no folder of its own, and what it compiled for the next', async () => {
    const ran = async (words: readonly string[]): Promise<void> =>
      expect(await box.run(words)).toMatchObject({ code: 0, stderr: '' });
    const context = join(box.folder, `forms-${runtime}`);
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), 'FROM base:1\nARG N\nRUN echo $N > /n\n');
    const forms = join(box.folder, 'home', '.cache', 'dobos', 'forms');
    // The second begins with what the first has kept.
    for (const n of [1, 2]) {
      await ran(['run', '--rm', 'base:1', 'true']);
      await ran(['build', '-q', '--build-arg', `N=${n}`, context]);
      expect(readdirSync(join(box.store, 'snapshots', 't'))).toEqual([]);
      const kept = readdirSync(forms).map((name) => name.replace(/-[\w-]{16}-v.*/, ''));
      expect(kept).toEqual(expect.arrayContaining(['dobos.run.bundle.cjs-', 'serve-here.bundle.cjs-build']));
      expect(readdirSync(forms).some((name) => /\.\d+$/.test(name))).toBe(false);
    }
  });
});
