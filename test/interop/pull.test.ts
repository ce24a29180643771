import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import { appendLayer } from '../../src/image/edit-config.ts';
import { scratchImage } from '../../src/image/scratch-image.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import { toArray } from '../../src/store/contract-fixtures.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { createSandbox, type Ran, type Sandbox } from '../support/built-command.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type DockerRegistry, PASSWORD, startDockerRegistry, USER } from '../support/docker-registry.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { pullThrough } from '../support/faulty-pull.ts';
import { tarOf } from '../support/images.ts';
import {
  AMD64,
  inspect,
  makeRegistryImages,
  putNestedIndex,
  type RegistryImages,
} from '../support/registry-images.ts';
import { startTokenServer } from '../support/token-server.ts';

let work: string;
let registry: DockerRegistry;
let images: RegistryImages;
/** Counts what is asked of the registry. */
let proxy: FaultProxy;
let box: Sandbox;

/** Tag, the image in the layout, and how skopeo copies it. */
const PUSHED = [
  ['gzip', 'app', []],
  ['other', 'other', []],
  ['v2s2', 'app', ['--format', 'v2s2']],
  ['uncompressed', 'app', ['--preserve-digests']],
  ['index', 'index', ['--all', '--preserve-digests']],
  ['list', 'index', ['--all', '--format', 'v2s2']],
  ['arm-only', 'arm-only', ['--all', '--preserve-digests']],
  // Last: skopeo would take its blobs for images of other types too.
  ['zstd', 'app-zstd', ['--preserve-digests']],
] as const;
const RUNNABLE = ['gzip', 'zstd', 'v2s2', 'uncompressed', 'index', 'list', 'nested'] as const;

const nameOf = (tag: string): string => `${proxy.host}/app:${tag}`;
/** Past the proxy, which lives in this process and would wait for it. */
const seen = (tag: string): ReturnType<typeof inspect> => inspect(`${registry.host}/app:${tag}`);
const blobsAsked = (): number =>
  proxy.seen.filter(({ method, target }) => method === 'GET' && target === 'blob').length;
/** The bytes of a blob in a store. */
const stored = (sandbox: Sandbox, digest: string): Buffer =>
  readFileSync(join(sandbox.store, 'blobs', 'sha256', digest.slice('sha256:'.length)));

async function withBox<T>(
  act: (fresh: Sandbox) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const fresh = createSandbox({ env });
  try {
    return await act(fresh);
  } finally {
    await fresh.remove();
  }
}

async function ok(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}:\n${ran.stdout}${ran.stderr}`);
  return ran;
}

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-pull-'));
  registry = await startDockerRegistry(join(work, 'registry'));
  images = await makeRegistryImages(work);
  for (const [tag, from, options] of PUSHED) images.push(from, `${registry.host}/app:${tag}`, ...options);
  await putNestedIndex(registry.host, 'app', 'nested', 'index');
  proxy = await startFaultProxy({ upstream: registry.host });
  box = createSandbox();
});
afterAll(async () => {
  await box.remove();
  await proxy.stop();
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

describe('dobos pull from docker-registry of what skopeo pushed', () => {
  it.each(RUNNABLE)('%s: digest and manifest are what skopeo sees, and it runs', async (tag) => {
    const { digest, raw } = seen(tag);
    const { stdout } = await ok(box.run(['pull', nameOf(tag)]));
    expect(stdout).toMatch(new RegExp(`^${tag}: Pulling from app$`, 'm'));
    expect(stdout).toContain(`\nDigest: ${digest}\n`);
    expect(stdout).toContain(`\nStatus: Downloaded newer image for ${nameOf(tag)}\n`);
    expect(stored(box, digest).equals(raw)).toBe(true);
    expect((await ok(box.run(['run', nameOf(tag)]))).stdout).toBe('app\n');
  });

  it.each(RUNNABLE)('%s: the second pull moves no blob', async (tag) => {
    const before = blobsAsked();
    const { stdout } = await ok(box.run(['pull', nameOf(tag)]));
    expect(stdout).toContain(`\nStatus: Image is up to date for ${nameOf(tag)}\n`);
    expect(blobsAsked()).toBe(before);
  });

  it('an image that shares a layer with one that skopeo pushed says so, and fetches the rest only', async () => {
    await withBox(async (fresh) => {
      await ok(fresh.run(['pull', nameOf('gzip')]));
      const before = proxy.seen.length;
      const { stdout } = await ok(fresh.run(['pull', nameOf('other')]));
      const { layers } = JSON.parse(seen('other').raw.toString('utf8')) as {
        layers: { digest: string }[];
      };
      const short = layers.map(({ digest }) => digest.slice(7, 19));
      expect(stdout).toMatch(new RegExp(`^${short[0]}: Already exists$`, 'm'));
      expect(stdout).toMatch(new RegExp(`^${short[1]}: Pull complete$`, 'm'));
      const asked = proxy.seen.slice(before).filter(({ target }) => target === 'blob');
      expect(asked.some(({ url }) => url.includes(layers[0]!.digest))).toBe(false);
    });
  });

  it('by the digest that skopeo names, with the tag left out, for another platform', async () => {
    await withBox(async (fresh) => {
      const { digest } = seen('gzip');
      const { stdout } = await ok(fresh.run(['pull', `${proxy.host}/app@${digest}`]));
      expect(stdout).toContain(`Digest: ${digest}\n`);
      expect((await ok(fresh.run(['run', `${proxy.host}/app@${digest}`]))).stdout).toBe('app\n');
      images.push('other', `${registry.host}/app:latest`);
      const latest = await ok(fresh.run(['pull', `${proxy.host}/app`]));
      expect(latest.stdout).toMatch(/^Using default tag: latest$/m);
      await ok(fresh.run(['pull', '--platform', 'linux/arm64', nameOf('index')]));
      const found = await ok(
        fresh.run(['inspect', '--format', '{{.Os}}/{{.Architecture}}', nameOf('index')]),
      );
      expect(found.stdout.trim()).toMatch(/^linux\/arm64/);
    });
  });

  it('a platform that skopeo did not push is answered with those that it did', async () => {
    await withBox(async (fresh) => {
      const missing = await fresh.run(['pull', '--platform', 'linux/s390x', nameOf('index')]);
      expect(missing.code).toBe(1);
      expect(missing.stderr).toMatch(/linux\/s390x[\s\S]*linux\/amd64[\s\S]*linux\/arm64/);
      const armOnly = await fresh.run(['pull', nameOf('arm-only')]);
      expect(armOnly.code).toBe(1);
      expect(armOnly.stderr).toMatch(/linux\/arm64/);
      expect((await ok(fresh.run(['images', '-q']))).stdout).toBe('');
    });
  });

  it('what is not there is said in one line, and nothing is stored', async () => {
    await withBox(async (fresh) => {
      for (const name of [nameOf('nothing'), `${proxy.host}/nobody:1`]) {
        const ran = await fresh.run(['pull', '-q', name]);
        expect(ran.code).toBe(1);
        expect(
          ran.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('hint:')),
        ).toHaveLength(1);
        expect(ran.stderr).toContain(name.split('/')[1]!.split(':')[0]);
      }
      expect((await ok(fresh.run(['system', 'check']))).code).toBe(0);
    });
  });

  it('an archive saved from it is read by skopeo and loaded by podman', async () => {
    const file = join(work, 'saved.tar');
    await ok(box.run(['save', '-o', file, nameOf('v2s2'), nameOf('zstd')]));
    for (const tag of ['v2s2', 'zstd'])
      execFileSync(
        'skopeo',
        [
          '--insecure-policy',
          'copy',
          '-q',
          `docker-archive:${file}:${nameOf(tag)}`,
          `dir:${join(work, `dir-${tag}`)}`,
        ],
        { stdio: 'pipe' },
      );
    const own = ['--root', join(work, 'root'), '--runroot', join(work, 'runroot'), '--storage-driver', 'vfs'];
    const loaded = execFileSync('podman', [...own, 'load', '-q', '-i', file], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(loaded).toContain(nameOf('v2s2'));
    execFileSync('podman', [...own, 'rmi', '-af'], { stdio: 'pipe' });
  });
});

describe('FROM and run pull from docker-registry what is missing', () => {
  const dockerfile = (folder: string, base: string): string => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nCOPY Dockerfile /\n`);
    return folder;
  };

  it('run: once, with its lines on standard error', async () => {
    await withBox(async (fresh) => {
      const first = await ok(fresh.run(['run', nameOf('zstd')]));
      expect(first.stdout).toBe('app\n');
      expect(first.stderr).toContain(`Status: Downloaded newer image for ${nameOf('zstd')}`);
      const before = proxy.seen.length;
      expect(await ok(fresh.run(['run', nameOf('zstd')]))).toMatchObject({ stdout: 'app\n', stderr: '' });
      expect(proxy.seen.length).toBe(before);
    });
  });

  it('build: once', async () => {
    await withBox(async (fresh) => {
      const folder = dockerfile(join(fresh.folder, 'context'), nameOf('v2s2'));
      await ok(fresh.run(['build', '-t', 'made', folder]));
      expect((await ok(fresh.run(['run', 'made']))).stdout).toBe('app\n');
      const before = proxy.seen.length;
      await ok(fresh.run(['build', '-t', 'made', folder]));
      expect(proxy.seen.length).toBe(before);
    });
  });

  it('--pull: always asks, missing asks once, never does not, newer takes what changed', async () => {
    await withBox(async (fresh) => {
      const moving = nameOf('moving');
      const push = (from: string): void => images.push(from, `${registry.host}/app:moving`);
      const run = (policy: string): Promise<Ran> => fresh.run(['run', '--pull', policy, moving]);
      push('app');
      const never = await run('never');
      expect(never.code).toBe(125);
      expect(never.stderr).toContain('moving');
      expect((await ok(run('missing'))).stdout).toBe('app\n');
      push('other');
      expect((await ok(run('missing'))).stdout).toBe('app\n');
      expect((await ok(run('never'))).stdout).toBe('app\n');
      expect((await ok(run('newer'))).stdout).toBe('other\n');
      push('app');
      expect((await ok(run('always'))).stdout).toBe('app\n');
    });
  });
});

describe('docker-registry that asks who is there', () => {
  it('by htpasswd: login, pull, logout', async () => {
    const locked = await startDockerRegistry(join(work, 'locked'), { lock: { kind: 'htpasswd' } });
    try {
      images.push('app', `${locked.host}/app:1`, `--dest-creds=${USER}:${PASSWORD}`);
      await withBox(async (fresh) => {
        const before = await fresh.run(['pull', `${locked.host}/app:1`]);
        expect(before.code).toBe(1);
        expect(before.stderr).toMatch(/dobos login/);
        const input = Buffer.from(`${PASSWORD}\n`);
        const wrong = await fresh.run(['login', '-u', USER, '--password-stdin', locked.host], {
          input: Buffer.from('no'),
        });
        expect(wrong.code).toBe(1);
        await ok(fresh.run(['login', '-u', USER, '--password-stdin', locked.host], { input }));
        await ok(fresh.run(['pull', `${locked.host}/app:1`]));
        expect((await ok(fresh.run(['run', `${locked.host}/app:1`]))).stdout).toBe('app\n');
        await ok(fresh.run(['logout', locked.host]));
        expect((await fresh.run(['pull', '--quiet', `${locked.host}/app:1`])).code).toBe(1);
      });
    } finally {
      await locked.stop();
    }
  });

  it('by tokens of a server of its own', async () => {
    const certificates = makeCertificates(join(work, 'signer'));
    const signer = { certificates, issuer: 'test issuer' };
    const tokens = await startTokenServer({ users: { [USER]: PASSWORD }, signer, expiresIn: 60 });
    const lock = {
      ...{ kind: 'token' as const, realm: tokens.realm, service: 'test service', issuer: signer.issuer },
      certFile: certificates.certFile,
    };
    // The token server lives in this process and would wait for skopeo: what is pushed comes in by another door.
    const folder = join(work, 'tokens');
    const open = await startDockerRegistry(folder);
    images.push('app', `${open.host}/app:1`);
    await open.stop();
    const locked = await startDockerRegistry(folder, { lock });
    try {
      await withBox(async (fresh) => {
        expect((await fresh.run(['pull', `${locked.host}/app:1`])).code).toBe(1);
        const config = join(fresh.folder, 'home', '.docker');
        mkdirSync(config, { recursive: true });
        const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
        writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [locked.host]: { auth } } }));
        await ok(fresh.run(['pull', `${locked.host}/app:1`]));
        expect((await ok(fresh.run(['run', `${locked.host}/app:1`]))).stdout).toBe('app\n');
      });
      expect(tokens.requests.at(-1)!.scopes).toContain('repository:app:pull');
    } finally {
      await locked.stop();
      await tokens.stop();
    }
  });
});

describe('docker-registry with TLS', () => {
  it('is refused with the way out, and pulled from with its certificate in certs.d', async () => {
    const certificates = makeCertificates(join(work, 'certificates'));
    const secure = await startDockerRegistry(join(work, 'secure'), { tls: certificates });
    try {
      images.push('app', `${secure.host}/app:1`);
      await withBox(async (fresh) => {
        const refused = await fresh.run(['pull', `${secure.host}/app:1`]);
        expect(refused.code).toBe(1);
        expect(refused.stderr).toContain('certs.d');
        const folder = join(fresh.folder, 'home', '.config', 'containers', 'certs.d', secure.host);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'ca.crt'), certificates.ca);
        await ok(fresh.run(['pull', `${secure.host}/app:1`]));
        expect((await ok(fresh.run(['run', `${secure.host}/app:1`]))).stdout).toBe('app\n');
      });
    } finally {
      await secure.stop();
    }
  });
});

describe('fifty images that share layers, from docker-registry', () => {
  it('move the bytes of each blob once, and none when pulled again', { timeout: 300_000 }, async () => {
    const [names, unique] = await pushFamily(50);
    const counting = await startFaultProxy({ upstream: registry.host });
    const folder = mkdtempSync(join(work, 'fifty-'));
    const store = createDirectoryStore(folder);
    try {
      for (const reference of names) {
        const { error } = await pullThrough(counting, { store, reference, seed: 1 });
        expect(error).toBeUndefined();
      }
      expect(counting.blobBytes()).toBe(unique);
      for (const reference of names) await pullThrough(counting, { store, reference, seed: 1 });
      expect(counting.blobBytes()).toBe(unique);
      expect(await toArray(store.check())).toEqual([]);
    } finally {
      await counting.stop();
    }
  });
});

/** Pushes images of four common layers and one of their own each; their tags, and the bytes of all blobs counted once. */
async function pushFamily(count: number): Promise<readonly [tags: string[], uniqueBytes: number]> {
  const { store } = images;
  const layer = async (name: string, size: number) => {
    const tar = tarOf([[name, randomBytes(size)]]);
    const blob = { mediaType: OCI_LAYER_TAR, digest: sha256(tar), size: tar.length };
    await store.put(blob, streamOf(tar));
    return openLayer(store, blob, blob.digest);
  };
  const unique = new Map<string, number>();
  let base = scratchImage(AMD64);
  for (let at = 0; at < 4; at++)
    base = appendLayer(base, await layer(`common-${at}`, 300_000), { created_by: 'x' });
  const tags = Array.from({ length: count }, (_, at) => `family-${at}`);
  for (const tag of tags) {
    const image = appendLayer(base, await layer(tag, 3000), { created_by: tag });
    await writeImage(store, image, { name: tag });
    images.push(tag, `${registry.host}/app:${tag}`, '--preserve-digests');
    for (const { digest, size } of [image.manifest.config, ...image.manifest.layers])
      unique.set(digest, size);
  }
  return [tags, [...unique.values()].reduce((sum, size) => sum + size, 0)];
}
