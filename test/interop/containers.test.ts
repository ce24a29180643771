import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, machineTraces, type Sandbox, until } from '../support/built-command.ts';

/** Starts the words and waits until the program in the container has said `ready`. */
async function startReady(box: Sandbox, words: readonly string[]) {
  const started = box.start(words);
  let said = '';
  started.child.stdout!.on('data', (bytes: Buffer) => {
    said += bytes;
  });
  expect(await until(() => said.includes('ready'))).toBe(true);
  return started;
}

describe.each(['runc', 'crun', 'chroot'])('containers over %s', (runtime) => {
  let box: Sandbox;
  const told = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await box.run(words);
    expect([code, stderr], words.join(' ')).toEqual([0, '']);
    return stdout;
  };
  const row = async (name: string, format = '{{.Status}}'): Promise<string> =>
    (await told('ps', '-a', '--filter', `name=${name}`, '--format', format)).trim();
  beforeAll(async () => {
    box = createSandbox({ env: { DOBOS_RUNTIME: runtime } });
    await importBase(box);
  });
  afterAll(() => box.remove());

  // What follows next is the same for all OCI runtimes.
  if (runtime !== 'crun') {
    it('stay with what they wrote, and go on from there', async () => {
      const script =
        'test -e /mine && exit 4; echo "I love docker" > /mine; rm -r /var; echo x >> /etc/passwd';
      await told('run', '--name', 'first', 'base:1', 'sh', '-c', script);
      expect(await told('run', '--rm', 'base:1', 'ls', '/var')).toBe('');
      expect(await row('first', '{{.Names}} {{.Image}} {{.Command}} {{.Status}}')).toMatch(
        /^first base:1 "sh -c test -e \/mine…" Exited \(0\) .* ago$/,
      );
      expect(await told('diff', 'first')).toBe('C /etc\nC /etc/passwd\nA /mine\nD /var\n');
      const [id = ''] = (await told('ps', '-aq', '--no-trunc')).split('\n');
      expect((await box.run(['start', '-a', id.slice(0, 7)])).code).toBe(4);
      expect(await row('first')).toMatch(/^Exited \(4\)/);
      expect(await told('ps')).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n$/);
      expect(await told('ps', '-as')).toMatch(/NAMES +SIZE\n.* 4\dB \(virtual .*MB\)\n$/);
      const [facts] = JSON.parse(await told('inspect', 'first')) as {
        State: object;
        GraphDriver: { Data: { UpperDir: string; LowerDir: string } };
      }[];
      expect(facts!.State).toMatchObject({ Status: 'exited', ExitCode: 4 });
      expect(existsSync(join(facts!.GraphDriver.Data.UpperDir, 'mine'))).toBe(true);
      expect(existsSync(join(facts!.GraphDriver.Data.LowerDir, 'bin/busybox'))).toBe(true);
      expect((await box.run(['run', '--name', 'first', 'base:1'])).stderr).toContain(
        'is in use by container',
      );
      await told('rename', 'first', 'second');
      expect(await told('rm', 'second')).toBe('second\n');
      expect(await told('ps', '-aq')).toBe('');
    });

    it('are Created when nothing was started', async () => {
      const { code, stderr } = await box.run(['run', '--name', 'wrong', 'base:1', '-it', '/bin/sh']);
      expect([code, stderr]).toEqual([127, expect.stringContaining('hint: options go before the image')]);
      expect(await row('wrong')).toBe('Created');
      expect(await told('create', '--name', 'made', '-l', 'job=1', 'base:1', 'sh', '-c', 'exit 3')).toMatch(
        /^[0-9a-f]{64}\n$/,
      );
      expect(await told('ps', '-a', '--filter', 'label=job', '--format', '{{.Names}}')).toBe('made\n');
      expect((await box.run(['start', '-a', 'made'])).code).toBe(3);
      const other = ['-l', 'job=2', '-l', 'kind=x', '-v', 'data:/d', '-v', '/tmp:/t', '--network', 'none'];
      await told('create', '--name', 'remade', ...other, '--expose', '80', 'base:1', 'true');
      const chosen = async (...filters: string[]): Promise<string> => {
        const words = filters.flatMap((filter) => ['--filter', filter]);
        return (await told('ps', '-a', ...words, '--format', '{{.Names}}')).trim().replaceAll('\n', ' ');
      };
      expect(await chosen('label=job')).toBe('remade made');
      expect(await chosen('label=job', 'label=kind=x')).toBe('remade');
      expect(await chosen('name=^/?made$')).toBe('made');
      for (const value of ['data', '/d', '/tmp', '/t'])
        expect(await chosen(`volume=${value}`)).toBe('remade');
      expect(await chosen('network=none', 'expose=80-81/tcp')).toBe('remade');
      expect(await chosen('publish=80', 'expose=80')).toBe('remade');
      expect(await chosen('since=made', 'status=created')).toBe('remade');
      expect(await box.run(['ps', '--filter', 'x=y'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/there is no filter "x"\nhint: want id=ID, name=NAME, /),
      });
      await told('container', 'prune', '--filter', 'label=kind', '--filter', 'until=0s');
      expect(await chosen('label=job')).toBe('made');
      await told('volume', 'rm', 'data');
      expect(await told('container', 'prune')).toMatch(/^Deleted Containers:\n(?:[0-9a-f]{64}\n){2}/);
    });
  }

  it('are stopped, killed, waited for and committed from elsewhere', async () => {
    const script = 'trap "exit 5" TERM; echo inside > /mine; echo ready; while :; do sleep 0.1; done';
    const run = await startReady(box, ['run', '--rm', '--name', 'hears', 'base:1', 'sh', '-c', script]);
    expect(await row('hears')).toMatch(/^Up /);
    expect(await told('diff', 'hears')).toBe('A /mine\n');
    expect(await told('commit', 'hears', 'changed:1')).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect((await box.run(['rm', 'hears'])).stderr).toContain('is running, so it cannot be removed');
    expect((await box.run(['start', '-a', 'hears'])).stderr).toContain('is running, so it cannot be started');
    expect(await told('stop', 'hears')).toBe('hears\n');
    expect((await run.ended).code).toBe(5);
    expect(await told('ps', '-aq')).toBe('');
    expect(await told('run', '--rm', 'changed:1', 'cat', '/mine')).toBe('inside\n');

    const deaf = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const other = await startReady(box, ['run', '--name', 'deaf', 'base:1', 'sh', '-c', deaf]);
    const waiting = box.run(['wait', 'deaf']);
    expect(await told('stop', '-t', '0', 'deaf')).toBe('deaf\n');
    expect((await other.ended).code).toBe(137);
    expect((await waiting).stdout).toBe('137\n');
    const again = await startReady(box, ['start', '-a', 'deaf']);
    expect(await told('rm', '-f', 'deaf')).toBe('deaf\n');
    expect((await again.ended).code).toBe(137);
    expect(await told('ps', '-aq')).toBe('');
  });

  it('have ended when the command that ran them was killed, and leave nothing behind', async () => {
    const script = 'test -e /mine && exit 8; echo mine > /mine; echo ready; sleep 100';
    const runs = await Promise.all(
      ['--rm', '--name=kept'].map((how) => startReady(box, ['run', how, 'base:1', 'sh', '-c', script])),
    );
    expect((await told('ps', '-q')).split('\n')).toHaveLength(3);
    for (const { child } of runs) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await told('ps', '-a', '--format', '{{.Names}} {{.Status}}')).toMatch(
      /^kept Exited \(137\) .*\n$/,
    );
    expect(await until(() => box.processes().length === 0)).toBe(true);
    expect(machineTraces(box)).toEqual({ mounts: [], cgroups: [], states: [] });
    expect(await told('system', 'check')).toContain('The store is whole');
    expect(await told('diff', 'kept')).toBe('A /mine\n');
    expect((await box.run(['start', '-a', 'kept'])).code).toBe(8);
  });
});

describe('an image of containers', () => {
  let box: Sandbox;
  const told = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await box.run(words);
    expect(code, `${words.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };
  beforeAll(async () => {
    box = createSandbox();
    await importBase(box);
  });
  afterAll(() => box.remove());

  it('is worked on in a terminal', async () => {
    const command = ['run', '-it', '--name', 'typed', 'base:1', '/bin/sh'];
    const seen = inTerminal(box, command, ['echo "I love docker" > /my_file.txt\n', 'exit\n']);
    expect(seen).toContain('# echo');
    expect(await told('ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(0\)/);
    expect(inTerminal(box, ['start', '-ai', 'typed'], ['cat /my_file.txt; exit 6\n'])).toContain(
      '\nI love docker',
    );
    expect(await told('ps', '-a', '--format', '{{.Status}}')).toMatch(/^Exited \(6\)/);
    expect((await box.run(['start', '-ai', 'typed'])).stderr).toContain('standard input is no terminal');
    await told('rm', 'typed');
    expect(readdirSync(join(box.store, 'containers'))).toEqual([]);
  });

  it('stays as long as a container needs it', async () => {
    await told('tag', 'base:1', 'mine:1');
    await told('rmi', 'base:1');
    await told('run', '--name', 'user', '-e', 'A=b', 'mine:1', 'true');
    expect((await box.run(['rmi', 'mine:1'])).stderr).toContain('is used by container user');
    await told('rmi', '-f', 'mine:1');
    await told('system', 'prune');
    expect(await told('ps', '-a', '--format', '{{.Image}}')).toMatch(/^[0-9a-f]{12}\n$/);
    await told('start', '-a', 'user');
    const { stdout, stderr } = await box.run([
      'commit',
      '-m',
      'said',
      '-a',
      'Ada',
      '-c',
      'ENV C=d',
      '-c',
      'CMD ["env"]',
      'user',
      'base:1',
    ]);
    expect(stderr).toContain('nothing changed in user');
    expect(stdout).toMatch(/^sha256:/);
    const [image] = JSON.parse(await told('image', 'inspect', 'base:1')) as {
      Config: object;
      Author: string;
      RootFS: { Layers: string[] };
    }[];
    expect(image).toMatchObject({
      Author: 'Ada',
      Comment: 'said',
      Config: { Env: ['PATH=/bin', 'A=b', 'C=d'], Cmd: ['env'] },
    });
    expect(image!.RootFS.Layers).toHaveLength(1);
    await told('rm', 'user');
  });

  it('has rows whose ids lead to the images between, also when their names are gone', async () => {
    await told('run', '--name', 'one', 'base:1', 'sh', '-c', 'echo secret > /secret.txt');
    const first = (await told('commit', 'one', 'layer1')).trim();
    await told('run', '--name', 'two', 'layer1', 'rm', '/secret.txt');
    await told('commit', 'two', 'layer2');
    await told('container', 'prune');
    await told('rmi', 'layer1', 'base:1');
    await told('system', 'prune');
    const ids = (await told('history', '-q', '--no-trunc', 'layer2')).split('\n');
    expect(ids[1]).toBe(first);
    expect(await told('run', '--rm', first.slice(7, 19), 'cat', '/secret.txt')).toBe('secret\n');
    expect(await told('run', '--rm', 'layer2', 'ls', '/')).not.toContain('secret');
  });
});

/** What is seen in a pseudo terminal of Python's; each line is typed at a prompt. */
function inTerminal(box: Sandbox, words: readonly string[], typed: readonly string[]): string {
  const script = [
    'import json, os, pty, sys',
    'typed = json.loads(sys.argv[1])',
    'pid, fd = pty.fork()',
    'if pid == 0: os.execv(sys.argv[2], sys.argv[2:])',
    'seen = b""; fresh = b""',
    'while True:',
    '  try: part = os.read(fd, 65536)',
    '  except OSError: break',
    '  if not part: break',
    '  seen += part; fresh += part',
    '  if b"# " in fresh and typed: fresh = b""; os.write(fd, typed.pop(0).encode())',
    'os.waitpid(pid, 0); sys.stdout.buffer.write(seen)',
  ].join('\n');
  const command = [process.execPath, resolve('dist/dobos.cjs'), ...words];
  return spawnSync('python3', ['-c', script, JSON.stringify(typed), ...command], {
    encoding: 'utf8',
    env: box.env,
    timeout: 120_000,
  }).stdout.replace(/\r|\x1b\[6n/g, '');
}
