import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

describe.each([
  ['root', 'crun'],
  ['root', 'chroot'],
  ['a user', 'crun'],
  ['a user', 'chroot'],
])('an init in a container of %s over %s', (who, runtime) => {
  let box: Sandbox;
  const told = useBox(runtime, who, (made) => {
    box = made;
  });

  it('is process 1, reaps what others leave, and gives on exit codes', async () => {
    const orphan = '(sleep 0.1 & exec true) & wait; ';
    const left = 'while grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null; do :; done; ';
    const look = 'tr "\\0" " " < /proc/1/cmdline; echo; echo $$; exit 7';
    const ran = await box.run(['run', '--rm', '--init', 'base:1', 'sh', '-c', orphan + left + look]);
    expect(ran.stderr).toBe('');
    const [first, own] = ran.stdout.split('\n');
    expect(first).toMatch(/^\/sbin\/docker-init -- sh -c /);
    expect(Number(own)).toBeGreaterThan(1);
    expect(ran.code).toBe(7);
  });

  it('passes on signals to a program that as process 1 would hear none', async () => {
    await told('run', '-d', '--init', '--name', 'deaf', 'base:1', 'sleep', '10000');
    expect(await box.run(['kill', '-s', 'TERM', 'deaf'])).toMatchObject({ code: 0 });
    expect(await told('wait', 'deaf')).toBe('143\n');
    const [facts] = JSON.parse(await told('inspect', 'deaf')) as {
      Path: string;
      HostConfig: { Init?: boolean };
      Mounts: unknown[];
    }[];
    expect(facts).toMatchObject({ Path: 'sleep', HostConfig: { Init: true }, Mounts: [] });
    await told('rm', 'deaf');
  });

  it('leaves no trace, and a missing program is refused as ever', async () => {
    await told('run', '--init', '--name', 'trace', 'base:1', 'touch', '/made');
    expect(await told('diff', 'trace')).toBe('A /made\n');
    expect(await told('start', '-a', 'trace')).toBe('');
    const exported = join(box.folder, 'home', 'exported.tar');
    await told('export', '-o', exported, 'trace');
    expect(readFileSync(exported).includes('docker-init')).toBe(false);
    await told('commit', 'trace', 'trace:1');
    expect(await told('explore', '--find', 'made', 'trace:1')).toContain('made');
    const found = await box.run(['explore', '--find', '*docker-init*', 'trace:1']);
    expect(found).toMatchObject({ code: 1, stdout: '' });
    await told('rm', 'trace');
    const ran = await box.run(['run', '--rm', '--init', 'base:1', 'nothing-like-it']);
    expect(ran).toMatchObject({ code: 127, stdout: '' });
    expect(ran.stderr).toContain('nothing-like-it');
  });
});
