import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Sandbox, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';
import { testUser } from '../support/test-user.ts';
import { inTerminal, type TypingStep } from '../support/typed-terminal.ts';

/** Typed into a shell: it is to be seen that the terminal has a size, and that another one comes in. */
const SIZES: readonly TypingStep[] = [
  { see: '# ', type: 'stty size\n' },
  { see: '30 100', resize: [90, 20] },
  { see: '', type: 'while [ "$(stty size)" != "20 90" ]; do :; done; echo re""sized\n' },
  { see: 'resized', type: '\n' },
];

describe.each([
  ['runc', 'root'],
  ['crun', 'root'],
  ['chroot', 'root'],
  ['crun', 'an ordinary user'],
  ['chroot', 'an ordinary user'],
])('into a running container over %s by %s', (runtime, who) => {
  let build: string | undefined;
  let box: Sandbox;
  const told = useBox(runtime, who, (made, of) => {
    box = made;
    build = of;
  });
  const typed = (words: readonly string[], steps: readonly TypingStep[]) =>
    inTerminal(box, words, steps, build === undefined ? {} : { build, user: testUser() });

  it('programs are run with docker’s exit codes, in its namespaces', async () => {
    await told('run', '-d', '--name', 'web', '-e', 'A=b', '-w', '/tmp', 'base:1', 'sleep', '1000');
    const script = 'echo $A $C; pwd; hostname; cat /proc/1/cmdline; echo wrong >&2; exit 5';
    const ran = await box.run(['exec', '-e', 'C=d', 'web', 'sh', '-c', script]);
    const hostname = (await told('ps', '-q')).trim();
    expect(ran).toMatchObject({
      code: 5,
      stdout: `b d\n/tmp\n${hostname}\nsleep\x001000\0`,
      stderr: 'wrong\n',
    });
    expect(
      (await box.run(['exec', '-i', 'web', 'cat'], { input: Buffer.alloc(3_000_000, 'x\n') })).bytes,
    ).toEqual({
      stdout: 3_000_000,
      stderr: 0,
    });
    const codes = async (...words: string[]) => {
      const { code, stderr } = await box.run(['exec', ...words]);
      return [code, stderr];
    };
    expect(await codes('web', 'nosuch')).toEqual([127, expect.stringContaining('"nosuch"')]);
    expect(await codes('web', '/etc')).toEqual([126, expect.stringContaining('/etc')]);
    expect(await codes('-w', '/nope', 'web', 'true')).toEqual([126, expect.stringContaining('/nope')]);
    expect(await codes('-u', 'nobody', 'web', 'true')).toEqual([1, expect.stringContaining('nobody')]);
    expect(await codes('web', 'sh', '-c', 'kill -9 $$')).toEqual([137, '']);
    expect(await codes('-d', 'web', 'touch', '/tmp/made')).toEqual([0, '']);
    while ((await codes('web', 'test', '-e', '/tmp/made'))[0] !== 0);
    expect(await told('exec', '-u', '5:6', 'web', 'id', '-u')).toBe('5\n');
    const [titles = '', ...rows] = (await told('top', 'web')).trimEnd().split('\n');
    expect(titles.split(/\s+/)).toEqual(['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
    expect(rows).toEqual([expect.stringMatching(/ sleep 1000$/)]);
    expect(await told('top', 'web', '-o', 'pid,comm')).toMatch(/^PID +COMMAND\n\d+ +sleep\n$/);
    expect(await box.run(['top', 'web', '--forest'])).toMatchObject({ code: 1, stdout: '' });
    const file = join(box.folder, 'variables');
    writeFileSync(file, '# none\nA=of the file\nC=e\nD=f\nSANDBOX\nNOT_SET\n');
    const filed = ['--env-file', file, '-e', 'C=g'];
    expect(await told('exec', ...filed, 'web', 'sh', '-c', 'echo $A $C $D $SANDBOX $NOT_SET')).toBe(
      `of the file g f ${box.folder}\n`,
    );
    writeFileSync(file, 'a b=c\n');
    expect(await codes('--env-file', file, 'web', 'true')).toEqual([
      1,
      expect.stringContaining("variable 'a b' contains whitespaces"),
    ]);
    await told('kill', 'web');
    await told('wait', 'web');
    expect(await codes('web', 'true')).toEqual([1, expect.stringContaining('is not running')]);
    await told('rm', 'web');
  });

  it('a program whose person has gone ends, and keeps the container from nothing', async () => {
    await told(
      'run',
      '-d',
      '--name',
      'left',
      'base:1',
      'sh',
      '-c',
      'trap "exit 3" TERM; while :; do sleep 0.1; done',
    );
    const ended = await typed(
      ['exec', '-it', 'left', 'sh'],
      [
        { see: '# ', type: 'echo be""gun; sleep 1000\n' },
        { see: 'begun', hangUp: true },
      ],
    );
    expect(ended.code).toBe(98);
    await told('stop', 'left');
    expect(await told('wait', 'left')).toBe('3\n');
    await told('rm', 'left');
  });

  it('programs are run beside one in the foreground', async () => {
    const run = box.start(['run', '--rm', '--name', 'front', 'base:1', 'sh', '-c', 'echo ready; sleep 1000']);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    expect(await told('exec', 'front', 'cat', '/proc/1/comm')).toMatch(/^(?:sh|sleep)\n$/);
    expect((await box.run(['attach', 'front'])).stderr).toContain('in the foreground of another command');
    await told('kill', 'front');
    expect((await run.ended).code).toBe(137);
  });

  it('one in the foreground has the size of the terminal, and follows it', async () => {
    const { code, seen } = await typed(
      ['run', '--rm', '-it', 'base:1', 'sh'],
      [...SIZES, { see: '# ', type: 'exit 7\n' }],
    );
    expect(code, seen).toBe(7);
  });

  it('a terminal is given, with its size and Ctrl-C', async () => {
    await told('run', '-d', '--name', 'box', 'base:1', 'sleep', '1000');
    const { code, seen } = await typed(
      ['exec', '-it', 'box', 'sh'],
      [
        ...SIZES,
        // The program itself says that it waits: between two programs a Ctrl-C would meet the shell, and end neither.
        { see: '# ', type: 'tty >/dev/null; sh -c "echo wai""ting; exec sleep 1000"\n' },
        { see: 'waiting', type: '\x03' },
        { see: '# ', type: 'exit 6\n' },
      ],
    );
    expect(code, seen).toBe(6);
    await told('rm', '-f', 'box');
  });

  it('a program is left with the detach keys, and goes on', async () => {
    await told('run', '-d', '--name', 'left', 'base:1', 'sleep', '10000');
    const script = 'echo he""re; until test -e /tmp/left; do sleep 0.05; done; echo more; cat > /tmp/after';
    const { code, seen } = await typed(
      ['exec', '-it', '--detach-keys', 'ctrl-e,x', 'left', 'sh', '-c', script],
      [{ see: 'here', type: '\x05x' }],
    );
    expect([code, seen]).toEqual([0, expect.stringContaining('read escape sequence')]);
    await told('exec', 'left', 'touch', '/tmp/left');
    const goesOn = async (): Promise<boolean> =>
      (await box.run(['exec', 'left', 'test', '-e', '/tmp/after'])).code === 0;
    while (!(await goesOn()));
    expect(await told('top', 'left')).toContain('cat');
    await told('rm', '-f', 'left');
  });

  it('a terminal in the background is attached to, left, and attached to by two', async () => {
    await told('run', '-dit', '--name', 'shell', 'base:1', 'sh');
    const leave = '\x10\x11';
    const first = await typed(
      ['attach', 'shell'],
      [
        { see: '', type: 'A=kept; echo fir""st\n' },
        { see: 'first', type: leave },
      ],
    );
    expect([first.code, first.seen]).toEqual([0, expect.stringContaining('read escape sequence')]);
    const second = typed(
      ['attach', 'shell'],
      [
        { see: '', type: 'echo $A two""fold; stty size\n' },
        { see: 'kept twofold' },
        { see: '30 100' },
        { see: 'from the third', type: 'exit 4\n' },
      ],
    );
    while (!(await told('logs', 'shell')).includes('kept twofold'));
    const third = await typed(
      ['attach', '--detach-keys', 'x', 'shell'],
      [
        { see: '', type: 'echo from the th""ird\n' },
        { see: 'from the third', type: 'x' },
      ],
    );
    expect(third.code).toBe(0);
    expect((await second).code).toBe(4);
    expect(await told('wait', 'shell')).toBe('4\n');
    await told('rm', 'shell');
  });

  it('input and signals go to an attached program without a terminal', async () => {
    const script = 'trap "echo heard; exit 3" TERM; read line; echo got $line; while :; do sleep 0.1; done';
    await told('run', '-di', '--name', 'reads', 'base:1', 'sh', '-c', script);
    const attached = box.start(['attach', 'reads'], { input: Buffer.from('words\n') });
    let said = '';
    attached.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('got words'))).toBe(true);
    attached.child.kill('SIGTERM');
    expect(await attached.ended).toMatchObject({ code: 3, stdout: 'got words\nheard\n' });
    expect(await told('logs', 'reads')).toBe('got words\nheard\n');
    expect(await told('wait', 'reads')).toBe('3\n');
    await told('rm', 'reads');
    expect(await until(() => box.processes().length === 0)).toBe(true);
  });

  it('is paused, goes on, is stopped while paused, and restarted', async () => {
    const script = 'trap "exit 0" TERM; while :; do echo tick; sleep 0.05; done';
    await told('run', '-d', '--name', 'ticks', 'base:1', 'sh', '-c', script);
    const ticks = async (): Promise<number> => (await told('logs', 'ticks')).length;
    const status = async (): Promise<string> => told('ps', '-a', '--format', '{{.State}} {{.Status}}');
    expect((await box.run(['unpause', 'ticks'])).stderr).toContain('is not paused');
    expect(await told('pause', 'ticks')).toBe('ticks\n');
    expect(await status()).toMatch(/^paused Up .* \(Paused\)\n$/);
    expect(await told('ps', '--filter', 'status=paused', '--format', '{{.Names}}')).toBe('ticks\n');
    expect(await told('ps', '--filter', 'status=running', '-q')).toBe('');
    expect((await box.run(['exec', 'ticks', 'true'])).stderr).toContain('is paused, so it cannot be entered');
    const inspected = JSON.parse(await told('inspect', 'ticks')) as [{ State: { Paused: boolean } }];
    expect(inspected[0].State.Paused).toBe(true);
    expect(await told('unpause', 'ticks')).toBe('ticks\n');
    const before = await ticks();
    while ((await ticks()) === before);
    await told('pause', 'ticks');
    expect(await told('stop', 'ticks')).toBe('ticks\n');
    expect(await status()).toMatch(/^exited Exited \(0\)/);
    expect(await told('restart', 'ticks')).toBe('ticks\n');
    expect(await status()).toMatch(/^running Up /);
    expect(await told('restart', '-t', '20', 'ticks')).toBe('ticks\n');
    expect(await status()).toMatch(/^running Up /);
    await told('rm', '-f', 'ticks');
  });
});
