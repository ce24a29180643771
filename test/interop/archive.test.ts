import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressLayers } from '../../src/image/compress-layers.ts';
import { findImage } from '../../src/image/find-image.ts';
import { imageId } from '../../src/image/image-id.ts';
import { loadArchive } from '../../src/image/load-archive.ts';
import { saveToFile } from '../../src/image/save-images.ts';
import type { Image } from '../../src/image/types.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { putImage } from '../support/images.ts';

const NAME = 'docker.io/library/app:1';

let work: string;
let image: Image;
/** Saved plain, saved with gzip layers as stored. */
let plain: string;
let gzip: string;
let counter = 0;

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
const skopeo = (...args: string[]) => run('skopeo', '--insecure-policy', ...args);
const fresh = (name: string): string => join(work, `${name}-${counter++}`);
const ownRoot = (): string[] => [
  '--root',
  join(work, 'root'),
  '--runroot',
  join(work, 'runroot'),
  '--storage-driver',
  'vfs',
];
const podman = (...args: string[]) => run('podman', ...ownRoot(), ...args);
const buildah = (...args: string[]) => run('buildah', ...ownRoot(), ...args);

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-archive-'));
  const store = createDirectoryStore(join(work, 'store'));
  image = await putImage(store, NAME);
  plain = join(work, 'plain.tar');
  gzip = join(work, 'gzip.tar');
  await saveToFile(store, [{ image, name: NAME }], plain);
  await saveToFile(store, [{ image: await compressLayers(image, 'gzip', store), name: NAME }], gzip, {
    layers: 'stored',
  });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What a `dir:` copy's manifest says of config and layers. */
function readDir(folder: string): { config: { digest: string }; layers: { digest: string }[] } {
  return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
}

describe('an archive saved here is read by others', () => {
  it.each(['plain', 'gzip'])('by skopeo as docker-archive and as oci-archive (%s)', (kind) => {
    const file = kind === 'plain' ? plain : gzip;
    const [docker, oci] = [fresh('dir'), fresh('dir')];
    skopeo('copy', '-q', `docker-archive:${file}`, `dir:${docker}`);
    skopeo('copy', '-q', `oci-archive:${file}`, `dir:${oci}`);
    expect(readDir(docker).config.digest).toBe(imageId(image));
    expect(readDir(oci).config.digest).toBe(imageId(image));
    skopeo('copy', '-q', `docker-archive:${file}:app:1`, `dir:${fresh('dir')}`);
    skopeo('copy', '-q', `oci-archive:${file}:1`, `dir:${fresh('dir')}`);
  });

  it.each(['plain', 'gzip'])('by podman load (%s), which then has name, id and files', (kind) => {
    expect(podman('load', '-q', '-i', kind === 'plain' ? plain : gzip)).toContain('docker.io/library/app:1');
    expect(podman('images', '--no-trunc', '-q', 'docker.io/library/app:1').trim()).toBe(imageId(image));
    const mounted = podman('image', 'mount', 'docker.io/library/app:1').trim();
    expect(readFileSync(join(mounted, 'greeting'), 'utf8')).toBe('hello\n');
    expect(readFileSync(join(mounted, 'second'), 'utf8')).toBe('second');
    podman('image', 'umount', '-a');
    podman('rmi', '-af');
  });

  it('by podman pull from oci-archive', () => {
    expect(podman('pull', '-q', `oci-archive:${plain}`).trim()).toBe(imageId(image).slice(7));
    podman('rmi', '-af');
  });

  it('by buildah from docker-archive', () => {
    const container = buildah('from', `docker-archive:${plain}`).trim();
    const mounted = buildah('mount', container).trim();
    expect(readFileSync(join(mounted, 'greeting'), 'utf8')).toBe('hello\n');
    buildah('rm', container);
    podman('rmi', '-af');
  });

  it('by umoci, unpacked as a layout', () => {
    const layout = fresh('layout');
    mkdirSync(layout);
    run('tar', '-xf', plain, '-C', layout);
    const bundle = fresh('bundle');
    run('umoci', 'unpack', '--image', `${layout}:1`, bundle);
    expect(readFileSync(join(bundle, 'rootfs', 'second'), 'utf8')).toBe('second');
  });

  it('by GNU tar, which finds regular files without a time only', () => {
    const lines = run('tar', '--utc', '-tvf', plain).trim().split('\n');
    expect(lines.length).toBeGreaterThan(7);
    for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 /);
  });
});

describe('containerd imports an archive saved here', () => {
  let daemon: ChildProcess;
  let socket: string;
  const ctr = (...args: string[]) => run('ctr', '-a', socket, ...args);

  beforeAll(async () => {
    const home = join(work, 'containerd');
    mkdirSync(home);
    socket = join(home, 'c.sock');
    const config = join(home, 'config.toml');
    writeFileSync(
      config,
      `version = 2\nroot = "${home}/root"\nstate = "${home}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${socket}"\n[ttrpc]\n  address = "${socket}.ttrpc"\n`,
    );
    daemon = spawn('containerd', ['-c', config, '-l', 'error'], { stdio: 'ignore' });
    await until(() => {
      ctr('version');
      return true;
    });
  });
  afterAll(async () => {
    await stop(daemon);
  });

  it.each(['plain', 'gzip'])('and unpacks it (%s)', (kind) => {
    ctr('image', 'import', kind === 'plain' ? plain : gzip);
    expect(ctr('image', 'ls', '-q').trim()).toBe(NAME);
    const mounted = fresh('mount');
    mkdirSync(mounted);
    ctr('image', 'mount', NAME, mounted);
    try {
      expect(readFileSync(join(mounted, 'greeting'), 'utf8')).toBe('hello\n');
      expect(readFileSync(join(mounted, 'second'), 'utf8')).toBe('second');
    } finally {
      ctr('image', 'unmount', '--rm', mounted);
    }
    ctr('image', 'rm', '--sync', NAME);
  });

  it('and what it exports is loaded here', async () => {
    ctr('image', 'import', gzip);
    const file = fresh('ctr');
    ctr('image', 'export', file, NAME);
    ctr('image', 'rm', '--sync', NAME);
    await expectLoaded(file, [NAME]);
  });
});

describe('docker 20.10 (dockerd) loads an archive saved here', () => {
  let daemon: ChildProcess;
  let socket: string;
  const docker = (...args: string[]) => run('/usr/bin/docker', '-H', `unix://${socket}`, ...args);

  beforeAll(async () => {
    const home = join(work, 'docker');
    mkdirSync(home);
    socket = join(home, 'd.sock');
    daemon = spawn(
      'dockerd',
      [
        ...['--data-root', join(home, 'data'), '--exec-root', join(home, 'exec'), '-p', join(home, 'pid')],
        ...[
          '-H',
          `unix://${socket}`,
          '--iptables=false',
          '--ip6tables=false',
          '--bridge=none',
          '--storage-driver=vfs',
          '-l',
          'error',
        ],
      ],
      { stdio: 'ignore' },
    );
    await until(() => {
      docker('version');
      return true;
    });
  });
  afterAll(async () => {
    await stop(daemon);
  });

  it.each(['plain', 'gzip'])('with its name and id (%s)', (kind) => {
    expect(docker('load', '-i', kind === 'plain' ? plain : gzip)).toContain('Loaded image: app:1');
    expect(docker('image', 'inspect', '--format', '{{.Id}}', 'app:1').trim()).toBe(imageId(image));
    docker('rmi', 'app:1');
  });

  it('and what it saves, its old form with links and all, is loaded here', async () => {
    docker('load', '-i', plain);
    const file = fresh('docker-save');
    docker('save', '-o', file, 'app:1');
    await expectLoaded(file, [NAME]);
    docker('save', '-o', file, imageId(image));
    await expectLoaded(file, []);
  });
});

/** Loads the archive into an empty store and looks at what came. */
async function expectLoaded(file: string, names: readonly string[]): Promise<Image> {
  const store = createDirectoryStore(fresh('store'));
  const [loaded] = await loadArchive(store, file);
  expect(loaded).toMatchObject({ names, id: imageId(image) });
  const found = await findImage(store, loaded!.id);
  for (const layer of found.layers) for await (const _ of layer.openTar());
  const problems: unknown[] = [];
  for await (const problem of store.check()) problems.push(problem);
  expect(problems).toEqual([]);
  return found;
}

describe('archives that others write are loaded here', () => {
  it('by skopeo: docker-archive, oci-archive, OCI layout', async () => {
    const [docker, oci, layout] = [fresh('docker'), fresh('oci'), fresh('layout')];
    skopeo('copy', '-q', `oci-archive:${gzip}`, `docker-archive:${docker}:app:1`);
    skopeo('copy', '-q', '--preserve-digests', `oci-archive:${gzip}`, `oci-archive:${oci}:${NAME}`);
    skopeo('copy', '-q', `oci-archive:${gzip}`, `oci:${layout}:tag`);
    await expectLoaded(docker, [NAME]);
    const kept = await expectLoaded(oci, [NAME]);
    const store = createDirectoryStore(fresh('store'));
    const [direct] = await loadArchive(store, gzip);
    expect(kept.descriptor.digest).toBe(direct!.target.digest);
    await expectLoaded(layout, []);
  });

  it('by podman: docker-archive and oci-archive', async () => {
    podman('load', '-q', '-i', plain);
    const [docker, oci] = [fresh('docker'), fresh('oci')];
    podman('save', '-q', '--format', 'docker-archive', '-o', docker, NAME);
    podman('save', '-q', '--format', 'oci-archive', '-o', oci, NAME);
    podman('rmi', '-af');
    await expectLoaded(docker, [NAME]);
    await expectLoaded(oci, [NAME]);
  });

  it('by umoci: a layout with a layer of its own', async () => {
    const layout = fresh('layout');
    run('umoci', 'init', '--layout', layout);
    run('umoci', 'new', '--image', `${layout}:t`);
    const [bundle, store] = [fresh('bundle'), createDirectoryStore(fresh('store'))];
    run('umoci', 'unpack', '--image', `${layout}:t`, bundle);
    writeFileSync(join(bundle, 'rootfs', 'made'), 'by umoci');
    run('umoci', 'repack', '--image', `${layout}:t`, bundle);
    const [loaded] = await loadArchive(store, layout);
    const found = await findImage(store, loaded!.id);
    expect(found.layers).toHaveLength(1);
    const parts: Uint8Array[] = [];
    for await (const part of found.layers[0]!.openTar()) parts.push(part);
    expect(Buffer.concat(parts).toString('latin1')).toContain('by umoci');
  });

  it.each(['gzip', 'xz', 'bzip2', 'zstd'])('compressed as a whole by %s', async (program) => {
    const file = fresh('packed');
    const bytes = execFileSync(program, ['-c', plain], { maxBuffer: 1 << 26 });
    writeFileSync(file, bytes);
    expect((await expectLoaded(file, [NAME])).descriptor).toEqual(image.descriptor);
  });
});

/** Waits until the probe gives true; what it throws means not yet. */
async function until(probe: () => boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      if (probe()) return;
    } catch (error) {
      if (tries > 300) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null) return;
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await ended;
  // Daemons bind their own folders; nothing may stay mounted below the temporary folder.
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
    const at = line.split(' ')[1];
    if (at?.startsWith(work) && existsSync(at)) run('umount', '-l', at);
  }
}
