import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from '../support/built-command.ts';
import { type Daemon, startDockerd } from '../support/daemons.ts';

/** Contexts made by chance; the same each time. */
const CASES = Number(process.env.CONTEXT_CASES ?? 12);

const NAMES = ['a', 'b', 'ab', 'ba', '.c', 'x y', 'd.txt', 'e.md'];
const PARTS = [
  'a',
  'b',
  'ab',
  '.c',
  'd.txt',
  '*',
  '?',
  'a*',
  '*b',
  '*.txt',
  '**',
  '[ab]',
  '[^a]',
  'x y',
  '.',
  '..',
  'a?',
  'a\\*',
  '\\.c',
];

interface Case {
  readonly files: readonly string[];
  readonly ignore: string;
}

/** Numbers below a bound, by xorshift. */
function chance(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function makeCase(seed: number): Case {
  const pick = chance(seed);
  for (let i = 0; i < 20; i++) pick(2);
  const one = <T>(list: readonly T[]): T => list[pick(list.length)]!;
  const taken = new Set<string>();
  const files: string[] = [];
  for (let i = 0; i < 25; i++) {
    const path = Array.from({ length: 1 + pick(4) }, () => one(NAMES)).join('/');
    // A file is no folder.
    const above = path.split('/').map((_, n, all) => all.slice(0, n + 1).join('/'));
    if (above.some((each) => files.includes(each)) || files.some((each) => each.startsWith(`${path}/`)))
      continue;
    for (const each of above) taken.add(each);
    files.push(path);
  }
  const lines = Array.from({ length: 1 + pick(5) }, () => {
    const path = Array.from({ length: 1 + pick(3) }, () => one(PARTS)).join('/');
    const dressed = one([
      path,
      path,
      path,
      path,
      `/${path}`,
      `${path}/`,
      `./${path}`,
      ` ${path} `,
      `**/${path}`,
      `${path}/**`,
    ]);
    return one(['', '', '', '!', '! ', '#', ' #'].filter((mark) => mark !== '' || true)) + dressed;
  });
  const newline = one(['\n', '\n', '\r\n']);
  return { files, ignore: one(['', '', '\uFEFF']) + lines.join(newline) + one(['', newline]) };
}

/** A context that several tests use. */
const files = {
  Dockerfile: 'FROM scratch\nCOPY . /\n',
  'other/File': 'FROM scratch\nCOPY kept /\nLABEL other=1\n',
  '.dockerignore': 'ignored\n',
  ignored: 'x',
  kept: 'kept',
};

let work: string;
let box: Sandbox;
let docker: Daemon;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-contexts-'));
  box = createSandbox();
  write(join(work, 'packed'), files);
  docker = await startDockerd(join(work, 'docker'));
});
afterAll(async () => {
  await docker.stop();
  rmSync(work, { recursive: true, force: true });
  await box.remove();
});

function write(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function paths(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? [`${path}/`, ...paths(folder, path)] : [path];
    })
    .sort();
}

/** What a build leaves, without folders: docker 20.10 keeps empty ones below which a `!` might have let something in. */
const filesOf = (code: number | null, folder: string): readonly string[] | 'fails' =>
  code === 0 ? paths(folder).filter((path) => !path.endsWith('/')) : 'fails';

describe('.dockerignore', () => {
  it(`keeps out what docker and buildah keep out, in ${CASES} contexts`, async () => {
    const differences: unknown[] = [];
    const out = (name: string): string => join(work, name);
    const storage = ['--root', out('buildah'), '--runroot', out('buildah-run'), '--storage-driver', 'vfs'];
    const peer = (program: string, args: readonly string[]): number | null =>
      spawnSync(program, args, { env: { ...process.env, DOCKER_BUILDKIT: '1' }, stdio: 'ignore' }).status;
    for (let seed = 1; seed <= CASES; seed++) {
      const { files, ignore } = makeCase(seed);
      const context = out('context');
      write(context, {
        ...Object.fromEntries(files.map((path) => [path, path])),
        '.dockerignore': ignore,
        Dockerfile: 'FROM scratch\nCOPY . /\n',
      });
      const ran = await box.run(['build', '-q', '-o', out('ours'), context]);
      const ours = filesOf(ran.code, out('ours'));
      const buildkit = ['-H', `unix://${out('docker/d.sock')}`, 'build', '-q', '-o', out('dockers'), context];
      const dockers = filesOf(peer('/usr/bin/docker', buildkit), out('dockers'));
      // Where the peers differ (docker 20.10 does not enter folders for a `!` with wildcards) either is right.
      if (String(ours) !== String(dockers)) {
        const bud = [...storage, 'bud', '--isolation', 'chroot', '-q', '-o', out('buildahs'), context];
        const buildahs = filesOf(peer('buildah', bud), out('buildahs'));
        if (String(ours) !== String(buildahs))
          differences.push({ seed, ignore, ours, dockers, buildahs, said: ran.stderr });
      }
      for (const name of ['ours', 'dockers', 'buildahs', 'context'])
        rmSync(out(name), { recursive: true, force: true });
    }
    spawnSync('buildah', [...storage, 'rmi', '-a', '-f'], { stdio: 'ignore' });
    expect(differences).toEqual([]);
  });

  it('hides the Dockerfile from COPY and is read all the same; that of the Dockerfile itself wins', async () => {
    const context = write(join(work, 'own'), {
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      'sub/Other': 'FROM scratch\nCOPY . /\n',
      'sub/Other.dockerignore': '*\n!b\n',
      '.dockerignore': 'Dockerfile\n.dockerignore\nsub\n',
      a: 'a',
      b: 'b',
    });
    await build('-o', join(work, 'first'), context);
    await build('-o', join(work, 'second'), '-f', join(context, 'sub/Other'), context);
    expect([paths(join(work, 'first')), paths(join(work, 'second'))]).toEqual([['a', 'b'], ['b']]);
  });
});

const build = async (...words: readonly string[]): Promise<string> => buildFrom(undefined, ...words);

async function buildFrom(input: Buffer | undefined, ...words: readonly string[]): Promise<string> {
  const ran = await box.run(['build', ...words], input === undefined ? {} : { input });
  expect(ran.code, `${words.join(' ')}\n${ran.stderr}`).toBe(0);
  expect(readdirSync(join(box.store, 'tmp'))).toEqual([]);
  return ran.stdout.trim();
}

/** The folder as tar packs it. */
const packed = (folder: string, how: string): Buffer =>
  execFileSync('tar', ['-C', folder, ...(how === '' ? [] : [how]), '-c', '.'], { maxBuffer: 1 << 26 });

describe('contexts that are no folder', () => {
  it('are archives on standard input, however packed, and give the image that the folder gives', async () => {
    const folder = join(work, 'packed');
    const id = await build('-q', folder);
    for (const how of ['', '--gzip', '--bzip2', '--xz', '--zstd'])
      expect(await buildFrom(packed(folder, how), '-q', '-'), how).toBe(id);
    const other = await build('-q', '-f', join(folder, 'other/File'), folder);
    expect(await buildFrom(packed(folder, ''), '-q', '-f', 'other/File', '-')).toBe(other);
  });

  it('are none, with the Dockerfile on standard input', async () => {
    const text = Buffer.from('FROM scratch\nCOPY kept /\n');
    const folder = write(join(work, 'lone'), files);
    await buildFrom(text, '-o', join(work, 'lone-out'), '-f', '-', folder);
    expect(paths(join(work, 'lone-out'))).toEqual(['kept']);
    const failed = await box.run(['build', '-'], { input: text });
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining('this build has no context to copy from'),
    ]);
    await buildFrom(Buffer.from('FROM scratch\nENV A=b\n'), '-q', '-');
  });

  it.each([
    [['-f', '-', '-'], Buffer.from('FROM scratch\n'), 'standard input cannot be both'],
    [['-'], Buffer.alloc(0), 'the build context "-" is empty'],
    [['-f', 'missing', '-'], Buffer.alloc(1024), 'the context has no such file'],
    [['-'], Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), 'gzip'],
  ])('that are wrong are told of: %j', async (words, input, said) => {
    const ran = await box.run(['build', ...words], { input });
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)]);
    expect(existsSync(join(box.store, 'tmp')) ? readdirSync(join(box.store, 'tmp')) : []).toEqual([]);
  });

  it('come from a server, as archive or as Dockerfile', async () => {
    const folder = write(join(work, 'served'), files);
    const archive = packed(folder, '--gzip');
    const server = createServer(({ url }, response) => {
      if (url === '/c.tgz') response.end(archive);
      else if (url === '/Dockerfile') response.end('FROM scratch\nENV A=b\n');
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const at = `http://127.0.0.1:${port}`;
      expect(await build('-q', `${at}/c.tgz`)).toBe(await build('-q', folder));
      await build('-q', `${at}/Dockerfile`);
      await build(
        '-o',
        join(work, 'served-out'),
        '--build-context',
        `named=${at}/c.tgz`,
        '-f',
        join(folder, 'other/File'),
        folder,
      );
      const missing = await box.run(['build', `${at}/none`]);
      expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('the server answers 404')]);
    } finally {
      server.close();
    }
  });

  it('are gone when the build is killed, with the next one', async () => {
    const slow = async function* (): AsyncIterable<Uint8Array> {
      const whole = packed(join(work, 'packed'), '');
      yield whole.subarray(0, whole.length - 600);
      await started;
      await new Promise(() => {});
    };
    let go = (): void => {};
    const started = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { child, ended } = box.start(['build', '-q', '-'], { input: slow() });
    while (!existsSync(join(box.store, 'tmp')) || readdirSync(join(box.store, 'tmp')).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    go();
    await ended;
    expect(readdirSync(join(box.store, 'tmp'))).toHaveLength(1);
    await build('-q', '--no-cache', join(work, 'packed'));
  });
});

describe('git repositories as contexts', () => {
  it('are checked out at the ref and in the folder that the URL names, without .git', async () => {
    const source = join(work, 'source');
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-C', source, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
        encoding: 'utf8',
      });
    write(source, {
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      'sub/Dockerfile': 'FROM scratch\nCOPY in /\n',
      'sub/in': 'x',
    });
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-q', '-m', 'one');
    git('tag', 'v1');
    write(source, { later: 'y' });
    git('add', '.');
    git('commit', '-q', '-m', 'two');
    execFileSync('git', ['clone', '-q', '--bare', source, join(work, 'served.git')]);
    execFileSync('git', ['-C', join(work, 'served.git'), 'update-server-info']);
    const server = createServer(({ url = '' }, response) => {
      const path = join(work, url.split('?')[0]!);
      if (existsSync(path) && statSync(path).isFile()) response.end(readFileSync(path));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/served.git`;
      await build('-o', join(work, 'git-main'), at);
      expect(paths(join(work, 'git-main'))).toEqual([
        'Dockerfile',
        'later',
        'sub/',
        'sub/Dockerfile',
        'sub/in',
      ]);
      await build('-o', join(work, 'git-sub'), `${at}#v1:sub`);
      expect(paths(join(work, 'git-sub'))).toEqual(['in']);
      const bad = await box.run(['build', `${at}#v1:nowhere`]);
      expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('it has no folder "nowhere"')]);
      expect(readdirSync(join(box.store, 'tmp'))).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe('named contexts', () => {
  it('stand for images and stages, in FROM, COPY and mounts', async () => {
    const folder = write(join(work, 'named'), {
      Dockerfile: [
        'FROM alpine:latest AS base',
        'FROM scratch AS Built',
        'COPY nothing-of-the-kind /',
        'FROM scratch',
        'COPY --from=built /made /from-stage',
        'COPY --from=files only /from-files',
        'COPY --from=base / /base/',
        'COPY --from=layout /kept /from-layout',
        '',
      ].join('\n'),
    });
    const sources = write(join(work, 'sources'), {
      only: '1',
      unread: '2',
      '.dockerignore': 'hidden\n',
      hidden: '3',
    });
    const stage = write(join(work, 'stage'), { made: 'made' });
    await build(
      '-o',
      `type=oci,tar=false,dest=${join(work, 'layout')}`,
      '-t',
      'layout:1',
      join(work, 'packed'),
    );
    await build('-o', join(work, 'named-out'), '--build-context', `alpine=${sources}`, '--build-context', `BUILT=${stage}`,
      '--build-context', `files=${sources}`, '--build-context', `layout=oci-layout://${join(work, 'layout')}:1`, folder); // biome-ignore format: one command line
    expect(paths(join(work, 'named-out'))).toEqual([
      'base/', 'base/.dockerignore', 'base/only', 'base/unread', 'from-files', 'from-layout', 'from-stage',
    ]); // biome-ignore format: a list
  });

  it.each([
    ['x', 'want name=value'],
    ['x=', 'it names no place'],
    ['x=/nowhere/at/all', 'there is no such folder'],
    ['x=https://example.org/a.git#-x', 'is no name of a branch, tag or commit'],
  ])('that are wrong are refused: %s', async (text, said) => {
    const ran = await box.run(['build', '--build-context', text, join(work, 'packed')]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining(said)]);
  });
});
