import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOfArchive } from '../../src/tar/encoder.ts';
import { type Sandbox, tarEntry, until } from '../support/built-command.ts';
import { useBox } from '../support/shared-box.ts';

describe.each([
  ['root', 'crun'],
  ['root', 'chroot'],
  ['a user', 'crun'],
  ['a user', 'chroot'],
])('cp of %s over %s', (who, runtime) => {
  let box: Sandbox;
  const told = useBox(runtime, who, (made) => {
    box = made;
  });
  const refused = async (want: RegExp, ...words: string[]): Promise<void> => {
    const { code, stderr } = await box.run(words);
    expect(stderr).toMatch(want);
    expect(code).toBe(1);
  };
  const here = (name: string): string => join(box.folder, 'home', name);
  const own = (path: string): void => {
    const { uid, gid } = lstatSync(box.folder);
    chownSync(path, uid, gid);
  };
  const file = (name: string, text: string): string => {
    writeFileSync(here(name), text);
    own(here(name));
    return here(name);
  };
  const folder = (name: string): string => {
    mkdirSync(here(name), { recursive: true });
    own(here(name));
    return here(name);
  };

  it('brings files into a container that never ran, and out of it again', async () => {
    await told(
      'create',
      '--name',
      'idle',
      'base:1',
      'sh',
      '-c',
      'cat /etc/motd; cat /app/main /app/sub/x; stat -c "%a %u" /app/main',
    );
    await told('cp', file('motd', 'hello\n'), 'idle:/etc');
    folder('src/sub');
    file('src/main', 'main\n');
    chmodSync(here('src/main'), 0o754);
    file('src/sub/x', 'x\n');
    symlinkSync('/etc/motd', here('src/link'));
    await told('cp', here('src'), 'idle:/app');
    expect(await told('start', '-a', 'idle')).toBe('hello\nmain\nx\n754 0\n');
    await told('cp', 'idle:/app/.', folder('out'));
    expect(readFileSync(here('out/sub/x'), 'utf8')).toBe('x\n');
    expect(readlinkSync(here('out/link'))).toBe('/etc/motd');
    expect(lstatSync(here('out/main')).mode & 0o777).toBe(0o754);
    expect(lstatSync(here('out/main')).uid).toBe(lstatSync(here('out')).uid);
    await told('cp', '-L', 'idle:/app/link', here('real'));
    expect(readFileSync(here('real'), 'utf8')).toBe('hello\n');
    await told('cp', 'idle:/app/link', here('same'));
    expect(readlinkSync(here('same'))).toBe('/etc/motd');
  });

  it('reads and writes where the program of a running container does', async () => {
    const run = box.start([
      'run',
      '--name',
      'busy',
      'base:1',
      'sh',
      '-c',
      'echo 1 > /tmp/mine; echo ready; until test -s /tmp/go; do sleep 0.05; done; cat /tmp/go',
    ]);
    let said = '';
    run.child.stdout!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    expect(await until(() => said.includes('ready'))).toBe(true);
    await told('cp', 'busy:/tmp/mine', here('mine'));
    expect(readFileSync(here('mine'), 'utf8')).toBe('1\n');
    await told('cp', file('go', 'went\n'), 'busy:/tmp/');
    expect((await run.ended).stdout).toBe('ready\nwent\n');
  });

  it('writes where mounts will be before the container runs, and not into those for reading only', async () => {
    await told('volume', 'create', 'kept');
    const data = folder('data');
    for (const each of [data, folder('fixed')]) file(`${each.slice(here('').length)}/old`, 'old\n');
    const mounts = ['-v', 'kept:/v', '-v', `${data}:/w/d`, '-v', `${here('fixed')}:/fixed:ro`];
    await told('create', '--name', 'mounted', ...mounts, 'base:1', 'sh', '-c', 'cat /v/f /w/d/old /w/d/new');
    folder('tree/d');
    file('tree/d/new', 'new\n');
    file('tree/d/old', 'changed\n');
    await told('cp', file('f', 'first\n'), 'mounted:/v');
    await told('cp', `${here('tree')}/.`, 'mounted:/w');
    expect(readFileSync(join(data, 'new'), 'utf8')).toBe('new\n');
    expect(await told('start', '-a', 'mounted')).toBe('first\nchanged\nnew\n');
    const readOnly = /marked read-only/;
    await refused(readOnly, 'cp', here('f'), 'mounted:/fixed');
    folder('up/fixed');
    file('up/fixed/old', 'changed\n');
    await refused(readOnly, 'cp', `${here('up')}/.`, 'mounted:/');
    expect(readFileSync(join(here('fixed'), 'old'), 'utf8')).toBe('old\n');
    expect(await told('diff', 'mounted')).not.toContain('/v/f');
    await told('rm', 'mounted');
    await told('create', '--name', 'fixed', '--read-only', '-v', 'kept:/v', 'base:1', 'true');
    await refused(readOnly, 'cp', here('f'), 'fixed:/');
    await told('cp', here('f'), 'fixed:/v/g');
    await told('rm', 'fixed');
    await told('volume', 'rm', 'kept');
  });

  it('takes a tar and gives one', async () => {
    await told('create', '--name', 'tars', 'base:1', 'true');
    const tar = Buffer.concat([
      tarEntry({ name: 'd', kind: 'directory', mode: 0o711, uid: 3, gid: 4 }),
      tarEntry({ name: 'd/f', mode: 0o604, uid: 3, gid: 4 }, Buffer.from('of the tar')),
      tarEntry({ name: 'd/same', kind: 'hardlink', linkName: 'd/f' }),
      endOfArchive(),
    ]);
    expect((await box.run(['cp', '-', 'tars:/var'], { input: tar })).stderr).toBe('');
    expect((await box.run(['cp', '-', 'tars:/etc/passwd'], { input: tar })).stderr).toContain(
      'must be a directory',
    );
    await told('cp', '-a', file('mine', 'x'), 'tars:/var/d');
    const ran = await told('cp', 'tars:/var/d', '-');
    writeFileSync(here('d.tar'), ran);
    const listed = execFileSync('tar', ['-tv', '--numeric-owner', '-f', here('d.tar')], { encoding: 'utf8' });
    expect(listed.replace(/ +\d+ \d{4}-\S+ \S+ /g, ' ')).toBe(
      'drwx--x--x 3/4 d/\n-rw----r-- 3/4 d/f\n-rw-r--r-- 0/0 d/mine\nhrw----r-- 3/4 d/same link to d/f\n',
    );
  });

  it('follows the rules for what is there and what is not', async () => {
    await told('create', '--name', 'rules', 'base:1', 'true');
    folder('dir');
    file('dir/f', 'f');
    file('plain', 'p');
    await refused(/no such container:path: rules:\/nope/, 'cp', 'rules:/nope', here('dir'));
    await refused(/no such container:path: rules:\/nope/, 'cp', here('plain'), 'rules:/nope/x');
    await refused(/no such directory/, 'cp', here('plain'), 'rules:/var/none/');
    await refused(/cannot copy directory/, 'cp', here('dir'), 'rules:/etc/passwd');
    await refused(/no such file or directory/, 'cp', here('missing'), 'rules:/');
    await refused(
      /invalid output path: directory ".*none" does not exist/,
      'cp',
      'rules:/etc/passwd',
      here('none/x'),
    );
    await refused(/not a directory/, 'cp', 'rules:/etc/passwd/', here('dir'));
    await refused(/no such container: nobody/, 'cp', 'nobody:/x', here('dir'));
    await told('cp', here('dir'), 'rules:/var');
    await told('cp', here('dir'), 'rules:/var/new');
    await told('cp', `${here('dir')}/.`, 'rules:/tmp');
    await told('cp', here('plain'), 'rules:/var/dir/f');
    expect(await told('diff', 'rules')).toBe(
      'C /tmp\nA /tmp/f\nC /var\nA /var/dir\nA /var/dir/f\nA /var/new\nA /var/new/f\n',
    );
    await told('cp', 'rules:/var/dir/f', here('dir'));
    expect(readFileSync(here('dir/f'), 'utf8')).toBe('p');
    // A directory never takes the place of a file, nor a file that of a directory.
    folder('odd/etc/passwd');
    await refused(
      /cannot overwrite non-directory "etc\/passwd" with a directory/,
      'cp',
      `${here('odd')}/.`,
      'rules:/',
    );
    for (const words of [
      ['a', 'b'],
      ['rules:/a', 'rules:/b'],
    ]) {
      expect((await box.run(['cp', ...words])).code).toBe(2);
    }
  });
});
