import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarEntry } from '../../test/support/built-command.ts';
import { type FakeTerminal, fakeTerminal } from '../../test/support/fake-terminal.ts';
import { type ServedStore, serveStore } from '../../test/support/registry-server.ts';
import { readSettings } from '../app/settings.ts';
import { sha256 } from '../base/bytes.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { CONFIG, INDEX, LAYER, MANIFEST, putJson, putText } from '../store/contract-fixtures.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { runCli } from './run-cli.ts';

let work: string;
let registry: ServedStore;
let there: LocalStore;
let index: Descriptor;
const layers = new Map<string, string>();

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-pull-'));
  there = createMemoryStore();
  const manifests = [];
  for (const architecture of ['amd64', 'arm64']) {
    const text = Buffer.concat([
      tarEntry({ name: 'arch' }, Buffer.from(architecture)),
      Buffer.alloc(1024),
    ]).toString('latin1');
    const layer = await putText(there, text, LAYER);
    layers.set(architecture, layer.digest.slice(7, 19));
    const platform = { os: 'linux', architecture };
    const config = await putJson(there, CONFIG, {
      ...platform,
      rootfs: { type: 'layers', diff_ids: [sha256(text)] },
    });
    const manifest = await putJson(there, MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers: [layer],
    });
    manifests.push({ ...manifest, platform });
    await there.tag(`app:${architecture}`, manifest);
  }
  index = await putJson(there, INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
  await there.tag('app:latest', index);
  registry = await serveStore(there);
});
afterAll(async () => {
  await registry.close();
  rmSync(work, { recursive: true, force: true });
});

async function run(
  store: string,
  ...words: readonly string[]
): Promise<FakeTerminal & { readonly code: number }> {
  const terminal = fakeTerminal();
  const env = { DOBOS_ROOT: join(work, store), HOME: work };
  const code = await runCli(words, {
    terminal,
    signal: new AbortController().signal,
    interruptExit: () => 130,
    settings: () =>
      readSettings({ env, uid: 1000, home: work, arch: 'x64', platform: 'linux', now: () => 0 }),
    version: '1.2.3',
    takeSignals: () => {},
  });
  return { ...terminal, code };
}

describe('dobos pull', () => {
  it('prints what docker prints, and leaves a whole store', async () => {
    const name = `${registry.host}/app`;
    const layer = layers.get('amd64');
    const first = await run('a', 'pull', name);
    expect([first.code, first.stderr()]).toEqual([0, '']);
    expect(first.stdout().split('\n')).toEqual([
      'Using default tag: latest',
      'latest: Pulling from app',
      `${layer}: Pulling fs layer`,
      `${layer}: Verifying Checksum`,
      `${layer}: Download complete`,
      `${layer}: Pull complete`,
      `Digest: ${index.digest}`,
      `Status: Downloaded newer image for ${name}:latest`,
      `${name}:latest`,
      '',
    ]);
    const before = registry.requests.length;
    const second = await run('a', 'pull', `docker://${name}:latest`);
    expect(second.stdout().split('\n')).toEqual([
      'latest: Pulling from app',
      `${layer}: Already exists`,
      `Digest: ${index.digest}`,
      `Status: Image is up to date for ${name}:latest`,
      `${name}:latest`,
      '',
    ]);
    expect(registry.requests.slice(before).filter(({ url }) => url.includes('/blobs/'))).toEqual([]);
    expect((await run('a', 'pull', '-q', name)).stdout()).toBe(`${name}:latest\n`);
    expect((await run('a', 'system', 'check')).code).toBe(0);
  });

  it('is followed by every command that looks at images', async () => {
    const name = `${registry.host}/app`;
    await run('b', 'pull', '--platform', 'linux/arm64', name);
    const ok = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await run('b', ...words);
      expect([words[0], code, stderr()]).toEqual([words[0], 0, '']);
      return stdout();
    };
    expect(
      await ok('images', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}} {{.Size}}'),
    ).toBe(`${name} latest ${index.digest} 5B\n`);
    expect(await ok('inspect', '--format', '{{.Architecture}} {{json .RepoDigests}}', name)).toBe(
      `arm64 ["${name}@${index.digest}"]\n`,
    );
    const id = (await ok('images', '-q', '--no-trunc')).trim();
    for (const text of [id, id.slice(7, 19), `${name}@${index.digest}`]) await ok('history', text);
    await ok('system', 'df');
    await ok('system', 'check');
    await ok('explore', '--json', '-', name);
    await ok('save', '-o', join(work, 'saved.tar'), name);
    await ok('tag', name, 'other:1');
    expect(await ok('image', 'prune')).toContain('0B');
    expect(await ok('rmi', name)).toContain(`Untagged: ${name}:latest`);
    await ok('system', 'check');
    expect(await ok('rmi', id)).toContain('Untagged: other:1');
    await ok('system', 'prune');
    expect(readdirSync(join(work, 'b', 'blobs', 'sha256'))).toEqual([]);
  });

  it('names what was pulled by digest by the digest', async () => {
    const name = `${registry.host}/app@${index.digest}`;
    const pulled = await run('c', 'pull', name);
    expect(pulled.stdout()).toContain(`${name}: Pulling from app\n`);
    expect(pulled.stdout().trim().split('\n').at(-1)).toBe(name);
    expect((await run('c', 'images', '--format', '{{.Repository}}:{{.Tag}}')).stdout()).toBe(
      `${registry.host}/app:<none>\n`,
    );
    expect((await run('c', 'inspect', '--format', '{{json .RepoTags}}', name)).stdout()).toBe('[]\n');
    expect((await run('c', 'rmi', name)).stdout()).toContain(`Untagged: ${name}`);
  });

  it('pulls every tag of a repository', async () => {
    const { code, stdout } = await run('d', 'pull', '-a', `${registry.host}/app`);
    expect([code, stdout().trim().split('\n').at(-1)]).toEqual([0, `${registry.host}/app`]);
    const tags = (await run('d', 'images', '--format', '{{.Tag}}')).stdout().trim().split('\n').sort();
    expect(tags).toEqual(['amd64', 'arm64', 'latest']);
  });

  it.each([
    ['app:nope', ['app:nope is not in the registry', 'tags near it: ']],
    ['nothing', ['nothing:latest is not in the registry']],
    ['app --platform linux/s390x', ['no image for platform linux/s390x', 'linux/amd64, linux/arm64']],
  ])('says what is wrong with %s', async (words, parts) => {
    const [name, ...options] = words.split(' ');
    const { code, stderr } = await run('e', 'pull', ...options, `${registry.host}/${name}`);
    expect(code).toBe(1);
    for (const part of parts) expect(stderr()).toContain(part);
  });

  it('comes by FROM and COPY --from, with docker’s lines on standard error, and not a second time', async () => {
    const name = `${registry.host}/app`;
    writeFileSync(
      join(work, 'Dockerfile'),
      `FROM ${name} AS a\nFROM docker://${name}\nCOPY --from=${name}:arm64 /arch /arm\nCOPY --from=a /arch /amd\n`,
    );
    const built = await run('f', 'build', '-q', '-t', 'built', work);
    expect([built.code, built.stderr()]).toEqual([0, '']);
    writeFileSync(join(work, 'Dockerfile'), `FROM ${name}:amd64\n`);
    const loud = await run('f', 'build', '--progress', 'plain', work);
    expect(loud.stderr()).toContain(
      `Unable to find image '${name}:amd64' locally\namd64: Pulling from app\n${layers.get('amd64')}: Already exists\n`,
    );
    const before = registry.requests.length;
    expect((await run('f', 'build', work)).code).toBe(0);
    expect(registry.requests.length).toBe(before);
    expect((await run('f', 'build', '--pull', work)).stderr()).toContain('Status: Image is up to date');
    expect(registry.requests.length).toBeGreaterThan(before);
  });

  it('is asked for no layer of a base that no step and nobody needs', async () => {
    const text = `FROM ${registry.host}/app:arm64\nENV A=b\nCMD ["/x"]\n`;
    writeFileSync(join(work, 'Lazy'), text);
    writeFileSync(join(work, 'a.txt'), 'a');
    const layerAsked = async (...how: readonly string[]): Promise<boolean> => {
      const before = registry.requests.length;
      const { code, stderr, stdout } = await run(
        'lazy',
        '--debug',
        'build',
        '-f',
        join(work, 'Lazy'),
        ...how,
        work,
      );
      expect(code, `${stderr()}${stdout()}`).toBe(0);
      return registry.requests.slice(before).some(({ url }) => url.includes(layers.get('arm64')!));
    };
    expect(await layerAsked('--platform', 'linux/arm64', '-o', 'type=cacheonly')).toBe(false);
    writeFileSync(join(work, 'Lazy'), `${text}COPY --link a.txt /\n`);
    expect(await layerAsked('--platform', 'linux/arm64', '-o', 'type=cacheonly')).toBe(false);
    expect((await run('lazy', 'images', '-aq')).stdout()).toBe('');
    expect((await run('lazy', 'system', 'check')).code).toBe(0);
    writeFileSync(join(work, 'Lazy'), `${text}COPY a.txt /\n`);
    expect(await layerAsked('--platform', 'linux/arm64', '-o', 'type=cacheonly')).toBe(true);
    writeFileSync(join(work, 'Lazy'), text);
    expect(await layerAsked('--platform', 'linux/arm64', '-t', 'whole')).toBe(false);
    expect((await run('lazy', 'images', '-q')).stdout().trim().split('\n')).toHaveLength(2);
  });

  it('is asked for no layers by build --check --pull, which then knows the base', async () => {
    writeFileSync(join(work, 'Dockerfile'), `FROM ${registry.host}/app:arm64\nUSER $NONE\n`);
    const before = registry.requests.length;
    const checked = await run('k', 'build', '--check', '--pull', work);
    expect([...checked.stdout().matchAll(/^WARNING: (\w+)/gm)].map((match) => match[1])).toEqual([
      'InvalidBaseImagePlatform',
      'UndefinedVar',
    ]);
    expect(checked.stderr()).not.toContain('note:');
    const asked = registry.requests.slice(before).map(({ url }) => url);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((url) => url.includes(layers.get('arm64')!))).toEqual([]);
  });

  it('says at once that a registry cannot be reached, and that the image is not here', async () => {
    writeFileSync(join(work, 'Dockerfile'), 'FROM 127.0.0.1:1/app\n');
    const { code, stderr } = await run('g', 'build', work);
    expect(code).toBe(1);
    expect(stderr()).toContain(
      'there is no image "127.0.0.1:1/app" in the store, and 127.0.0.1:1 cannot be reached: connection refused',
    );
    expect(stderr()).toContain('>>> FROM 127.0.0.1:1/app');
  });
});
