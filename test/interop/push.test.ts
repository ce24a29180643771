import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Ran, type Sandbox } from '../support/built-command.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type DockerRegistry, PASSWORD, startDockerRegistry, USER } from '../support/docker-registry.ts';
import { NO_FAULTS } from '../support/fault-plan.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { inspect, makeRegistryImages, type RegistryImages } from '../support/registry-images.ts';
import { startTokenServer } from '../support/token-server.ts';

let work: string;
let registry: DockerRegistry;
let images: RegistryImages;
/** Counts what is asked of the registry. */
let proxy: FaultProxy;
let box: Sandbox;
let context: string;

const nameOf = (tag: string, repository = 'made'): string => `${proxy.host}/${repository}:${tag}`;
/** Past the proxy, which lives in this process and would wait for it. */
const seen = (tag: string, repository = 'made'): ReturnType<typeof inspect> =>
  inspect(`${registry.host}/${repository}:${tag}`);
const sentBytes = (): number => proxy.seen.reduce((sum, each) => sum + each.sentBytes, 0);
const lastDigest = (stdout: string): string | undefined =>
  /: digest: (sha256:[0-9a-f]{64}) size: \d+\n$/.exec(stdout)?.[1];

async function ok(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}:\n${ran.stdout}${ran.stderr}`);
  return ran;
}

const skopeo = (...args: readonly string[]): void => {
  execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false', ...args], {
    stdio: 'pipe',
  });
};

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-push-'));
  registry = await startDockerRegistry(join(work, 'registry'));
  images = await makeRegistryImages(work);
  images.push('app', `${registry.host}/app:v2s2`, '--format', 'v2s2');
  images.push('index', `${registry.host}/app:index`, '--all', '--preserve-digests');
  proxy = await startFaultProxy({ upstream: registry.host });
  box = createSandbox();
  await importBase(box);
  context = join(work, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'noise'), randomBytes(6_000_000));
  writeFileSync(join(context, 'greeting'), 'hello\n');
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM base:1\nCOPY noise /noise\nCOPY greeting /\nCMD cat /greeting\n',
  );
  await ok(box.run(['build', '-t', nameOf('1'), context]));
});
afterAll(async () => {
  await box.remove();
  await proxy.stop();
  await registry.stop();
  rmSync(work, { recursive: true, force: true });
});

describe('dobos push to docker-registry', () => {
  it('tells it in docker’s lines, and skopeo and podman find what was said', async () => {
    const { stdout } = await ok(box.run(['push', nameOf('1')]));
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toBe(`The push refers to repository [${proxy.host}/made]`);
    expect(lines.filter((line) => /^[0-9a-f]{12}: Preparing$/.test(line))).toHaveLength(3);
    expect(lines.filter((line) => /^[0-9a-f]{12}: Pushed$/.test(line))).toHaveLength(3);
    expect(lines.at(-1)).toMatch(/^1: digest: sha256:[0-9a-f]{64} size: \d+$/);
    const { digest, raw } = seen('1');
    expect(lastDigest(stdout)).toBe(digest);
    const { layers } = JSON.parse(raw.toString()) as { layers: { mediaType: string }[] };
    expect(new Set(layers.map(({ mediaType }) => mediaType))).toEqual(
      new Set(['application/vnd.oci.image.layer.v1.tar+gzip']),
    );
    skopeo(`docker://${registry.host}/made:1`, `oci:${join(work, 'copied')}:1`);
    const own = ['--root', join(work, 'root'), '--runroot', join(work, 'runroot'), '--storage-driver', 'vfs'];
    const pulled = execFileSync(
      'podman',
      [...own, 'pull', '-q', '--tls-verify=false', `${registry.host}/made:1`],
      {
        encoding: 'utf8',
        stdio: 'pipe',
      },
    );
    const { stdout: id } = await ok(box.run(['images', '-q', '--no-trunc', nameOf('1')]));
    expect(id.trim()).toBe(`sha256:${pulled.trim()}`);
    execFileSync('podman', [...own, 'rmi', '-af'], { stdio: 'pipe' });
  });

  it('the second time sends nothing, also after a prune, and says that all is there', async () => {
    await ok(box.run(['system', 'prune', '-f']));
    const [before, bytes] = [proxy.seen.length, sentBytes()];
    const { stdout } = await ok(box.run(['push', nameOf('1')]));
    expect(stdout.match(/: Layer already exists$/gm)).toHaveLength(3);
    expect(stdout).not.toContain('Compressing');
    expect(lastDigest(stdout)).toBe(seen('1').digest);
    expect(sentBytes()).toBe(bytes);
    expect(new Set(proxy.seen.slice(before).map(({ method }) => method))).toEqual(new Set(['HEAD']));
  });

  it('under another name mounts what the first repository has', async () => {
    await ok(box.run(['tag', nameOf('1'), nameOf('latest', 'other')]));
    const bytes = sentBytes();
    const { stdout } = await ok(box.run(['push', `${proxy.host}/other`]));
    expect(stdout).toMatch(/^Using default tag: latest$/m);
    expect(stdout.match(/: Mounted from made$/gm)).toHaveLength(3);
    // The config and the manifest.
    expect(sentBytes() - bytes).toBeLessThan(10_000);
    expect(seen('latest', 'other').digest).toBe(seen('1').digest);
  });

  it('a Docker manifest that was pulled goes byte for byte', async () => {
    await ok(box.run(['pull', nameOf('v2s2', 'app')]));
    await ok(box.run(['tag', nameOf('v2s2', 'app'), nameOf('v2s2', 'again')]));
    await ok(box.run(['push', nameOf('v2s2', 'again')]));
    expect(seen('v2s2', 'again').raw.equals(seen('v2s2', 'app').raw)).toBe(true);
  });

  it('an index that was pulled for one platform pushes that image; wholly here, all of it', async () => {
    await ok(box.run(['pull', nameOf('index', 'app')]));
    await ok(box.run(['tag', nameOf('index', 'app'), nameOf('1', 'part')]));
    const alone = await ok(box.run(['push', nameOf('1', 'part')]));
    expect(alone.stdout).toContain('of its index only linux/amd64 is in the store');
    expect(JSON.parse(seen('1', 'part').raw.toString())).not.toHaveProperty('manifests');
    await ok(box.run(['pull', '--platform', 'linux/arm64', nameOf('index', 'app')]));
    await ok(box.run(['push', nameOf('1', 'part')]));
    // Uncompressed layers are compressed, so that the index is another one, with the same platforms.
    const { manifests } = JSON.parse(seen('1', 'part').raw.toString()) as {
      manifests: { platform: object }[];
    };
    expect(manifests.map(({ platform }) => platform)).toMatchObject([
      { architecture: 'amd64' },
      { architecture: 'arm64' },
    ]);
    skopeo('--all', `docker://${registry.host}/part:1`, `oci:${join(work, 'all')}:1`);
    const one = await ok(box.run(['push', '--platform', 'linux/arm64', '-q', nameOf('1', 'part')]));
    expect(one.stdout).toBe(`${nameOf('1', 'part')}\n`);
    expect(seen('1', 'part').digest).toBe((manifests[1] as { digest?: string } | undefined)?.digest);
  });

  it('--all-tags pushes each tag of the repository', async () => {
    for (const tag of ['a', 'b']) await ok(box.run(['tag', nameOf('1'), nameOf(tag, 'tags')]));
    const { stdout } = await ok(box.run(['push', '-a', `${proxy.host}/tags`]));
    expect(stdout.match(/^[ab]: digest: /gm)).toEqual(['a: digest: ', 'b: digest: ']);
    expect(seen('b', 'tags').digest).toBe(seen('1').digest);
  });

  it.each([
    [['nothing:7'], 'there is no image "docker.io/library/nothing:7" in the store'],
    [['-a', 'made:1'], 'names one image, and --all-tags pushes all of its repository'],
    [[`made@sha256:${'a'.repeat(64)}`], 'names a digest, and only a tag can be pushed'],
  ])('of what cannot be pushed says so: %j', async (words, said) => {
    const ran = await box.run(['push', ...words]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)]);
  });

  it('whose upload is cut goes on, and what is there then is right', async () => {
    const on = { on: 'upload', after: 1, times: 3 } as const;
    const faults = [{ ...on, fault: { kind: 'cut-body', share: 0.6 } as const }];
    const cutting = await startFaultProxy({ upstream: registry.host, plan: { ...NO_FAULTS, faults } });
    try {
      await ok(box.run(['tag', nameOf('1'), `${cutting.host}/cut:1`]));
      await ok(box.run(['push', `${cutting.host}/cut:1`]));
      expect(cutting.seen.filter(({ fault }) => fault === 'cut-body').length).toBeGreaterThan(0);
    } finally {
      await cutting.stop();
    }
    skopeo(`docker://${registry.host}/cut:1`, `oci:${join(work, 'cut')}:1`);
    expect(seen('1', 'cut').digest).toBe(seen('1').digest);
  });
});

describe('docker-registry that asks who is there', () => {
  it('by tokens: the right to push is asked for, and without it the way out is said', async () => {
    const certificates = makeCertificates(join(work, 'signer'));
    const signer = { certificates, issuer: 'test issuer' };
    const tokens = await startTokenServer({ users: { [USER]: PASSWORD }, signer, expiresIn: 60 });
    const lock = {
      ...{ kind: 'token' as const, realm: tokens.realm, service: 'test service', issuer: signer.issuer },
      certFile: certificates.certFile,
    };
    const locked = await startDockerRegistry(join(work, 'locked'), { lock });
    try {
      const name = `${locked.host}/team/app:1`;
      await ok(box.run(['tag', nameOf('1'), name]));
      await ok(box.run(['tag', nameOf('1'), `${locked.host}/team/second:1`]));
      const refused = await box.run(['push', name]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(`${locked.host}/team/app needs a login to be written`);
      expect(refused.stderr).toContain(`hint: "dobos login ${locked.host}" as a user who may`);
      const config = join(box.folder, 'home', '.docker');
      mkdirSync(config, { recursive: true });
      const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64');
      writeFileSync(join(config, 'config.json'), JSON.stringify({ auths: { [locked.host]: { auth } } }));
      const before = tokens.requests.length;
      const { stdout } = await ok(box.run(['push', name]));
      const asked = tokens.requests.slice(before).map(({ scopes }) => scopes.join(' '));
      expect(asked[0]).toBe('repository:team/app:pull,push');
      expect(lastDigest(stdout)).toBe(seen('1').digest);
      const second = await ok(box.run(['push', `${locked.host}/team/second:1`]));
      expect(second.stdout).toContain(': Mounted from team/app');
    } finally {
      await locked.stop();
      await tokens.stop();
    }
  });
});

describe('a build that pushes', () => {
  it('needs a name, which is said before anything runs', async () => {
    const ran = await box.run(['build', '--push', context]);
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining('a name is needed when pushing to a registry'),
    ]);
    expect(ran.stderr).not.toContain('#1');
  });

  it.each([
    ['--push', (name: string) => ['--push', '-t', name]],
    ['-o type=registry', (name: string) => ['-o', `type=registry,name=${name}`]],
    ['-o type=image,push=true', (name: string) => ['-o', `type=image,name=${name},push=true`]],
  ])('by %s sends the image, with the lines of a push', async (_, words) => {
    const name = nameOf('1', 'built');
    const { stderr } = await ok(box.run(['build', '--progress', 'plain', ...words(name), context]));
    expect(stderr).toContain(`The push refers to repository [${proxy.host}/built]\n`);
    expect(stderr).toMatch(/^1: digest: sha256:[0-9a-f]{64} size: \d+$/m);
    expect(seen('1', 'built').digest).toBe(seen('1').digest);
  });

  it('with zstd, uncompressed, and by its digest only', async () => {
    const how = async (...more: readonly string[]): Promise<string[]> => {
      await ok(
        box.run([
          'build',
          '-q',
          '-o',
          [`type=registry,name=${nameOf('how', 'built')}`, ...more].join(','),
          context,
        ]),
      );
      const { layers } = JSON.parse(seen('how', 'built').raw.toString()) as {
        layers: { mediaType: string }[];
      };
      return [...new Set(layers.map(({ mediaType }) => mediaType.replace(/^.*layer\.v1\./, '')))];
    };
    expect(await how('compression=uncompressed')).toEqual(['tar']);
    expect(await how('compression=zstd')).toEqual(['tar+zstd']);
    const output = `type=image,name=${nameOf('unused', 'bydigest')},push-by-digest=true`;
    const { stderr } = await ok(box.run(['build', '--progress', 'plain', '-o', output, context]));
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stderr)![1]!;
    const tags = await fetch(`http://${registry.host}/v2/bydigest/tags/list`);
    expect(await tags.text()).not.toContain('unused');
    expect(inspect(`${registry.host}/bydigest@${digest}`).digest).toBe(digest);
  });

  it('for several platforms sends an index, which skopeo reads back whole', async () => {
    const folder = join(work, 'platforms');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'Dockerfile'),
      'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY Dockerfile /\n',
    );
    const name = nameOf('both', 'built');
    const facts = join(work, 'facts.json');
    const { stderr } = await ok(
      box.run([
        'build',
        '--progress',
        'plain',
        '--platform',
        'linux/amd64,linux/arm64',
        '--push',
        '--metadata-file',
        facts,
        '-t',
        name,
        folder,
      ]),
    );
    const { digest, raw } = seen('both', 'built');
    expect(stderr).toContain(`both: digest: ${digest} size: ${raw.length}`);
    const { manifests } = JSON.parse(raw.toString()) as {
      manifests: { platform: { architecture: string } }[];
    };
    expect(manifests.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
    expect(JSON.parse(readFileSync(facts, 'utf8'))).toMatchObject({ 'containerimage.digest': digest });
    const layout = join(work, 'both');
    skopeo('--all', '--preserve-digests', `docker://${registry.host}/built:both`, `oci:${layout}:both`);
    expect(readFileSync(join(layout, 'index.json'), 'utf8')).toContain(digest);
  });
});
