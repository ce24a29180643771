import { describe, expect, it } from 'vitest';
import { type Sandbox, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

describe.each(['runc', 'chroot'])('containers of an ordinary user over %s', (runtime) => {
  let box: Sandbox;
  const told = useBox(runtime, 'an ordinary user', (made) => {
    box = made;
  });

  it('keep files of other ids, are committed, exported, stopped and removed', async () => {
    const script =
      'test -e /theirs && exit 6; mkdir -m 700 /theirs; echo x > /theirs/f; chown -R 5:6 /theirs; rm -r /var; ' +
      'chmod 4755 /theirs/f; trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const run = box.start(['run', '--name', 'own', 'base:1', 'sh', '-c', script]);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    expect(await told('commit', 'own', 'changed:1')).toMatch(/^sha256:/);
    expect(await told('stop', 'own')).toBe('own\n');
    expect((await run.ended).code).toBe(5);
    expect(await told('diff', 'own')).toBe('A /theirs\nA /theirs/f\nD /var\n');
    expect(await told('ps', '-as')).toMatch(/ 2B \(virtual .*MB\)\n$/);
    expect(await told('run', '--rm', 'changed:1', 'stat', '-c', '%u:%g %a', '/theirs/f')).toBe('5:6 4755\n');
    expect((await box.run(['start', '-a', 'own'])).code).toBe(6);
    await told('export', '-o', `${box.folder}/own.tar`, 'own');
    await told('import', `${box.folder}/own.tar`, 'flat:1');
    expect(await told('run', '--rm', 'flat:1', '/bin/stat', '-c', '%u:%g %a', '/theirs/f')).toBe(
      '5:6 4755\n',
    );
    await told('rm', 'own');
    expect(await told('ps', '-aq')).toBe('');
    expect(await told('system', 'check')).toContain('The store is whole');
  });

  it('that run as another of their ids are signalled, stopped and killed', async () => {
    const script = 'trap "echo heard" HUP; trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const logs = async (): Promise<string> => (await box.run(['logs', 'five'])).stdout;
    await told('run', '-d', '--name', 'five', '-u', '5', 'base:1', 'sh', '-c', script);
    await expect.poll(logs).toBe('ready\n');
    expect(await told('kill', '-s', 'HUP', 'five')).toBe('five\n');
    await expect.poll(logs).toBe('ready\nheard\n');
    expect(await told('stop', 'five')).toBe('five\n');
    expect(await told('wait', 'five')).toBe('5\n');
    await told('start', 'five');
    expect(await told('kill', 'five')).toBe('five\n');
    expect(await told('wait', 'five')).toBe('137\n');
    await told('rm', 'five');
  });
});
