import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltTree, buildByDocker, createBuildah, treeOf } from '../support/build-trees.ts';
import { createSandbox, type Sandbox } from '../support/built-command.ts';
import { type Daemon, startDockerd } from '../support/daemons.ts';

const OLD = 1_600_000_000;

/** What all three know and do the same; where peers differ stands in docs/dockerfile.md. */
const CASES: readonly { readonly lines: string }[] = [
  { lines: 'COPY a.txt /x/\nCOPY a.txt /y\nCOPY d /z\nCOPY . /all/' },
  { lines: 'COPY d/sub/d* /x/\nCOPY l* /links/\nCOPY ["with blank", "/b b/"]' },
  { lines: 'COPY d /x\nCOPY e /x' },
  { lines: 'WORKDIR /w/x\nCOPY a.txt ../y/\nCOPY d .' },
  {
    lines:
      'COPY --chown=5:6 a.txt /x/\nCOPY --chown=7 d /y/z\nCOPY --chown=3:4 d /y/z/sub\nCOPY --chmod=700 a.txt /m',
  },
  {
    lines: ['', '.gz', '.bz2', '.xz'].map((ending) => `ADD a.tar${ending} /x${ending}/y`).join('\n'),
  },
  { lines: 'COPY e /x\nADD a.tar /x\nADD b.tar /x\nADD *.tar /y/' },
  { lines: 'ADD --chmod=700 a.tar /x/y' },
  { lines: 'ADD text.gz /x/\nADD text.gz /y\nADD empty.tar /z/\nCOPY a.tar /c/' },
  { lines: 'ADD URL/page.txt /x/\nADD URL/page.txt /y\nADD URL/a.tar /x/' },
];

/** What buildah does otherwise. */
const DOCKER_ONLY = ['COPY setuid /x', 'COPY d/sub/* /x/', 'COPY --chmod=755 d /x'];

describe('COPY and ADD make what buildah and docker make', () => {
  let work: string;
  let context: string;
  let sandbox: Sandbox;
  let docker: Daemon;
  let buildah: ReturnType<typeof createBuildah>;
  let server: ChildProcess;
  let url: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'dobos-copy-'));
    context = join(work, 'context');
    makeContext();
    // Not in this process: it waits for buildah and docker, which ask it.
    server = spawn(
      'python3',
      ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', join(work, 'web'), '0'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    url = await new Promise<string>((resolve) => {
      server.stdout!.once('data', (text: Buffer) =>
        resolve(`http://127.0.0.1:${/port (\d+)/.exec(String(text))?.[1]}`),
      );
    });
    sandbox = createSandbox({ env: { SOURCE_DATE_EPOCH: '' } });
    buildah = createBuildah(join(work, 'buildah'));
    process.env.DOCKER_BUILDKIT = '1';
    docker = await startDockerd(join(work, 'docker'));
  });
  afterAll(async () => {
    await docker.stop();
    server.kill();
    await sandbox.remove();
    rmSync(work, { recursive: true, force: true });
  });

  const write = (path: string, text: string, mode = 0o644): void => {
    const file = join(context, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    utimesSync(file, OLD, OLD);
  };

  function makeContext(): void {
    write('a.txt', 'a', 0o640);
    write('with blank', 'blank');
    write('d/run', 'run', 0o755);
    write('d/sub/deep', 'deep');
    write('e/run', 'other');
    write('e/sub/more', 'more');
    symlinkSync('sub/deep', join(context, 'd/link'));
    symlinkSync('a.txt', join(context, 'l1'));
    symlinkSync('d', join(context, 'l2'));
    linkSync(join(context, 'd/sub/deep'), join(context, 'd/sub/hard'));
    for (const [path, mode] of [
      ['d', 0o750],
      ['d/sub', 0o700],
      ['e', 0o755],
      ['e/sub', 0o711],
    ] as const)
      chmodSync(join(context, path), mode);
    const packed = join(work, 'packed');
    mkdirSync(join(packed, 'top/in'), { recursive: true });
    writeFileSync(join(packed, 'top/in/file'), 'packed');
    linkSync(join(packed, 'top/in/file'), join(packed, 'top/hard'));
    symlinkSync('/etc/x', join(packed, 'top/abs'));
    writeFileSync(join(packed, 'run'), 'from the archive');
    chmodSync(join(packed, 'top/in'), 0o2771);
    const tar = (name: string, ...args: readonly string[]): void => {
      const owner = ['--owner=3', '--group=4', '--numeric-owner', `--mtime=@${OLD}`, '--sort=name'];
      execFileSync('tar', [...owner, '-C', packed, '-c', '-f', join(context, name), ...args]);
    };
    tar('a.tar', 'top', 'run');
    tar('b.tar', 'run');
    tar('empty.tar', '-T', '/dev/null');
    for (const program of ['gzip', 'bzip2', 'xz']) {
      execFileSync(program, ['-k', 'a.tar'], { cwd: context });
    }
    writeFileSync(join(context, 'text.gz'), execFileSync('gzip', ['-c'], { input: 'text' }));
    for (const name of ['text.gz', 'a.tar', 'b.tar', 'empty.tar', 'a.tar.gz', 'a.tar.bz2', 'a.tar.xz'])
      utimesSync(join(context, name), OLD, OLD);
    mkdirSync(join(work, 'web'));
    for (const [name, text] of [
      ['page.txt', 'page'],
      ['a.tar', 'not even a tar'],
    ] as const) {
      writeFileSync(join(work, 'web', name), text);
      utimesSync(join(work, 'web', name), OLD, OLD);
    }
    writeFileSync(join(context, '.dockerignore'), 'setuid\nDockerfile\n.dockerignore\n');
  }

  const ours = async (): Promise<BuiltTree> => {
    const dest = join(mkdtempSync(join(work, 'ours-')), 'tree.tar');
    const ran = await sandbox.run(['build', '-o', `type=tar,dest=${dest}`, context]);
    expect(ran.stderr, ran.stderr).not.toContain('error:');
    expect(ran.code, ran.stderr).toBe(0);
    const tree = join(dirname(dest), 'tree');
    mkdirSync(tree);
    execFileSync('tar', ['-C', tree, '--numeric-owner', '-xpf', dest]);
    return treeOf(tree);
  };

  it.each(CASES)('$lines', async ({ lines }) => {
    writeFileSync(join(context, 'Dockerfile'), `FROM scratch\n${lines.replaceAll('URL', url)}\n`);
    const made = await ours();
    expect(made, 'buildah').toEqual(buildah.build(context));
    expect(made, 'docker').toEqual(buildByDocker(docker, context, work));
  });

  it.each(DOCKER_ONLY)('%s, docker', async (lines) => {
    write('setuid', 'setuid', 0o4755);
    writeFileSync(join(context, '.dockerignore'), 'Dockerfile\n');
    writeFileSync(join(context, 'Dockerfile'), `FROM scratch\n${lines}\n`);
    expect(await ours()).toEqual(buildByDocker(docker, context, work));
  });
});
