import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isDobosError } from '../../src/base/errors.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { createMemoryStore } from '../../src/store/memory-store.ts';
import { build, describeTop, topLayer } from '../support/build.ts';
import { COMMIT_TIME, type GitServer, startGitServer } from '../support/git-server.ts';

describe('ADD of a git repository', () => {
  let folder: string;
  let server: GitServer;
  let at: string;
  let store: LocalStore;
  let commits: { readonly first: string; readonly main: string; readonly other: string };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-git-'));
    server = await startGitServer(folder);
    at = `${server.url}/repo`;
    commits = makeRepositories();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    store = createMemoryStore();
  });

  function makeRepositories(): typeof commits {
    const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
    for (const name of ['repo', 'part']) {
      mkdirSync(join(folder, name));
      server.git(name, 'init', '-q');
    }
    const commit = (name: string): string => {
      server.git(name, 'add', '-A');
      server.git(name, 'commit', '-q', '-m', 'x');
      return server.git(name, 'rev-parse', 'HEAD');
    };
    write('part/inside', 'inside');
    commit('part');
    mkdirSync(join(folder, 'repo/sub/deep'), { recursive: true });
    write('repo/a.txt', 'one');
    const first = commit('repo');
    server.git('repo', 'tag', '-a', '-m', 'x', 'v1');
    write('repo/a.txt', 'two');
    write('repo/run', '#!/bin/sh\n');
    chmodSync(join(folder, 'repo/run'), 0o700);
    chmodSync(join(folder, 'repo/a.txt'), 0o666);
    write('repo/sub/deep/b.md', 'b');
    symlinkSync('../a.txt', join(folder, 'repo/sub/link'));
    symlinkSync('/etc', join(folder, 'repo/out'));
    server.git('repo', 'submodule', '-q', 'add', '--', `${server.url}/part`, 'module');
    const main = commit('repo');
    server.git('repo', 'checkout', '-q', '-b', 'other/x', first);
    rmSync(join(folder, 'repo/module'), { recursive: true });
    write('repo/only', 'other');
    const other = commit('repo');
    server.git('repo', 'checkout', '-q', 'main');
    return { first, main, other };
  }

  const env = { PATH: process.env.PATH };
  const built = (line: string) => build(store, `FROM scratch\n${line}\n`, { gitEnv: env });
  const add = async (line: string): Promise<string> => {
    try {
      return (await describeTop(store, (await built(line)).image)).join(', ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return `${error.code} ${error.message.replaceAll(server.url, 'AT')}`;
    }
  };

  it('takes the files of the commit, with its submodules, as git knows them', async () => {
    const { image } = await built(`ADD ${at} /x`);
    expect(await describeTop(store, image)).toEqual([
      'x/ 755 0:0',
      'x/.gitmodules 644 0:0',
      'x/a.txt 644 0:0',
      'x/module/ 755 0:0',
      'x/module/inside 644 0:0',
      'x/out -> /etc 777 0:0',
      'x/run 755 0:0',
      'x/sub/ 755 0:0',
      'x/sub/deep/ 755 0:0',
      'x/sub/deep/b.md 644 0:0',
      'x/sub/link -> ../a.txt 777 0:0',
    ]);
    const entries = await topLayer(store, image);
    expect(entries.get('x/a.txt')).toMatchObject({ size: 3, mtime: { seconds: COMMIT_TIME } });
    expect(entries.get('x/sub')?.mtime.seconds).toBe(COMMIT_TIME);
  });

  it.each<[string, string]>([
    ['ADD AT#v1 /', 'a.txt 644 0:0'],
    ['ADD AT#refs/tags/v1 /', 'a.txt 644 0:0'],
    ['ADD AT?tag=v1 /', 'a.txt 644 0:0'],
    ['ADD AT#FIRST /', 'a.txt 644 0:0'],
    ['ADD --checksum=FIRST AT#v1 /', 'a.txt 644 0:0'],
    ['ADD AT#other/x /', 'a.txt 644 0:0, only 644 0:0'],
    ['ADD AT?branch=other/x&subdir=. /', 'a.txt 644 0:0, only 644 0:0'],
    ['ADD AT#:sub/deep /x', 'x/ 755 0:0, x/b.md 644 0:0'],
    ['ADD AT#main:sub /x/', 'x/ 755 0:0, x/deep/ 755 0:0, x/deep/b.md 644 0:0, x/link -> ../a.txt 777 0:0'],
    ['ADD AT?submodules=0#:module /x', 'x/ 755 0:0'],
    ['ADD --chown=5:6 --chmod=u=rwX,go= AT#v1 /x/', 'x/ 700 5:6, x/a.txt 600 5:6'],
    ['ADD --link AT#v1 /x', 'x/ 755 0:0, x/a.txt 644 0:0'],
    [
      'ADD --exclude=sub --exclude=.gitmodules --exclude=!**/.git --exclude=module AT /',
      'a.txt 644 0:0, out -> /etc 777 0:0, run 755 0:0',
    ],
    // Wrong.
    ['ADD AT#none /', 'BUILD_GIT_REF git repository AT/repo#none has no none'],
    [
      'ADD AT#0000000000000000000000000000000000000001 /',
      'BUILD_GIT_REF git repository AT/repo#0000000000000000000000000000000000000001 has no 0000000000000000000000000000000000000001',
    ],
    ['ADD AT#main:su /', 'BUILD_NOT_IN_SOURCE ADD failed: "su/" is not in AT/repo#main:su'],
    ['ADD AT#main:a.txt /', 'BUILD_NOT_IN_SOURCE ADD failed: "a.txt/" is not in AT/repo#main:a.txt'],
    ['ADD AT#main:out /', 'BUILD_NOT_IN_SOURCE ADD failed: "out/" is not in AT/repo#main:out'],
    ['COPY AT /', "PLAN_INVALID source can't be a git ref for COPY"],
  ])('%s', async (line, want) => {
    expect(await add(line.replace('AT', at).replace('FIRST', commits.first))).toBe(want);
  });

  it('holds the commit to --checksum', async () => {
    expect(await add(`ADD --checksum=${commits.first} ${at} /`)).toBe(
      `BUILD_GIT_COMMIT git repository AT/repo: expected checksum to match ${commits.first}, got ${commits.main}`,
    );
  });

  it('keeps what git keeps only with --keep-git-dir', async () => {
    const { image } = await built(`ADD --keep-git-dir=true ${at}#v1 /`);
    const paths = [...(await topLayer(store, image)).keys()];
    expect(paths).toEqual(expect.arrayContaining(['.git', '.git/HEAD', '.git/config', 'a.txt']));
  });

  it('runs again only when the ref has moved, and asks nobody for a whole commit', async () => {
    const cached = async (line: string) => (await built(line)).steps.at(-1)?.cached;
    server.git('repo', 'branch', '-f', 'moving', commits.first);
    expect(await cached(`ADD ${at}#moving /`)).toBe(false);
    expect(await cached(`ADD ${at}#v1 /`)).toBe(true);
    server.git('repo', 'branch', '-f', 'moving', commits.other);
    expect(await cached(`ADD ${at}#moving /`)).toBe(false);
    expect(await cached(`ADD git://127.0.0.1:1/repo#${commits.other} /`)).toBe(true);
  });

  it('fetches from a server that knows no shallow fetch, and keeps no password of it', async () => {
    server.git('repo', 'update-server-info');
    const dumb = createServer((request, response) => {
      const path = (request.url ?? '').replace('/repo.git/', '').replace(/\?.*/, '');
      const file = join(folder, 'repo/.git', path);
      if (existsSync(file)) response.end(readFileSync(file));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => dumb.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = dumb.address() as { port: number };
      const url = `http://ada:secret@127.0.0.1:${port}/repo.git`;
      for (const ref of ['v1', commits.first]) expect(await add(`ADD ${url}#${ref} /`)).toBe('a.txt 644 0:0');
      const { image } = await built(`ADD --keep-git-dir=true ${url}#v1 /`);
      for await (const bytes of image.layers.at(-1)!.openTar()) {
        expect(Buffer.from(bytes).includes('secret')).toBe(false);
      }
    } finally {
      await new Promise((resolve) => dumb.close(resolve));
    }
  });

  it('shows a token to the server of the repository only, by no command line, and follows no redirect with it', async () => {
    server.git('repo', 'update-server-info');
    const seen: string[] = [];
    const serve = (name: string, answer: (path: string) => string | undefined) => {
      const made = createServer((request, response) => {
        seen.push(`${name} ${request.headers.authorization}`);
        const path = (request.url ?? '').replace(/\?.*/, '');
        const location = answer(path);
        const file = join(folder, 'repo/.git', path.replace('/repo.git/', ''));
        if (location !== undefined) response.writeHead(302, { location }).end();
        else if (name === 'home' && request.headers.authorization === undefined)
          response.writeHead(401).end();
        else if (existsSync(file)) response.end(readFileSync(file));
        else response.writeHead(404).end();
      });
      return new Promise<{ host: string; close(): Promise<unknown> }>((resolve) =>
        made.listen(0, '127.0.0.1', () => {
          const { port } = made.address() as { port: number };
          const close = (): Promise<unknown> => new Promise((done) => made.close(done));
          resolve({ host: `127.0.0.1:${port}`, close });
        }),
      );
    };
    const thief = await serve('thief', () => undefined);
    const home = await serve('home', (path) =>
      path.startsWith('/moved.git/') ? `http://${thief.host}${path.replace('moved', 'repo')}` : undefined,
    );
    const give = (id: string) => ({ secrets: new Map([[id, Buffer.from('t0ken')]]), agents: new Map() });
    const addWith = async (url: string, id: string): Promise<string> => {
      const text = `FROM scratch\nADD --keep-git-dir=true ${url}#v1 /\n`;
      try {
        const { image } = await build(store, text, { gitEnv: env, secrets: give(id) });
        for await (const bytes of image.layers.at(-1)!.openTar()) {
          expect(Buffer.from(bytes).includes('t0ken')).toBe(false);
          expect(Buffer.from(bytes).includes('eC1hY2Nlc3MtdG9rZW4')).toBe(false);
        }
        return 'made';
      } catch (error) {
        if (!isDobosError(error)) throw error;
        return `${error.code} ${error.hint}`;
      }
    };
    const wanted = `basic ${Buffer.from('x-access-token:t0ken').toString('base64')}`;
    try {
      for (const id of ['GIT_AUTH_TOKEN', `GIT_AUTH_TOKEN.${home.host}`]) {
        store = createMemoryStore();
        expect(await addWith(`http://${home.host}/repo.git`, id)).toBe('made');
      }
      expect(await addWith(`http://${home.host}/repo.git`, 'GIT_AUTH_TOKEN.other')).toMatch(
        /^BUILD_GIT git asks nobody here: --secret id=GIT_AUTH_TOKEN,/,
      );
      expect(await addWith(`http://${home.host}/moved.git`, `GIT_AUTH_TOKEN.${home.host}`)).toMatch(
        /^BUILD_GIT with a token git follows no redirect/,
      );
      expect(new Set(seen)).toEqual(new Set([`home ${wanted}`, 'home undefined']));
    } finally {
      await Promise.all([thief.close(), home.close()]);
    }
  });

  it('runs nothing that a repository or the user brings, and reaches no file of this machine', async () => {
    const evil = join(folder, 'evil');
    mkdirSync(evil);
    server.git('evil', 'init', '-q');
    const marker = join(folder, 'ran');
    writeFileSync(join(evil, '.gitattributes'), '* filter=x\n');
    writeFileSync(join(evil, 'f'), 'f');
    server.git('evil', 'add', '-A');
    const part = server.git('part', 'rev-parse', 'HEAD');
    server.git('evil', 'update-index', '--add', '--cacheinfo', `160000,${part},m`);
    const commit = (module: string): void => {
      writeFileSync(join(evil, '.gitmodules'), `[submodule "m"]\n\tpath = m\n${module}`);
      server.git('evil', 'add', '.gitmodules');
      server.git('evil', 'commit', '-q', '-m', 'x');
    };
    const home = join(folder, 'home');
    mkdirSync(home);
    writeFileSync(
      join(home, '.gitconfig'),
      `[filter "x"]\n\tsmudge = touch ${marker}\n[core]\n\tsshCommand = touch ${marker}\n`,
    );
    const hostile = {
      ...env,
      HOME: home,
      GIT_SSH_COMMAND: `touch ${marker}`,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: `touch ${marker}`,
    };
    const text = `FROM scratch\nADD ${server.url}/evil /\n`;
    for (const module of [
      `url = file://${folder}/part`,
      `url = ${folder}/part`,
      `url = ext::touch ${marker}`,
      `url = ${server.url}/part\n\tupdate = !touch ${marker}`,
      `url = -u./x`,
    ]) {
      commit(`\t${module}\n`);
      const made = build(store, text, { gitEnv: hostile });
      await expect(made, module).rejects.toMatchObject({
        code: 'BUILD_GIT',
        message: expect.stringContaining('cannot fetch submodules'),
      });
    }
    const bare = `FROM scratch\nADD ${server.url}/evil?submodules=0 /\n`;
    expect(await describeTop(store, (await build(store, bare, { gitEnv: hostile })).image)).toContain(
      'f 644 0:0',
    );
    const ssh = `FROM scratch\nADD ssh://127.0.0.1:1/x /\n`;
    await expect(build(store, ssh, { gitEnv: hostile })).rejects.toMatchObject({ code: 'BUILD_GIT' });
    expect(readdirSync(folder)).not.toContain('ran');
  });

  it('ends git and leaves nothing when the build is aborted', async () => {
    const own = mkdtempSync(join(folder, 'tmp-'));
    vi.stubEnv('TMPDIR', own);
    const stop = new AbortController();
    const silent = createTcpServer((socket) => {
      socket.on('data', () => stop.abort(new Error('enough')));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const text = `FROM scratch\nADD git://127.0.0.1:${port}/x /\n`;
    await expect(build(store, text, { gitEnv: env, signal: stop.signal })).rejects.toThrow('enough');
    vi.unstubAllEnvs();
    await new Promise((resolve) => silent.close(resolve));
    expect(readdirSync(own)).toEqual([]);
  });
});
