import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Ran, type Sandbox } from '../support/built-command.ts';

let box: Sandbox;
let context: string;
beforeAll(() => {
  box = createSandbox();
  context = join(box.folder, 'context');
  mkdirSync(join(context, 'files/sub'), { recursive: true });
  writeFileSync(join(context, 'files/sub/text'), 'some text\n');
  writeFileSync(join(context, 'files/program'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(context, 'replaced'), 'replaced\n');
  symlinkSync('sub/text', join(context, 'files/link'));
  writeFileSync(
    join(context, 'Dockerfile'),
    [
      'FROM scratch AS first',
      'COPY files /a/',
      'FROM first',
      'COPY --chown=1:2 replaced /a/program',
      'ENV X=y',
      '',
    ].join('\n'),
  );
});
afterAll(() => box.remove());

const build = async (...words: string[]): Promise<Ran> => {
  const ran = await box.run(['build', ...words, context]);
  expect(ran.stderr, words.join(' ')).not.toContain('dobos: ');
  expect(ran.code, ran.stderr).toBe(0);
  return ran;
};
const at = (name: string): string => join(box.folder, name);
const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8' });

/** Every path with what it is. */
function listing(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const found = lstatSync(join(folder, path));
      const mode = (found.mode & 0o7777).toString(8);
      if (found.isDirectory()) return [`${path}/ ${mode}`, ...listing(folder, path)];
      if (found.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(folder, path))}`];
      return [`${path} ${mode} ${readFileSync(join(folder, path), 'utf8').trim()}`];
    });
}

const FILES = [
  'a/ 755',
  'a/link -> sub/text',
  'a/program 644 replaced',
  'a/sub/ 755',
  'a/sub/text 644 some text',
];

describe('outputs of a build', () => {
  it('are the files in a folder, merged with what is there, of whoever builds', async () => {
    mkdirSync(at('out'));
    writeFileSync(at('out/before'), 'before');
    await build('-o', at('out'));
    expect(listing(at('out'))).toEqual([...FILES, 'before 644 before']);
    expect(lstatSync(at('out/a/program')).uid).toBe(process.getuid?.());
  });

  it('are the same files as a tar, in a file and on standard output', async () => {
    await build('-o', `type=tar,dest=${at('files.tar')}`, '--progress', 'quiet');
    mkdirSync(at('unpacked'));
    run('tar', '-C', at('unpacked'), '--no-same-owner', '-xpf', at('files.tar'));
    expect(listing(at('unpacked'))).toEqual(FILES);
    expect(run('tar', '--numeric-owner', '-tvf', at('files.tar'))).toMatch(/1\/2 .* a\/program/);
    const { stdout } = await build('-o', '-', '-q');
    expect(Buffer.from(stdout, 'utf8').equals(readFileSync(at('files.tar')))).toBe(true);
  });

  it('are layouts that skopeo and umoci read, with the digest that the metadata says', async () => {
    await build('-t', 'app:1', '-o', `type=oci,dest=${at('app.oci')}`, '-o', `type=oci,tar=false,dest=${at('layout')}`,
      '--metadata-file', at('meta.json'), '--iidfile', at('id'), '--annotation', 'who=me'); // biome-ignore format: one command line
    const meta = JSON.parse(readFileSync(at('meta.json'), 'utf8')) as Record<string, unknown>;
    const archived = JSON.parse(run('skopeo', 'inspect', `oci-archive:${at('app.oci')}`)) as {
      Digest: string;
    };
    const layout = JSON.parse(run('skopeo', 'inspect', `oci:${at('layout')}:1`)) as {
      Digest: string;
      Env: string[];
    };
    expect([archived.Digest, layout.Digest]).toEqual([
      meta['containerimage.digest'],
      meta['containerimage.digest'],
    ]);
    expect(layout.Env).toContain('X=y');
    expect(meta).toMatchObject({
      'containerimage.config.digest': readFileSync(at('id'), 'utf8'),
      'image.name': 'docker.io/library/app:1',
      'containerimage.descriptor': { platform: { os: 'linux', architecture: 'amd64' } },
    });
    const manifest = JSON.parse(run('skopeo', 'inspect', '--raw', `oci:${at('layout')}:1`)) as {
      annotations: object;
    };
    expect(manifest.annotations).toEqual({ who: 'me' });
    run('umoci', 'unpack', '--rootless', '--image', `${at('layout')}:1`, at('bundle'));
    expect(listing(at('bundle/rootfs'))).toEqual(FILES);
    expect(readdirSync(at('layout')).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it.each(['gzip', 'zstd'])('are layouts with layers in %s when asked for', async (how) => {
    await build('-o', `type=oci,dest=${at(`${how}.oci`)},compression=${how},name=packed:2`);
    const { layers } = JSON.parse(run('skopeo', 'inspect', '--raw', `oci-archive:${at(`${how}.oci`)}`)) as {
      layers: { mediaType: string }[];
    };
    expect(layers.map(({ mediaType }) => mediaType.split('+')[1])).toEqual([how, how]);
    const index = JSON.parse(run('tar', '-xOf', at(`${how}.oci`), 'index.json')) as {
      manifests: { annotations: object }[];
    };
    expect(Object.values(index.manifests[0]!.annotations)).toEqual(['docker.io/library/packed:2', '2']);
  });

  it('are archives as docker saves them', async () => {
    await build('-o', `type=docker,dest=${at('app.tar')},name=saved:3`);
    const rows = JSON.parse(run('tar', '-xOf', at('app.tar'), 'manifest.json')) as { RepoTags: string[] }[];
    expect(rows.map(({ RepoTags }) => RepoTags)).toEqual([['saved:3']]);
  });

  it('are an index over several platforms', async () => {
    await build('-t', 'many', '--platform', 'linux/amd64,linux/arm64', '--annotation', 'index:a=b', '-o', at('many'),
      '-o', `type=oci,dest=${at('many.oci')}`, '--annotation', 'manifest-descriptor[linux/arm64]:c=d'); // biome-ignore format: one command line
    expect(readdirSync(at('many')).sort()).toEqual(['linux_amd64', 'linux_arm64']);
    expect(listing(at('many/linux_arm64'))).toEqual(FILES);
    const index = JSON.parse(run('skopeo', 'inspect', '--raw', `oci-archive:${at('many.oci')}`)) as {
      annotations: object;
      manifests: { platform: { architecture: string }; annotations?: object }[];
    };
    expect(index.annotations).toEqual({ a: 'b' });
    expect(index.manifests.map(({ platform, annotations }) => [platform.architecture, annotations])).toEqual([
      ['amd64', undefined],
      ['arm64', { c: 'd' }],
    ]);
    const arm = JSON.parse(
      run('skopeo', 'inspect', '--override-arch', 'arm64', `oci-archive:${at('many.oci')}`),
    ) as { Architecture: string };
    expect(arm.Architecture).toBe('arm64');
    expect((await box.run(['images'])).stdout).toMatch(/^many +latest /m);
  });

  it('without a name leave no image but in the cache', async () => {
    const other = createSandbox();
    try {
      const ran = await other.run(['build', '-o', at('only'), context]);
      expect(ran.code, ran.stderr).toBe(0);
      expect((await other.run(['images', '-q'])).stdout).toBe('');
      expect(
        (await other.run(['build', '-o', 'type=image,name=x:1', '-o', 'type=cacheonly', context])).code,
      ).toBe(0);
      expect((await other.run(['images'])).stdout).toMatch(/^x +1 /m);
    } finally {
      await other.remove();
    }
  });

  it('are not touched by a build that fails', async () => {
    writeFileSync(join(context, 'Broken'), 'FROM scratch\nCOPY nothing /\n');
    const names = ['type=tar,dest=b.tar', 'type=oci,dest=b.oci', 'out-b'];
    const failed = await box.run([
      'build',
      '-f',
      join(context, 'Broken'),
      ...names.flatMap((name) => ['-o', name]),
      context,
    ]);
    expect(failed.code).toBe(1);
    expect(readdirSync(box.folder).filter((name) => /b\.|out-b|dobos/.test(name))).toEqual([]);
  });

  it('that cannot be are refused before anything runs', async () => {
    for (const [output, said] of [
      ['type=registry', 'a name is needed'],
      ['type=lcoal,dest=x', 'did you mean type=local?'],
    ] as const) {
      const refused = await box.run(['build', '-o', output, '--no-cache', context]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(said);
      expect(refused.stderr).not.toContain('#1');
    }
  });
});

describe('stages without the cache', () => {
  it('run again, with those that stand on them, and no others', async () => {
    const file = join(context, 'Stages');
    writeFileSync(
      file,
      [
        'FROM scratch AS Base',
        'COPY files /a/',
        'FROM base AS up',
        'COPY replaced /',
        'FROM scratch',
        'COPY --from=up / /',
        'COPY files /b/',
        '',
      ].join('\n'),
    );
    await build('-f', file);
    const again = await build('-f', file, '--no-cache-filter', 'BASE');
    const ran = again.stderr
      .split('\n')
      .filter((line) => /^#\d+ (?:cached|done)/.test(line))
      .map((line) => line.split(' ')[1]);
    expect(ran.filter((word) => word === 'done')).toHaveLength(2);
    expect((await build('-f', file, '--no-cache-filter', 'nobody')).stderr).toContain(
      '--no-cache-filter nobody is not used',
    );
  });
});
