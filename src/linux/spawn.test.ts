import { closeSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reapChild } from './children.ts';
import { canSpawn, isSpawned, type SpawnRequest, spawnChild } from './spawn.ts';

describe.runIf(process.platform === 'linux' && canSpawn())('a program that is started', () => {
  let folder: string;
  let out: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-spawn-'));
    out = openSync(join(folder, 'out'), 'w');
  });
  afterEach(() => {
    closeSync(out);
    rmSync(folder, { recursive: true });
  });
  const sh = (script: string, o: Partial<SpawnRequest> = {}) =>
    spawnChild({
      program: '/bin/sh',
      args: ['-c', script],
      env: { PATH: '/usr/bin:/bin' },
      cwd: '/',
      fds: [0, out, 2],
      session: false,
      ...o,
    });
  const said = async (script: string, o: Partial<SpawnRequest> = {}): Promise<string> => {
    await sh(script, o).ended;
    return readFileSync(join(folder, 'out'), 'utf8');
  };

  it('tells how it ended, by code or by signal', async () => {
    const [code, signal] = [sh('exit 7'), sh('kill -KILL $$')];
    expect([code.exitCode, code.signalCode]).toEqual([null, null]);
    expect(await code.ended).toEqual({ code: 7, signal: undefined });
    expect(await signal.ended).toEqual({ code: undefined, signal: 'SIGKILL' });
    expect([code.exitCode, signal.exitCode, signal.signalCode]).toEqual([7, null, 'SIGKILL']);
  });

  it('is one of twenty that end at once, and each is heard of', async () => {
    const ends = await Promise.all(Array.from({ length: 20 }, (_, at) => sh(`exit ${at}`).ended));
    expect(ends.map(({ code }) => code)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  it('gets a signal as long as it runs, and its number is nobody’s afterwards', async () => {
    const child = sh('sleep 100');
    expect([isSpawned(child.pid), reapChild(child.pid)]).toEqual([true, false]);
    expect(child.kill('SIGTERM')).toBe(true);
    expect(await child.ended).toEqual({ code: undefined, signal: 'SIGTERM' });
    expect([isSpawned(child.pid), child.kill()]).toEqual([false, false]);
  });

  it('has the environment, the folder and the descriptors that it was given, and no other', async () => {
    const three = openSync('/dev/null', 'r');
    const script = `pwd; echo $A; readlink /proc/self/fd/3 /proc/self/fd/${three}`;
    expect(await said(script, { env: { A: 'b=c' }, cwd: '/tmp', fds: [0, out, 2, three] })).toBe(
      '/tmp\nb=c\n/dev/null\n',
    );
    closeSync(three);
  });

  it('begins with every signal at its default, and none is blocked', async () => {
    const listen = (): void => {};
    process.on('SIGUSR2', listen);
    const text = await said('grep "Sig[BI]" /proc/self/status');
    process.off('SIGUSR2', listen);
    const masks = [...text.matchAll(/[0-9a-f]{16}/g)].map(([mask]) => BigInt(`0x${mask}`));
    expect(masks).toEqual([0n, 0n]);
  });

  it('has a session of its own if that is wanted', async () => {
    const own = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ')[3];
    const script = 'cut -d" " -f6 /proc/$$/stat';
    const child = sh(script, { session: true });
    await child.ended;
    await sh(script).ended;
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe(`${child.pid}\n${own}\n`);
  });

  it('that is not there is an error at once, and so are descriptors in each other’s way', () => {
    expect(() => sh('', { program: '/no/such' })).toThrow(
      expect.objectContaining({
        code: 'LINUX_CALL',
        facts: { call: 'spawn', code: 'ENOENT', what: '/no/such' },
      }),
    );
    for (const fds of [
      [0, 2, 1],
      [0, out, 1],
    ])
      expect(() => sh('', { fds })).toThrow('overwrite');
  });

  it('may have one of ours twice, and one whose number another gets later', async () => {
    // 2 is taken for 1 before it is made what `out` is.
    const nothing = openSync('/dev/null', 'w');
    await sh('echo lost; echo kept >&2; echo more >&3', { fds: [0, nothing, out, out] }).ended;
    closeSync(nothing);
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('kept\nmore\n');
    const script = 'there=$(readlink /proc/$$/fd/1 /proc/$$/fd/0); echo "$there" >&2';
    const own = readlinkSync('/proc/self/fd/2');
    await sh(script, { fds: [2, 2, out] }).ended;
    expect(readFileSync(join(folder, 'out'), 'utf8').split('\n').slice(2, 4)).toEqual([own, own]);
  });
});
