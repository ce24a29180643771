import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox, until } from '../support/built-command.ts';

describe.each(['runc', 'crun', 'chroot'])('dobos run over %s', (runtime) => {
  let box: Sandbox;
  const run = (...words: string[]) => box.run(['run', '--runtime', runtime, ...words]);
  beforeAll(async () => {
    box = createSandbox();
    await importBase(box);
  });
  afterAll(() => box.remove());

  it.each([
    [['true'], 0],
    [['sh', '-c', 'exit 7'], 7],
    [['nope'], 127],
    [['/etc/passwd'], 126],
    [['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137],
    [['sh', '-c', 'sh -c "kill -15 \\$\\$"; exit $?'], 143],
  ])("ends with docker's code: %j with %d", async (command, code) => {
    expect((await run('base:1', ...command)).code).toBe(code);
  });

  it('says what was meant by options behind the image', async () => {
    const { code, stderr } = await run('base:1', '-it', '/bin/sh');
    expect(code).toBe(127);
    expect(stderr).toContain('hint: options go before the image: dobos run -it base:1 /bin/sh');
  });

  it('gives variables, user, folder and input to the program', async () => {
    const words = ['-i', '-e', 'A=b', '-u', '5:6', '-w', '/some/where', '--entrypoint', 'sh', 'base:1'];
    const ran = await box.run(
      ['run', '--runtime', runtime, ...words, '-c', 'echo $A $(id -u):$(id -g) $(pwd); cat'],
      {
        input: Buffer.from('typed\n'),
      },
    );
    expect([ran.stdout, ran.code]).toEqual(['b 5:6 /some/where\ntyped\n', 0]);
  });

  it('refuses -t without a terminal', async () => {
    expect((await run('-t', 'base:1', 'true')).code).toBe(125);
  });

  it('passes a signal to the program, and kills one that is deaf to it after three', async () => {
    const script = 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const hearing = box.start(['run', '--runtime', runtime, 'base:1', 'sh', '-c', script]);
    let said = '';
    hearing.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    hearing.child.kill('SIGTERM');
    expect((await hearing.ended).code).toBe(5);

    const deaf = box.start(['run', '--runtime', runtime, 'base:1', 'sh', '-c', 'echo ready; exec sleep 50']);
    said = '';
    deaf.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    for (let sent = 0; sent < 3; sent++) {
      deaf.child.kill('SIGTERM');
      await new Promise((resume) => setTimeout(resume, 50));
    }
    const { code, stderr } = await deaf.ended;
    expect([code, stderr]).toEqual([143, 'dobos: killed after 3 signals\n']);
    expect(await until(() => box.processes().length === 0)).toBe(true);
  });
});
