import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findImage } from '../../src/image/find-image.ts';
import type { Image } from '../../src/image/types.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { startContainerd, startDockerd } from '../support/daemons.ts';
import type { Dobos } from '../support/dobos.ts';
import { buildHelloC, GREETING } from '../support/hello-c.ts';
import { type RootfsAgent, startAgent } from '../support/rootfs-agent.ts';
import { differences, readTree, viewFolder, viewLayers, viewTree } from '../support/unpacked.ts';

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
    const theirs = await viewFolder(agent, rootfs);
    const ours = viewTree(await readTree(dobos.store, 'hello-c'));
    expect(differences(ours, theirs)).toEqual([]);
  }, 300_000);

  it('greets when it is run by chroot', () => {
    expect(run('chroot', rootfs, '/app/hello')).toBe(GREETING);
  });
});

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
