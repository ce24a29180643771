import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamOf } from '../../src/base/bytes.ts';
import { readTar } from '../../src/tar/read.ts';
import { tarEntry } from '../support/built-command.ts';
import { type Daemon, startDockerd } from '../support/daemons.ts';
import { type Dobos, dobosFor } from '../support/dobos.ts';

/** CAP_NET_RAW in the permitted set, as the kernel keeps it (capabilities(7), VFS_CAP_REVISION_2). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** Everything that a layer can say: deletions, a folder made anew, copies up, links, devices, modes, owners, attributes, odd names, what is mounted. */
const SCRIPT = `set -e
rm -r /gone; rm /gone-file; rm -r /anew; mkdir /anew; echo new > /anew/new
mkdir -p /a/b; echo x > /a/b/f; ln /a/b/f /a/hard; ln -s f /a/b/sym; chown -h 7:8 /a/b/sym
mkfifo /a/fifo; mknod /a/null c 1 3; chmod 4755 /a/b/f; chmod 1777 /a
echo y >> /linked; chmod 600 /only-mode; mv /tool /moved; chown 1000:1000 /owned
rm /was-folder/f; rmdir /was-folder; echo file > /was-folder
touch "/a/odd  name" "/a/ü" "/a/-x" '/a/back\\slash'
echo 1.2.3.4 host >> /etc/hosts
touch /a/sparse; dd if=/dev/zero of=/a/sparse bs=1 count=1 seek=100000 2>/dev/null`;

let work: string;
let dobos: Dobos;
let docker: Daemon;
const podman = (...args: string[]): string =>
  execFileSync(
    'podman',
    [
      ...['--root', join(work, 'podman'), '--runroot', join(work, 'podman-run'), '--runtime', 'runc'],
      ...['--storage-driver', 'overlay', ...args],
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] },
  );

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-peers-'));
  dobos = dobosFor({ store: join(work, 'store') });
  const base = join(work, 'base.tar');
  writeFileSync(base, baseRoot());
  dobos('import', '-c', 'ENV PATH=/bin', '-c', 'CMD ["sh"]', base, 'base:1');
  const archive = join(work, 'base-image.tar');
  dobos('save', '-o', archive, 'base:1');
  docker = await startDockerd(join(work, 'docker'));
  docker.client('load', '-i', archive);
  podman('load', '-q', '-i', archive);
  const run = ['run', '--network=none', '--name', 'rich', 'base:1', 'sh', '-c', SCRIPT];
  dobos(...run);
  docker.client(...run);
  podman(
    'run',
    '--ulimit',
    'nofile=1024:1024',
    '--ulimit',
    'nproc=1024:1024',
    '--cap-add',
    'MKNOD',
    ...run.slice(1),
  );
}, 300_000);
afterAll(async () => {
  await docker?.stop();
  spawnSync('podman', ['--root', join(work, 'podman'), '--runroot', join(work, 'podman-run'), 'rm', '-af']);
  spawnSync('umount', ['-l', join(work, 'podman', 'overlay')]);
  rmSync(work, { recursive: true, force: true });
});

describe('a container beside its peers’', () => {
  it('is exported entry by entry as docker 20.10 and podman do', async () => {
    const paths = ['dobos', 'docker', 'podman'].map((name) => join(work, `${name}.tar`));
    dobos('export', '-o', paths[0]!, 'rich');
    docker.client('export', '-o', paths[1]!, 'rich');
    podman('export', '-o', paths[2]!, 'rich');
    const [ours, dockers, podmans] = await Promise.all(paths.map((path) => entriesOf(readFileSync(path))));
    expect(Object.keys(ours!).length).toBeGreaterThan(30);
    // docker has empty files there, whatever the image has.
    const network = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf'].map((path) => [path, ours![path]]);
    expect(ours).toEqual({ ...withoutStubs(dockers!, ours!), ...Object.fromEntries(network) });
    expect(ours).toEqual(withoutStubs(podmans!, ours!));
    expect(ours!['etc/hosts']).toContain(' 4 ');
    expect(ours!.moved).toContain(CAPABILITY.toString('hex'));
  });

  it('is committed entry by entry as podman and docker 20.10 do', async () => {
    dobos('commit', 'rich', 'committed:1');
    podman('commit', '-q', 'rich', 'committed:1');
    docker.client('commit', 'rich', 'committed:1');
    const paths = ['dobos', 'podman', 'docker'].map((name) => join(work, `${name}-image.tar`));
    dobos('save', '-o', paths[0]!, 'committed:1');
    podman('save', '-q', '-o', paths[1]!, 'committed:1');
    docker.client('save', '-o', paths[2]!, 'committed:1');
    const [ours, podmans, dockers] = await Promise.all(
      paths.map(async (path) => entriesOf(await topLayer(path))),
    );
    expect(Object.keys(ours!)).toEqual(
      expect.arrayContaining(['.wh.gone', '.wh.gone-file', 'anew/.wh..wh..opq', 'a/b/f']),
    );
    expect(ours).toEqual(withoutStubs(podmans!, ours!));
    expect(ours).toEqual(withoutStubs(dockers!, ours!));
  });

  it('differs from its image in the lines that docker 20.10 prints', () => {
    const sorted = (text: string): string[] => text.trim().split('\n').sort();
    expect(sorted(dobos('diff', 'rich'))).toEqual(sorted(docker.client('diff', 'rich')));
  });
});

/** Entries by path, each told without its time; directories without a trailing slash. */
async function entriesOf(tar: Buffer): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  for await (const { header } of readTar(streamOf(tar))) {
    const { kind, mode, uid, gid, size, linkName, device, xattrs } = header;
    const name = header.name.replace(/^\.?\//, '');
    if (name === '' || name === '.') continue;
    const capability = xattrs?.get('security.capability');
    const hidden = /(?:^|\/)\.wh\./.test(name);
    entries[name] = hidden
      ? 'hides'
      : [
          ...[
            kind,
            kind === 'symlink' ? '' : mode.toString(8),
            `${uid}:${gid}`,
            `${size} ${linkName.replace(/^\//, '')}`,
          ],
          ...[device === undefined ? '' : `${device.major}:${device.minor}`],
          capability === undefined ? '' : Buffer.from(capability).toString('hex'),
        ].join(' ');
  }
  return entries;
}

/** Mount points that peers leave: empty files and folders that the image does not have, and their own marks. */
function withoutStubs(theirs: Record<string, string>, ours: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(theirs).filter(
      ([path]) => path in ours || !/^(?:\.dockerenv|dev|etc|proc|run|sys)(?:\/|$)/.test(path),
    ),
  );
}

/** The topmost layer of an archive that `docker load` reads. */
async function topLayer(path: string): Promise<Buffer> {
  const files = new Map<string, Buffer>();
  const links = new Map<string, string>();
  for await (const { header, body } of readTar(streamOf(readFileSync(path)))) {
    const parts: Uint8Array[] = [];
    for await (const part of body) parts.push(part);
    files.set(header.name, Buffer.concat(parts));
    if (header.kind === 'symlink') links.set(header.name, header.linkName);
  }
  const [manifest] = JSON.parse(String(files.get('manifest.json'))) as { Layers: string[] }[];
  const name = manifest!.Layers.at(-1)!;
  return files.get(links.has(name) ? join(name, '..', links.get(name)!) : name)!;
}

function baseRoot(): Buffer {
  const folders = [
    'a0',
    'anew',
    'bin',
    'dev',
    'etc',
    'gone',
    'proc',
    'root',
    'run',
    'sys',
    'tmp',
    'was-folder',
  ];
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const text = (name: string, more: object = {}): Buffer => tarEntry({ name, ...more }, Buffer.from('old\n'));
  return Buffer.concat([
    ...folders.map((name) => tarEntry({ name, kind: 'directory', mode: 0o755 })),
    tarEntry({ name: 'bin/busybox', mode: 0o755 }, readFileSync('/bin/busybox')),
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name) => tarEntry({ name: `bin/${name}`, kind: 'symlink', mode: 0o777, linkName: 'busybox' })),
    ...['gone/f', 'gone-file', 'anew/old', 'anew/older', 'only-mode', 'owned', 'was-folder/f'].map((name) =>
      text(name),
    ),
    ...['etc/hosts', 'etc/resolv.conf', 'etc/hostname', 'etc/passwd'].map((name) => text(name)),
    text('linked'),
    tarEntry({ name: 'linked-too', kind: 'hardlink', linkName: 'linked' }),
    text('tool', { mode: 0o755, xattrs: new Map([['security.capability', CAPABILITY]]) }),
    Buffer.alloc(1024),
  ]);
}
