import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlannedEntry } from '../../src/layer/types.ts';
import { writeLayer } from '../../src/layer/write-layer.ts';
import type { LayerRef } from '../../src/runtime/types.ts';
import {
  type Finished,
  file,
  openFixture,
  type RuntimeFixture,
  symlink,
  traces,
} from '../interop/runtime-fixture.ts';

const sh = (script: string): string[] => ['/bin/sh', '-c', script];
const node = (path: string, kind: 'fifo' | 'character' | 'block', major = 0, minor = 0): PlannedEntry => ({
  path,
  kind,
  mode: 0o666,
  uid: 0,
  gid: 0,
  mtime: 0,
  ...(kind === 'fifo' ? {} : { device: { major, minor } }),
});

describe.each(['runc', 'crun', 'chroot'])('a hostile image run by %s', (runtime) => {
  let at: RuntimeFixture;
  let canary: string;
  beforeAll(async () => {
    at = await openFixture(runtime);
    canary = join(at.folder, 'canary');
    writeFileSync(canary, 'untouched\n');
  });
  afterAll(async () => {
    await at?.close();
  });

  /** Runs over the base and one more layer with these entries. */
  const over = async (
    entries: readonly PlannedEntry[],
    args: readonly string[],
    more: object = {},
  ): Promise<Finished> => {
    const { blob, diffId } = await writeLayer(at.store, entries);
    const layers: LayerRef[] = [at.base, { blob, diffId }];
    return at.run(args, { layers, ...more });
  };

  it('does not hang on a fifo as /etc/passwd', () =>
    expect(over([node('etc/passwd', 'fifo')], ['id'])).rejects.toMatchObject({ code: 'RUNTIME_USER_FILE' }));
  it('does not read a device as /etc/group', () =>
    expect(over([node('etc/group', 'character', 1, 5)], ['id'])).rejects.toMatchObject({
      code: 'RUNTIME_USER_FILE',
    }));
  it('does not read 11 MiB of /etc/passwd', () =>
    expect(over([file('etc/passwd', 'x'.repeat(11 * 2 ** 20))], ['id'])).rejects.toMatchObject({
      code: 'RUNTIME_USER_FILE',
    }));
  it('does not read the host’s users through a link', async () => {
    const up = '../'.repeat(20);
    const entries = [symlink('etc/passwd', `${up}${at.folder.slice(1)}/users`)];
    writeFileSync(join(at.folder, 'users'), 'evil:x:77:77::/:/bin/sh\n');
    await expect(over(entries, ['id'], { user: 'evil' })).rejects.toMatchObject({
      code: 'IMAGE_USER_UNKNOWN',
    });
  });
  it('does not follow a ring of links', () =>
    expect(over([symlink('a', 'b'), symlink('b', 'a')], ['true'], { cwd: '/a' })).rejects.toMatchObject({
      code: 'RUNTIME_LINK_LOOP',
    }));
  it('does not write to the host through /etc/resolv.conf or /etc/hosts', async () => {
    const up = '../'.repeat(20);
    const entries = [symlink('etc/hosts', `${up}${canary.slice(1)}`), symlink('etc/resolv.conf', canary)];
    const { exit, stdout } = await over(
      entries,
      sh('echo evil > /etc/hosts; echo evil > /etc/resolv.conf; cat /etc/hosts'),
    );
    expect([exit.code, stdout]).toEqual([0, 'evil\n']);
    expect(readFileSync(canary, 'utf8')).toBe('untouched\n');
  });
  it.each(['proc', 'sys', 'dev'])('does not mount /%s elsewhere because it is a link', (name) =>
    expect(over([symlink(name, '/etc')], ['true'])).rejects.toMatchObject({ code: 'RUNTIME_MOUNT_POINT' }),
  );
  it('does not make a working directory on the host', async () => {
    const up = '../'.repeat(20);
    await over([symlink('out', `${up}${at.folder.slice(1)}`)], ['true'], { cwd: '/out/made' });
    expect(() => readFileSync(join(at.folder, 'made'))).toThrow('ENOENT');
  });
  it('does not show a bind outside the root', async () => {
    const source = join(at.folder, 'source');
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'f'), 'bound\n');
    const up = '../'.repeat(20);
    const binds = [{ source, target: '/out', readOnly: false }];
    const { stdout } = await over([symlink('out', `${up}in`)], sh('cat /in/f'), { binds });
    expect(stdout).toBe('bound\n');
  });
  it('does not start the host’s own program as an interpreter', async () => {
    const { exit, stderr } = await over([file('bin/evil', '#!/proc/self/exe\n', 0o755)], ['evil']);
    expect([exit.code, stderr]).toEqual([126, 'exec: "/bin/evil": a program in /proc is not started\n']);
  });

  it('cannot open device files, be they of the image or its own', async () => {
    const entries = [node('null2', 'character', 1, 3), node('loop9', 'block', 7, 0)];
    const script = [
      'for f in /null2 /loop9; do head -c 1 $f 2>&1 | sed "s/.*: //"; done',
      'for d in / /tmp /dev /dev/shm; do mknod $d/mine c 1 3 2>&1 | sed "s/.*: //"; (echo x > $d/mine) 2>&1 | sed "s/.*: //"; rm -f $d/mine; done',
    ].join('\n');
    const { stdout } = await over(entries, sh(script));
    expect(stdout).toBe('Permission denied\n'.repeat(6));
  });
  it('cannot write to the kernel’s files', async () => {
    const script =
      'for f in $(find /proc/sys /sys -type f 2>/dev/null | head -4000); do (echo 0 > $f) 2>/dev/null && echo "$f"; done; true';
    const { stdout } = await at.run(sh(script));
    expect(stdout).toBe('');
  });
  it('sees and reaches nobody else’s processes', async () => {
    const other = at.run(sh('sleep 1; echo alive'));
    const { stdout } = await at.run(
      sh('kill -9 -1; ls /proc | grep -c "^[0-9]"; ls /proc/1/root/bin/busybox'),
    );
    expect(stdout).toMatch(/^[1-5]\n\/proc\/1\/root\/bin\/busybox\n$/);
    expect((await other).stdout).toBe('alive\n');
  });
  it('cannot mount or make namespaces', async () => {
    const { stdout } = await at.run(
      sh('mount -t tmpfs none /tmp 2>&1 | sed "s/.*: //"; mount -o remount,rw /sys 2>&1 | sed "s/.*: //"'),
    );
    expect(stdout).toMatch(
      /^(?:permission denied[^\n]*|Operation not permitted)\n(?:permission denied[^\n]*|Operation not permitted)\n$/i,
    );
  });
  it('leaves no process behind that hides from its session', async () => {
    await at.run(sh(`setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' ${at.folder} & echo`));
    expect(
      traces(at.folder).processes.filter((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('trap'),
      ),
    ).toEqual([]);
  });
  it('cannot fill memory with its output', async () => {
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 10);
    let total = 0;
    await at.keeper.run(
      {
        layers: [at.base],
        io: 'events',
        commit: false,
        process: {
          args: sh('head -c 300000000 /dev/zero'),
          ...{ env: [], cwd: '/', user: '', network: 'host', hostname: 'box', tty: false, binds: [] },
        },
      },
      {
        onEvent: ({ bytes }) => {
          total += bytes.length;
        },
      },
    );
    clearInterval(watch);
    expect(total).toBe(300_000_000);
    expect(most - before).toBeLessThan(150_000_000);
  });
});
