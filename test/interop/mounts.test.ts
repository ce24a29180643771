import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findImage } from '../../src/image/find-image.ts';
import { readLayerIndex } from '../../src/layer/read-index.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import {
  createSandbox,
  importBase,
  machineTraces,
  type Ran,
  type Sandbox,
  until,
} from '../support/built-command.ts';
import { readableBuild, testUser } from '../support/test-user.ts';
import { differences, readTree, viewTree } from '../support/unpacked.ts';

const SECRET = 'v3ry-s3cret-9f1c';
let readable: string;
beforeAll(() => {
  readable = readableBuild();
});
afterAll(() => rmSync(readable, { recursive: true, force: true }));

/** A sandbox with a base, and builds of text in it. */
interface Bench {
  readonly sandbox: Sandbox;
  /** A context with these files. */
  context(files: Readonly<Record<string, string>>): string;
  build(context: string, ...args: readonly string[]): Promise<Ran>;
  /** Standard output and error of a build that must end well. */
  built(context: string, ...args: readonly string[]): Promise<string>;
  /** The paths that each layer of an image holds, base first. */
  layers(name: string): Promise<readonly (readonly string[])[]>;
  remove(): Promise<void>;
}

async function openBench(runtime: string, asUser: boolean): Promise<Bench> {
  const env = { DOBOS_RUNTIME: runtime };
  const sandbox = createSandbox(asUser ? { user: testUser(), build: readable, env } : { env });
  chmodSync(sandbox.folder, 0o755);
  await importBase(sandbox);
  let made = 0;
  const build: Bench['build'] = (context, ...args) =>
    sandbox.run(['build', '--progress', 'plain', ...args, context]);
  return {
    sandbox,
    build,
    context(files) {
      const folder = join(sandbox.folder, `context-${made++}`);
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
        utimesSync(join(folder, name), 1_600_000_000, 1_600_000_000);
      }
      return folder;
    },
    async built(context, ...args) {
      const ran = await build(context, ...args);
      expect(ran.code, ran.stderr).toBe(0);
      return ran.stdout + ran.stderr;
    },
    async layers(name) {
      const store = createDirectoryStore(sandbox.store);
      const { layers } = await findImage(store, name);
      const indexes = await Promise.all(layers.map((layer) => readLayerIndex(store, layer)));
      return indexes.map((index) => [...index.entries()].map(({ path }) => path));
    },
    remove: () => sandbox.remove(),
  };
}

/** Paths of files below a folder that hold the text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesWith(path, text);
    return entry.isFile() && readFileSync(path).includes(text) ? [path] : [];
  });
}

/** A program of this machine with its libraries and, as `ld.so`, what loads them. */
function copyProgram(program: string, to: string): void {
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const path of [program, ...libraries]) {
    copyFileSync(path, join(to, /\/ld-linux/.test(path) ? 'ld.so' : basename(path)));
  }
}

/** What the steps of a plain log printed, without numbers and times. */
const printed = (log: string): string[] =>
  log.split('\n').flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []);

const EVERY = `FROM base:1 AS seed
RUN mkdir -p /s/sub && echo seeded > /s/sub/file && chmod 750 /s/sub && chown -R 1000:1000 /s

FROM base:1
WORKDIR /work
RUN --mount=type=tmpfs,target=/t/deep,size=2m df -k /t/deep | grep -q 2048 && echo x > /t/deep/x && echo tmpfs \${x:-ok}
RUN --mount=type=secret,id=tok --mount=type=secret,id=tok,target=/etc/tok,env=TOK,mode=0440,uid=7,gid=8 \\
  printf %s "$TOK" | cmp - /run/secrets/tok && stat -c 'secret %a %u %g' /run/secrets/tok /etc/tok
RUN --mount=type=secret,id=other [ ! -e /run/secrets ] && echo no other
RUN --mount=target=/ctx cat /ctx/link/f && ls -A /ctx && ! touch /ctx/new 2> /dev/null && echo read-only
RUN --mount=type=bind,source=dir,target=bound,rw echo changed > bound/f && touch bound/new && cat /work/bound/f
RUN --mount=source=dir/f,target=/one cat /one
RUN --mount=from=seed,source=/s,target=/seed,rw stat -c '%a %u' /seed/sub && rm -r /seed/sub && echo gone
RUN --mount=from=base:1,target=/other ls /other/bin/busybox
RUN --mount=type=cache,target=/cache,uid=5,gid=6,mode=0700 echo x >> /cache/log && stat -c 'cache %a %u %g' /cache && wc -l < /cache/log
RUN --mount=type=cache,target=/warm,from=seed,source=/s cat /warm/sub/file
RUN --mount=type=tmpfs,target=/a --mount=type=bind,source=dir,target=/a/b cat /a/b/f
RUN <<SCRIPT
#!/bin/sh
echo "script $0"
SCRIPT
RUN <<EOF
echo shell
touch /made
EOF
RUN cat <<A && cat <<B
one
A
two
B
`;

describe.each([
  ['root', 'runc'],
  ['root', 'crun'],
  ['root', 'chroot'],
  ['an ordinary user', 'runc'],
  ['an ordinary user', 'crun'],
  ['an ordinary user', 'chroot'],
])('RUN --mount by %s with %s', (who, runtime) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench(runtime, who !== 'root');
  });
  afterAll(() => bench.remove());

  it('shows every kind of mount, and leaves nothing of them in a layer, the context or the store', async () => {
    const { sandbox } = bench;
    writeFileSync(join(sandbox.folder, 'tok'), `${SECRET}\n`);
    const context = bench.context({
      Dockerfile: EVERY,
      'dir/f': 'content\n',
      'ignored/x': '',
      '.dockerignore': 'ignored\n',
    });
    execFileSync('ln', ['-s', 'dir', join(context, 'link')]);
    const args = ['-t', 'every', '--secret', `id=tok,src=${join(sandbox.folder, 'tok')}`];
    const said = await bench.built(context, ...args);
    expect(printed(said)).toEqual([
      'tmpfs ok',
      'secret 400 0 0',
      'secret 440 7 8',
      'no other',
      ...['content', '.dockerignore', 'Dockerfile', 'dir', 'link', 'read-only'],
      'changed',
      'content',
      ...['750 1000', 'gone'],
      '/other/bin/busybox',
      ...['cache 700 5 6', '1'],
      'seeded',
      'content',
      'script /dev/pipes/SCRIPT',
      'shell',
      ...['one', 'two'],
    ]);
    const [, ...made] = await bench.layers('every');
    expect(made.filter((paths) => paths.length > 0)).toEqual([['work'], ['made']]);
    expect(readdirSync(join(context, 'dir'))).toEqual(['f']);
    expect(readFileSync(join(context, 'dir/f'), 'utf8')).toBe('content\n');
    expect(filesWith(sandbox.store, SECRET)).toEqual([]);
    expect(said).not.toContain(SECRET);

    // What a cache, a secret or an unread file holds is not in the key.
    writeFileSync(join(sandbox.folder, 'tok'), 'another\n');
    writeFileSync(join(context, 'ignored/x'), 'more');
    expect(printed(await bench.built(context, ...args))).toEqual([]);
    expect(printed(await bench.built(context, ...args, '--no-cache'))).toContain('2');
    expect(machineTraces(sandbox).mounts).toEqual([]);
  });
});

describe('RUN --mount', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench('auto', false);
  });
  afterAll(() => bench.remove());

  it('says that a required secret is missing before anything runs, with the line', async () => {
    const context = bench.context({
      Dockerfile:
        'FROM base:1\nRUN touch /x\n\nRUN --mount=type=secret,id=tok,required cat /run/secrets/tok\n',
    });
    const { code, stderr } = await bench.build(context);
    expect(code).not.toBe(0);
    expect(stderr).toContain('secret tok: not found');
    expect(stderr).toContain('>>> RUN --mount=type=secret,id=tok,required');
    expect(stderr).not.toMatch(/^#\d/m);
  });

  it('names the changed file of a bind mount, and runs again for its content only', async () => {
    const text = 'FROM base:1\nRUN --mount=target=/src,source=src cat /src/a /src/b\n';
    const context = bench.context({ Dockerfile: text, 'src/a': 'a', 'src/b': 'b', 'beside/c': 'c' });
    await bench.built(context);
    utimesSync(join(context, 'src/a'), 1_700_000_000, 1_700_000_000);
    writeFileSync(join(context, 'beside/c'), 'changed');
    expect(await bench.built(context)).not.toMatch(/^#\d+ why/m);
    writeFileSync(join(context, 'src/b'), 'new');
    expect(await bench.built(context)).toContain('why: src/b changed');
    chmodSync(join(context, 'src/a'), 0o755);
    expect(await bench.built(context)).toContain('why: src/a changed: mode 0644 → 0755');
  });

  it('reads named contexts, and says which source is missing and why', async () => {
    const text = (source: string, from = 'assets') =>
      `FROM base:1\nRUN --mount=from=${from},source=${source},target=/m ls -A /m\n`;
    const assets = bench.context({ 'sub/kept': '', 'sub/left': '', '.dockerignore': 'sub/left\n' });
    const build = (dockerfile: string) => {
      const args = ['--build-context', `assets=${assets}`, '--build-context', 'tools=docker-image://base:1'];
      return bench.build(bench.context({ Dockerfile: dockerfile }), ...args);
    };
    expect(printed((await build(text('sub'))).stderr)).toEqual(['kept']);
    expect(printed((await build(text('/bin/busybox', 'tools'))).stderr)).toEqual(['/m']);
    const { stderr } = await build(text('sub/left'));
    expect(stderr).toContain('RUN --mount failed: "sub/left" is not in the build context');
    expect(stderr).toContain('line 1: sub/left');
    expect(stderr).toContain('>>> RUN --mount=from=assets');
    expect((await build(text('/bin/bussybox', 'tools'))).stderr).toContain('did you mean "/bin/busybox"?');
  });

  it('does not run again when the stage it reads from was built anew to the same files', async () => {
    const text = (how: string) =>
      `FROM base:1 AS made\nRUN ${how} > /file\nFROM base:1\nRUN --mount=from=made,source=/file,target=/f cat /f\n`;
    const context = bench.context({ Dockerfile: text('echo same') });
    await bench.built(context);
    writeFileSync(join(context, 'Dockerfile'), text('printf "same\\n"'));
    const said = await bench.built(context);
    expect(said.match(/^#\d+ why/gm)).toHaveLength(1);
  });

  const cacheStep = (sharing: string, command: string): string =>
    `FROM base:1\nRUN --mount=type=cache,id=held,target=/c,sharing=${sharing} ${command}\n`;
  /** Stays in its step, holding the cache, until somebody writes `go` into it. */
  const hold = (mark: string): string => `touch /c/${mark} && while [ ! -e /c/go ]; do sleep 0.02; done`;
  const data = (): string => join(bench.sandbox.store, 'cache-mounts/data');
  /** The caches in which a step has left its mark. */
  const holders = (mark: string): string[] =>
    existsSync(data())
      ? readdirSync(data()).flatMap((name) =>
          existsSync(join(data(), name, mark)) ? join(data(), name) : [],
        )
      : [];

  it('lets one build at a time into a locked cache, another into a private copy, and frees it when a process dies', async () => {
    const { sandbox } = bench;
    const start = (dockerfile: string) =>
      sandbox.start(['build', '--progress', 'plain', bench.context({ Dockerfile: dockerfile })]);
    const first = start(cacheStep('locked', hold('first')));
    expect(await until(() => holders('first').length === 1)).toBe(true);
    const held = holders('first')[0]!;

    const apart = await bench.built(bench.context({ Dockerfile: cacheStep('private', 'ls -A /c | wc -l') }));
    expect(printed(apart)).toEqual(['0']);

    const second = start(cacheStep('locked', 'ls /c && echo second'));
    let said = '';
    second.child.stderr?.on('data', (bytes) => {
      said += String(bytes);
    });
    expect(await until(() => said.includes('waiting for the cache mount "held"'))).toBe(true);
    expect(printed(said)).not.toContain('second');
    writeFileSync(join(held, 'go'), '');
    expect((await first.ended).code).toBe(0);
    expect((await second.ended).code).toBe(0);
    expect(printed(said)).toContain('second');

    rmSync(join(held, 'go'));
    const third = start(cacheStep('locked', hold('third')));
    expect(await until(() => holders('third').length === 1)).toBe(true);
    third.child.kill('SIGKILL');
    await third.ended;
    expect(await until(() => sandbox.processes().length === 0)).toBe(true);
    expect(machineTraces(sandbox).mounts).toEqual([]);
    const after = await bench.built(
      bench.context({ Dockerfile: cacheStep('locked', 'echo usable > /c/x && cat /c/x') }),
    );
    expect(printed(after)).toEqual(['usable']);
  });

  it.each(['runc', 'crun', 'chroot'])(
    'has no secret on a disk while the step runs, with %s',
    async (runtime) => {
      const tok = join(bench.sandbox.folder, 'tok');
      writeFileSync(tok, SECRET);
      const text = `FROM base:1\nRUN --mount=type=secret,id=tok,target=/tok,env=TOK --mount=type=cache,id=${runtime},target=/c [ "$TOK" = "$(cat /tok)" ] && ${hold(runtime)}\n`;
      const args = ['--no-cache', '--runtime', runtime, '--secret', `id=tok,src=${tok}`];
      const { ended } = bench.sandbox.start(['build', ...args, bench.context({ Dockerfile: text })]);
      try {
        expect(await until(() => holders(runtime).length === 1)).toBe(true);
        expect(filesWith(bench.sandbox.store, SECRET)).toEqual([]);
      } finally {
        for (const folder of holders(runtime)) writeFileSync(join(folder, 'go'), '');
      }
      expect((await ended).code).toBe(0);
    },
    180_000,
  );

  it('keeps a package cache over builds, counts it, and prunes it by id', async () => {
    const text = (version: string) => `FROM base:1
RUN --mount=type=cache,id=packages,target=/var/cache/packages cd /var/cache/packages && \\
  if [ ! -e big ]; then echo download; dd if=/dev/zero of=big bs=1000 count=300 2> /dev/null; fi; \\
  cp big /installed-${version}
`;
    const context = bench.context({ Dockerfile: text('1') });
    expect(printed(await bench.built(context))).toEqual(['download']);
    writeFileSync(join(context, 'Dockerfile'), text('2'));
    expect(printed(await bench.built(context))).toEqual([]);
    const run = async (...args: readonly string[]) => (await bench.sandbox.run(args)).stdout;
    const count = async () => {
      const rows = (await run('system', 'df', '--format', '{{.Type}}:{{.TotalCount}}')).split('\n');
      return Number(rows.find((row) => row.startsWith('Build Cache:'))?.split(':')[1]);
    };
    const before = await count();
    const pruned = await run('builder', 'prune', '--filter', 'id=packages');
    expect(pruned).toContain('\npackages\n');
    expect(pruned).toContain('Total reclaimed space: 300kB');
    expect(await count()).toBe(before - 1);
    expect(printed(await bench.built(context, '--no-cache'))).toEqual(['download']);
    await run('builder', 'prune');
    expect(readdirSync(data())).toEqual([]);
  });

  it('leads to an ssh agent, for the list of keys and signatures only', async () => {
    const socket = join(bench.sandbox.folder, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      expect(await until(() => existsSync(socket))).toBe(true);
      const context = bench.context({
        Dockerfile: `FROM base:1
RUN --mount=type=ssh --mount=target=/h stat -c '%a %u' $SSH_AUTH_SOCK; /h/ld.so --library-path /h /h/ssh-add -l 2>&1 ; true
RUN --mount=type=ssh,uid=1000,mode=0660,required --mount=target=/h stat -c '%a %u' $SSH_AUTH_SOCK; ! /h/ld.so --library-path /h /h/ssh-add -D 2>&1
RUN [ ! -e /run ]
`,
      });
      copyProgram('/usr/bin/ssh-add', context);
      const said = await bench.built(context, '--ssh', `default=${socket}`);
      expect(printed(said)).toEqual([
        ...['600 0', 'The agent has no identities.'],
        ...['660 1000', 'Failed to remove all identities.'],
      ]);
      expect((await bench.build(context)).stderr).toContain('no ssh agent "default" is given to this build');
      writeFileSync(join(bench.sandbox.folder, 'key'), 'a key\n');
      const key = await bench.build(context, '--ssh', `default=${join(bench.sandbox.folder, 'key')}`);
      expect(key.stderr).toContain("only an agent's socket can be given");
    } finally {
      const ended = once(agent, 'exit');
      agent.kill();
      await ended;
    }
  });

  it.each(['runc', 'crun', 'chroot'])(
    'gives rights by --security=insecure where they are allowed, with %s',
    async (runtime) => {
      const context = bench.context({
        Dockerfile: `FROM base:1
RUN ! mount -t tmpfs none /tmp 2> /dev/null && echo sandbox
RUN --security=insecure mount -t tmpfs none /tmp && touch /tmp/x && [ -e /dev/kmsg ] && echo insecure
RUN --network=none ls /sys/class/net
`,
      });
      const refused = await bench.build(context, '--runtime', runtime);
      expect(refused.stderr).toContain('security.insecure is not allowed');
      const args = ['--runtime', runtime, '--no-cache', '--allow', 'security.insecure'];
      const lines = printed(await bench.built(context, ...args));
      expect(lines).toEqual(['sandbox', 'insecure', 'lo']);
    },
    180_000,
  );

  it('gives the files that buildah gives, which leaves mount points behind', async () => {
    const { sandbox, context, built } = bench;
    const [archive, peers] = [join(sandbox.folder, 'base.tar'), join(sandbox.folder, 'peers')];
    await sandbox.run(['save', '-o', archive, 'base:1']);
    writeFileSync(join(sandbox.folder, 'tok'), SECRET);
    const folder = context({
      Dockerfile: `FROM docker-archive:${archive} AS seed
RUN mkdir -p /s/sub && echo seeded > /s/sub/file && chmod 750 /s/sub
FROM docker-archive:${archive}
RUN --mount=type=tmpfs,target=/t echo x > /t/x && ls -A /t > /tmpfs
RUN --mount=type=secret,id=tok stat -c '%a %u %g' /run/secrets/tok > /secret && cat /run/secrets/tok >> /secret
RUN --mount=type=bind,target=/ctx ls -A /ctx > /bind && cat /ctx/dir/f >> /bind && ! touch /ctx/new
RUN --mount=type=bind,source=dir,target=/rel,rw echo new > /rel/f && cat /rel/f > /rw
RUN --mount=type=bind,from=seed,source=/s,target=/seed stat -c '%a' /seed/sub > /stage && cat /seed/sub/file >> /stage
RUN --mount=type=cache,target=/cache,mode=0700 echo x >> /cache/log && stat -c %a /cache > /cache-mode
`,
      'dir/f': 'content\n',
    });
    const secret = `id=tok,src=${join(sandbox.folder, 'tok')}`;
    await built(folder, '-t', 'ours', '--secret', secret);
    const buildah = (...args: readonly string[]) =>
      execFileSync(
        'buildah',
        ['--root', join(peers, 'root'), '--runroot', join(peers, 'run'), '--storage-driver', 'vfs', ...args],
        { stdio: 'pipe' },
      );
    mkdirSync(peers);
    try {
      buildah('build', '--layers', '--isolation', 'chroot', '--secret', secret, '-t', 'theirs', folder);
      buildah('push', 'theirs', `docker-archive:${join(peers, 'theirs.tar')}:theirs:1`);
    } finally {
      buildah('rmi', '--all', '--force');
    }
    await sandbox.run(['load', '-i', join(peers, 'theirs.tar')]);
    const [ours, theirs] = await Promise.all(
      ['ours', 'theirs:1'].map(async (name) =>
        viewTree(await readTree(sandbox.store, name), { times: false }),
      ),
    );
    expect(ours!.bind).toMatch(/^file 644/);
    const left = differences(ours!, theirs!).map((line) => line.replace(/ \| .*/, ''));
    for (const line of left)
      expect(line).toMatch(/^(?:run|run\/secrets|etc\/(?:hostname|hosts|resolv\.conf)): undefined$/);
  }, 300_000);
});
