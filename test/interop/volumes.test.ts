import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

describe.each([
  ['root', 'crun'],
  ['root', 'chroot'],
  ['a user', 'crun'],
])('volumes of %s over %s', (who, runtime) => {
  let box: Sandbox;
  const told = useBox(runtime, who, (made) => {
    box = made;
  });
  const refused = async (code: number, want: string, ...words: string[]): Promise<void> => {
    const ran = await box.run(words);
    expect(ran.stderr).toContain(want);
    expect(ran.code).toBe(code);
  };
  const inside = (script: string, ...options: string[]): Promise<string> =>
    told('run', '--rm', ...options, 'base:1', 'sh', '-c', script);

  it('outlive containers, are shared, and are refused while somebody uses them', async () => {
    expect(await told('volume', 'create', '--label', 'of=test', 'data')).toBe('data\n');
    expect(await told('volume', 'create', 'data')).toBe('data\n');
    await inside('echo kept > /d/f; chown 5:6 /d/f', '-v', 'data:/d');
    expect(await inside('cat /e/f; stat -c %u:%g /e/f; touch /e/x 2>&1 || true', '-v', 'data:/e:ro')).toMatch(
      /^kept\n5:6\n.*Read-only file system/,
    );
    await told('create', '--name', 'user', '-v', 'data:/d', 'base:1', 'cat', '/d/f');
    await refused(1, 'volume data is in use by user - [', 'volume', 'rm', 'data');
    expect(await told('start', '-a', 'user')).toBe('kept\n');
    expect(await told('volume', 'ls')).toBe('DRIVER    VOLUME NAME\nlocal     data\n');
    expect(await told('volume', 'ls', '-q', '--filter', 'dangling=true')).toBe('');
    expect(await told('volume', 'ls', '-q', '--filter', 'label=of=test')).toBe('data\n');
    expect(await told('volume', 'ls', '-q', '--filter', 'name=^da', '--filter', 'driver=local')).toBe(
      'data\n',
    );
    expect(await told('volume', 'ls', '-q', '--filter', 'label=of=else')).toBe('');
    await refused(
      1,
      'filter "x=y": there is no filter "x"\nhint: want dangling=',
      'volume',
      'ls',
      '--filter',
      'x=y',
    );
    const [facts] = JSON.parse(await told('volume', 'inspect', 'data')) as { Mountpoint: string }[];
    expect(facts).toMatchObject({ Name: 'data', Driver: 'local', Scope: 'local', Labels: { of: 'test' } });
    expect(readFileSync(join(facts!.Mountpoint, 'f'), 'utf8')).toBe('kept\n');
    const [container] = JSON.parse(await told('inspect', 'user')) as { Mounts: object[] }[];
    expect(container!.Mounts).toMatchObject([{ Type: 'volume', Name: 'data', Destination: '/d', RW: true }]);
    expect(
      await told('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}}'),
    ).toContain('Local Volumes 1 1 5B\n');
    expect(await told('cp', 'user:/d/f', '-')).toContain('kept');
    await told('rm', '-v', 'user');
    expect(await told('volume', 'prune')).toBe('Total reclaimed space: 0B\n');
    expect(await told('volume', 'prune', '-a')).toBe('Deleted Volumes:\ndata\n\nTotal reclaimed space: 5B\n');
    await refused(1, 'no such volume: data', 'volume', 'rm', 'data');
    await told('volume', 'rm', '-f', 'data');
    expect(await told('system', 'check')).toContain('The store is whole');
  });

  it('get what the image has at their place, once', async () => {
    const make =
      'mkdir -p /w/sub; echo of the image > /w/sub/f; chown -R 7:8 /w; chmod 711 /w; ln -s sub/f /w/link';
    await told('run', '--name', 'maker', 'base:1', 'sh', '-c', make);
    await told('commit', '-c', 'VOLUME /w', '-c', 'VOLUME /none', 'maker', 'filled:1');
    const look = 'cat /w/link; stat -c "%u:%g %a" /w /w/sub/f; echo more >> /w/sub/f';
    const first = 'of the image\n7:8 711\n7:8 644\n';
    expect(await told('run', '--rm', '-v', 'own:/w', 'filled:1', 'sh', '-c', look)).toBe(first);
    expect(await told('run', '--rm', '-v', 'own:/w', 'filled:1', 'cat', '/w/sub/f')).toBe(
      'of the image\nmore\n',
    );
    expect(await told('run', '--rm', '-v', 'bare:/w:nocopy', 'filled:1', 'ls', '-A', '/w')).toBe('');
    // The image's own VOLUMEs, without a name: kept with the container, gone with --rm and rm -v.
    await told('volume', 'rm', 'own', 'bare');
    expect(await told('run', '--rm', 'filled:1', 'sh', '-c', look)).toBe(first);
    expect(await told('volume', 'ls', '-q')).toBe('');
    await told('run', '--name', 'keeps', 'filled:1', 'sh', '-c', look);
    expect((await told('volume', 'ls', '-q')).trim().split('\n')).toHaveLength(2);
    expect(await told('start', '-a', 'keeps')).toBe('of the image\nmore\n7:8 711\n7:8 644\n');
    expect(await told('diff', 'keeps')).not.toContain('/w');
    await told('rm', 'keeps');
    expect((await told('volume', 'ls', '-q')).trim().split('\n')).toHaveLength(2);
    expect(await told('system', 'prune', '--volumes', '--keep-cache')).toContain('Volumes removed: 2\n');
    await told('run', '--name', 'keeps', 'filled:1', 'true');
    await told('rm', '-v', 'keeps');
    expect(await told('volume', 'ls', '-q')).toBe('');
  });

  it('lose the half that a kill left of such a copy, and nothing that came after it', async () => {
    await told('volume', 'create', 'half');
    const [facts] = JSON.parse(await told('volume', 'inspect', 'half')) as { Mountpoint: string }[];
    const { Mountpoint } = facts!;
    writeFileSync(join(Mountpoint, 'torn'), 'to');
    writeFileSync(join(dirname(Mountpoint), 'filling'), '');
    await told('run', '--name', 'full', 'base:1', 'sh', '-c', 'mkdir /w; echo of the image > /w/f');
    await told('commit', 'full', 'full:1');
    const write = 'ls -A /w; echo mine > /w/mine';
    expect(await told('run', '--rm', '-v', 'half:/w:nocopy', 'full:1', 'sh', '-c', write)).toBe('');
    expect(await told('run', '--rm', '-v', 'half:/w', 'full:1', 'ls', '-A', '/w')).toBe('mine\n');
    await told('rm', 'full');
    await told('volume', 'rm', 'half');
  });

  it('and folders of the host: -v makes a missing one, --mount does not', async () => {
    const home = join(box.folder, 'home');
    await inside('echo x > /h/f', '-v', `${home}/new/deep:/h`);
    expect(readFileSync(join(home, 'new/deep/f'), 'utf8')).toBe('x\n');
    expect(await told('run', '--rm', '-v', './home/new:/h:ro', 'base:1', 'cat', '/h/deep/f')).toBe('x\n');
    expect(await told('run', '--rm', '-v', `${home}/new/../new:/h`, 'base:1', 'ls', '/h')).toBe('deep\n');
    await refused(
      125,
      `bind source path does not exist: ${home}/none`,
      'run',
      '--rm',
      '--mount',
      `type=bind,src=${home}/none,dst=/h`,
      'base:1',
      'true',
    );
    expect(existsSync(join(home, 'none'))).toBe(false);
    expect(await inside('cat /h/deep/f', '--mount', `type=bind,src=${home}/new,dst=/h,readonly`)).toBe('x\n');
    await refused(125, 'Duplicate mount point: /h', 'run', '-v', 'a:/h', '-v', 'b:/h', 'base:1', 'true');
    await refused(
      125,
      'includes invalid characters for a volume name',
      'run',
      '-v',
      'rel/path:/h',
      'base:1',
      'true',
    );
    await refused(125, "destination can't be '/'", 'run', '-v', `${home}:/`, 'base:1', 'true');
  });

  it('memory has the size and the rights asked for, and no programs start there', async () => {
    const script =
      'stat -c %a /m; echo "#!/bin/sh" > /m/p; chmod 755 /m/p; /m/p 2> /dev/null || echo none; dd if=/dev/zero of=/m/big bs=1k count=2000 2>/dev/null || echo full';
    expect(await told('run', '--rm', '--tmpfs', '/m:size=1m,mode=711', 'base:1', 'sh', '-c', script)).toBe(
      '711\nnone\nfull\n',
    );
    expect(await inside('echo x > /m/f && ls /m', '--mount', 'type=tmpfs,dst=/m')).toBe('f\n');
    expect(
      await inside('echo x 2> /dev/null > /m/f || echo no', '--mount', 'type=tmpfs,dst=/m,readonly'),
    ).toBe('no\n');
  });

  it('are not broken by what stands in the store', async () => {
    const base = join(box.store, 'volumes');
    mkdirSync(join(base, 'odd'), { recursive: true });
    writeFileSync(join(base, 'odd/volume.json'), '{"version":1,"name":"../../x"}');
    mkdirSync(join(base, '-x'), { recursive: true });
    expect(await told('volume', 'ls', '-q')).toBe('');
    await refused(1, 'no such volume: ../x', 'volume', 'inspect', '../x');
    await refused(1, 'includes invalid characters', 'volume', 'create', 'a/b');
    rmSync(base, { recursive: true });
    expect(lstatSync(box.store).isDirectory()).toBe(true);
  });
});
