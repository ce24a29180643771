import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256, streamOf } from '../../src/base/bytes.ts';
import type { Descriptor } from '../../src/oci/types.ts';
import { toArray } from '../../src/store/contract-fixtures.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('a directory store is an image layout that others read and write', () => {
  let work: string;
  let folder: string;
  const open = () => createDirectoryStore(folder);
  const names = [
    ['docker.io/library/hello-c:latest', 'hello-c:latest'],
    ['docker.io/someone/tool:1.2', 'someone/tool:1.2'],
    ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
    ['quay.io/x/y:2', 'quay.io/x/y:2'],
  ] as const;
  let image: Descriptor;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'dobos-interop-'));
    folder = join(work, 'store');
    image = await putTarImage(work);
    for (const [name] of names) await open().tag(name, image);
    await open().roots.put({ kind: 'step', id: 'sha256:aa', targets: [image] });
    await open().notes.put('index', 'k', Buffer.from('x'));
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it.each(names)('skopeo inspects %s as %s', (_, short) => {
    const found = JSON.parse(run('skopeo', 'inspect', `oci:${folder}:${short}`));
    expect(found).toMatchObject({ Digest: image.digest, Os: 'linux' });
  });

  it.each(names)('umoci unpacks %s as %s', (_, short) => {
    const bundle = join(work, `bundle-${short.replace(/\W/g, '-')}`);
    run('umoci', 'unpack', '--image', `${folder}:${short}`, bundle);
    expect(readFileSync(join(bundle, 'rootfs', 'greeting'), 'utf8')).toBe('hello\n');
  });

  it('umoci lists every name once', () => {
    expect(run('umoci', 'ls', '--layout', folder).trim().split('\n').sort()).toEqual(
      names.map(([, short]) => short).sort(),
    );
  });

  it('skopeo copies out of it and what it copied comes back the same', async () => {
    const other = join(work, 'copied');
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '-q',
      '--preserve-digests',
      `oci:${folder}:hello-c:latest`,
      `oci:${other}:there:1`,
    );
    const copied = createDirectoryStore(other);
    expect((await copied.resolve('there:1')).digest).toBe(image.digest);
    expect((await copied.resolve('docker.io/library/there:1')).digest).toBe(image.digest);
    expect(await toArray(copied.check())).toEqual([]);
  });

  it('skopeo and umoci add names to it and all of them stay', async () => {
    run(
      'skopeo',
      '--insecure-policy',
      'copy',
      '-q',
      '--preserve-digests',
      `oci:${folder}:hello-c:latest`,
      `oci:${folder}:by-skopeo:1`,
    );
    run('umoci', 'tag', '--image', `${folder}:hello-c:latest`, 'by-umoci');
    const store = open();
    expect((await store.resolve('docker.io/library/by-skopeo:1')).digest).toBe(image.digest);
    expect((await store.resolve('by-umoci')).digest).toBe(image.digest);
    for (const [name] of names) expect((await store.resolve(name)).digest).toBe(image.digest);
    await store.tag('docker.io/library/by-skopeo:1', image);
    expect((await store.collect()).blobs).toEqual([]);
    expect(run('umoci', 'ls', '--layout', folder).match(/by-skopeo:1/g)?.length).toBe(1);
    expect(await toArray(store.check())).toEqual([]);
    await store.remove('by-umoci');
    await store.remove('docker.io/library/by-skopeo:1');
    expect(run('umoci', 'ls', '--layout', folder)).not.toContain('by-');
  });

  it('umoci gc takes nothing that a name keeps', () => {
    run('umoci', 'gc', '--layout', folder);
    expect(existsSync(join(folder, 'blobs', image.digest.replace(':', '/')))).toBe(true);
    expect(existsSync(join(folder, 'roots', 'step'))).toBe(true);
  });

  async function putTarImage(parent: string): Promise<Descriptor> {
    const tree = join(parent, 'tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'greeting'), 'hello\n');
    const tar = execFileSync('tar', ['-C', tree, '-c', 'greeting']);
    const store = open();
    const layer = await store.ingest(streamOf(tar), 'application/vnd.oci.image.layer.v1.tar');
    const json = (mediaType: string, value: object) =>
      store.ingest(streamOf(Buffer.from(JSON.stringify(value))), mediaType);
    const config = await json('application/vnd.oci.image.config.v1+json', {
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [sha256(tar)] },
      history: [{ created_by: 'test' }],
    });
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    return json(mediaType, { schemaVersion: 2, mediaType, config, layers: [layer] });
  }
});
