import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findImage } from '../../src/image/find-image.ts';
import type { Image } from '../../src/image/types.ts';
import { stackLayers } from '../../src/layer/apply-layer.ts';
import { readLayerIndex } from '../../src/layer/read-index.ts';
import type { Inode } from '../../src/layer/types.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { startContainerd, startDockerd } from '../support/daemons.ts';
import type { Dobos } from '../support/dobos.ts';
import { buildHelloC, GREETING } from '../support/hello-c.ts';
import { type RootfsAgent, startAgent } from '../support/rootfs-agent.ts';
import { differences, viewFolder, viewLayers } from '../support/unpacked.ts';

const NAME = 'docker.io/library/hello-c:latest';

let work: string;
let dobos: Dobos;
/** As `dobos save` writes it. */
let archive: string;
let image: Image;

const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-hello-c-'));
  dobos = buildHelloC({ store: join(work, 'store') });
  archive = join(work, 'hello-c.tar');
  dobos('save', '-o', archive, 'hello-c');
  image = await findImage(createDirectoryStore(dobos.store), 'hello-c');
}, 600_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('hello-c', () => {
  it('greets with dobos run', () => {
    expect(dobos('run', 'hello-c')).toBe(GREETING);
    expect(dobos('run', '--runtime', 'chroot', 'hello-c')).toBe(GREETING);
  });

  it('is inspected by skopeo in the store, and in the archive in both its forms', () => {
    const [config] = JSON.parse(dobos('inspect', 'hello-c')) as {
      Id: string;
      RootFS: { Layers: string[] };
    }[];
    for (const place of [
      `oci:${dobos.store}:hello-c:latest`,
      `docker-archive:${archive}`,
      `oci-archive:${archive}`,
    ]) {
      const seen = JSON.parse(run('skopeo', 'inspect', place)) as Record<string, unknown>;
      expect(seen, place).toMatchObject({ Os: 'linux', Layers: config?.RootFS.Layers });
      const raw = JSON.parse(run('skopeo', 'inspect', '--config', '--raw', place)) as Record<string, unknown>;
      expect(raw, place).toMatchObject({ config: { Cmd: ['/app/hello'], WorkingDir: '/app' } });
    }
  });
});

describe('the file tree of hello-c as umoci unpacks it from the store', () => {
  let agent: RootfsAgent;
  let rootfs: string;
  beforeAll(() => {
    agent = startAgent({ storeFolder: dobos.store });
    const bundle = join(work, 'bundle');
    run('umoci', 'unpack', '--image', `${dobos.store}:hello-c:latest`, bundle);
    rootfs = join(bundle, 'rootfs');
  }, 300_000);
  afterAll(() => agent.close());

  it('is entry by entry what a container sees here', async () => {
    const theirs = await viewFolder(agent, rootfs);
    const ours = await viewLayers(
      agent,
      image.layers.map(({ blob, diffId }) => ({ blob, diffId })),
    );
    expect(Object.keys(theirs).length).toBeGreaterThan(5000);
    expect(differences(ours, theirs)).toEqual([]);
  }, 300_000);

  it('is entry by entry what the indexes of its layers say', async () => {
    const store = createDirectoryStore(dobos.store);
    const tree = stackLayers(await Promise.all(image.layers.map((layer) => readLayerIndex(store, layer))));
    const theirs = await viewFolder(agent, rootfs);
    const ours: Record<string, string> = {};
    const names = new Map<string, string[]>();
    for (const [path, inode] of [['', tree.get('')] as const, ...tree.walk()]) {
      if (inode === undefined) continue;
      ours[path] = describeInode(inode);
      const key = `${inode.layer}:${inode.order}`;
      if (inode.kind !== 'directory') names.set(key, [...(names.get(key) ?? []), path]);
    }
    for (const paths of names.values()) {
      if (paths.length > 1) for (const path of paths) ours[path] += ` = ${paths[0]}`;
    }
    expect(differences(ours, theirs)).toEqual([]);
  }, 300_000);

  it('greets when it is run by chroot', () => {
    expect(run('chroot', rootfs, '/app/hello')).toBe(GREETING);
  });
});

/** An inode in the words of a view. */
function describeInode(inode: Inode): string {
  const kinds = { directory: 'dir', symlink: 'link', character: 'char' } as Record<string, string>;
  const parts = [kinds[inode.kind] ?? inode.kind, inode.mode.toString(8), `${inode.uid}:${inode.gid}`];
  const time = String(inode.mtime.seconds);
  if (inode.kind !== 'directory') parts.push(time);
  if (inode.kind === 'symlink') parts.push(`-> ${inode.linkTo}`);
  if (inode.device !== undefined) parts.push(String(inode.device.major * 256 + inode.device.minor));
  if (inode.kind === 'file') parts.push(String(inode.size), inode.contentDigest?.slice(7, 23) ?? 'no digest');
  for (const [name, value] of [...(inode.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
    parts.push(`${name}=${Buffer.from(value).toString('hex')}`);
  if (inode.kind === 'directory') parts.push(time);
  return parts.join(' ');
}

describe('hello-c elsewhere', () => {
  it('is imported and run by containerd', async () => {
    const daemon = await startContainerd(join(work, 'containerd'));
    try {
      daemon.client('image', 'import', archive);
      expect(daemon.client('image', 'ls', '-q').trim()).toBe(NAME);
      expect(daemon.client('run', '--rm', '--net-host', NAME, `hello-${process.pid}`)).toBe(GREETING);
    } finally {
      await daemon.stop();
    }
  }, 300_000);

  it('is loaded and run by docker 20.10 (dockerd)', async () => {
    const daemon = await startDockerd(join(work, 'docker'));
    try {
      expect(daemon.client('load', '-i', archive)).toContain('Loaded image: hello-c:latest');
      expect(daemon.client('run', '--rm', '--network=host', 'hello-c')).toBe(GREETING);
      const id = daemon.client('image', 'inspect', '--format', '{{.Id}}', 'hello-c').trim();
      expect(id).toBe(dobos('inspect', '--format', '{{.Id}}', 'hello-c').trim());
    } finally {
      await daemon.stop();
    }
  }, 300_000);

  it('is loaded and run by podman', () => {
    const own = ['--root', join(work, 'podman'), '--runroot', join(work, 'podman-run'), '--runtime', 'runc'];
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
    try {
      expect(run('podman', ...own, 'load', '-q', '-i', archive)).toContain(NAME);
      expect(run('podman', ...own, 'run', '--rm', '--network=none', ...limits, 'hello-c')).toBe(GREETING);
    } finally {
      spawnSync('podman', [...own, 'rmi', '-af']);
    }
  }, 300_000);
});
