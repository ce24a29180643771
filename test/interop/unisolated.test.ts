import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createSandbox,
  importBase,
  machineTraces,
  type Ran,
  type Sandbox,
  until,
} from '../support/built-command.ts';

const SECRET = 'v3ry-s3cret-4e7a';
let sandbox: Sandbox;
let made = 0;

beforeAll(async () => {
  sandbox = createSandbox({ env: { DOBOS_RUNTIME: 'unisolated' } });
  await importBase(sandbox);
});
afterAll(() => sandbox.remove());

function contextOf(dockerfile: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(sandbox.folder, `context-${made++}`);
  mkdirSync(folder);
  for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files }))
    writeFileSync(join(folder, name), text);
  return folder;
}

const build = (context: string, ...args: readonly string[]): Promise<Ran> =>
  sandbox.run(['build', '--progress', 'plain', ...args, context]);

/** Standard output and error of a build of this Dockerfile, which must end well. */
async function built(dockerfile: string, ...args: readonly string[]): Promise<string> {
  const ran = await build(contextOf(dockerfile), ...args);
  expect(ran.code, ran.stderr).toBe(0);
  return ran.stdout + ran.stderr;
}

const UNLIKE = `FROM base:1
RUN mkdir -p /srv/a && echo one > /srv/a/one && chmod 4755 /srv/a/one && ln /srv/a/one /srv/a/two && ln -s /etc/hosts /srv/a/l
RUN echo 'app:x:1000:1000::/home:/bin/sh' >> /etc/passwd; rm /bin/ps; mv /tmp /tmp2; mkdir -m 1777 /tmp
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t/u/v --mount=target=/srv/b cp /srv/b/Dockerfile /srv/c; touch /c/a /t/u/v/x; mkfifo /srv/fifo
USER app
WORKDIR /deep/x
RUN touch /tmp/mine
USER root
RUN <<EOF
set -e
chown 7:8 /srv/c
rm -r /var
cat /etc/resolv.conf > /dev/null
EOF
CMD ["cat", "/srv/c"]
`;

describe('the unisolated executor', () => {
  it('makes the image that an isolated build makes, digest for digest', async () => {
    const context = contextOf(UNLIKE);
    const plain = await sandbox.run(['build', '-q', context]);
    expect(plain.code, plain.stderr).toBe(0);
    const isolated = await sandbox.run(['build', '-q', '--no-cache', '--runtime', 'chroot', context]);
    expect(isolated).toMatchObject({ code: 0, stdout: plain.stdout });
  });

  it('says once what it does not isolate, and info says why it was chosen', async () => {
    const said = await built('FROM base:1\nRUN echo a\nRUN echo b\n', '--no-cache');
    expect(said.match(/warning: not isolated: .*no \/proc \(--runtime unisolated\)/g)).toHaveLength(1);
    const info = await sandbox.run(['info']);
    expect(info.stdout).toMatch(
      /^runtime +unisolated \(asked for: unisolated\): no namespaces, no mounts, no \/proc/m,
    );
  });

  it('gives a step its user, groups and fewer rights, and nothing that leads out of the root', async () => {
    const said = await built(`FROM base:1
RUN id && ! chroot / true && ! mknod /n c 1 3 && ls -d /proc/*; ls /dev
USER 7:8
RUN id -u; id -g; ! touch /x
`);
    expect(said).toContain('uid=0(root) gid=0(root)');
    expect(said).toContain("chroot: can't change root directory to '/': Operation not permitted");
    expect(said).toContain('mknod: /n: Operation not permitted');
    expect(said).toContain('ls: /proc/*: No such file or directory');
    for (const name of ['null', 'zero', 'urandom', 'shm']) expect(said).toMatch(new RegExp(` ${name}$`, 'm'));
    expect(said).toContain('touch: /x: Permission denied');
  });

  it('has its output under the names that scripts know, for every user', async () => {
    const said = await built(`FROM base:1
USER 7
RUN echo one > /dev/stdout; echo two > /dev/stderr; echo three | tee /dev/fd/2 > /dev/null; cat < /dev/stdin; echo last
`);
    for (const word of ['one', 'two', 'three', 'last'])
      expect(said).toMatch(new RegExp(`^#3 [\\d.]+ ${word}$`, 'm'));
  });

  it('ends what a step leaves behind, in sessions of their own too, and does not wait for it', async () => {
    await built(
      'FROM base:1\nRUN (sleep 301 &); setsid sleep 302 & nohup sh -c "sleep 303; true" & echo started\n',
    );
    expect(sandbox.processes().filter((line) => !line.includes('vitest'))).toEqual([]);
    expect(spawnSync('pgrep', ['-f', '^sleep 30[123]$'], { encoding: 'utf8' }).stdout).toBe('');
  });

  it('leaves no process, mount or file when the command is killed', async () => {
    const context = contextOf(
      'FROM base:1\nRUN --mount=type=cache,target=/c echo here >> /c/x; setsid sleep 304 & sleep 305 & echo ready; sleep 306\n',
    );
    const { child, ended } = sandbox.start(['build', '--progress', 'plain', context]);
    const sleepers = (): string => spawnSync('pgrep', ['-f', '^sleep 30[456]$'], { encoding: 'utf8' }).stdout;
    expect(await until(() => sleepers().trim().split('\n').length === 3)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(await until(() => sleepers() === '' && sandbox.processes().length === 0)).toBe(true);
    expect(machineTraces(sandbox)).toEqual({ mounts: [], cgroups: [], states: [] });
    // The cache was in the step's root, and is back in its place.
    const said = await built('FROM base:1\nRUN --mount=type=cache,target=/c cat /c/x\n');
    expect(said).toContain('here');
    expect(await sandbox.run(['system', 'check'])).toMatchObject({ code: 0 });
  });

  it('passes signals on and gives the exit code of what it runs', async () => {
    expect(await sandbox.run(['run', 'base:1', 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7 });
    expect(await sandbox.run(['run', 'base:1', 'nothing'])).toMatchObject({ code: 127 });
    const { child, ended } = sandbox.start([
      'run',
      'base:1',
      'sh',
      '-c',
      'trap "echo heard; exit 3" TERM; echo up; sleep 1000 & wait',
    ]);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 3, stdout: 'up\nheard\n' });
  });
});

describe('a container in the background, without namespaces', () => {
  const told = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await sandbox.run(words);
    expect(code, `${words.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };

  it('is signalled, stopped, killed, restarted and removed', async () => {
    const script = 'trap "echo heard" HUP; trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done';
    const logs = async (): Promise<string> => (await sandbox.run(['logs', 'plain'])).stdout;
    await told('run', '-d', '--name', 'plain', 'base:1', 'sh', '-c', script);
    await expect.poll(logs).toBe('ready\n');
    expect(await told('kill', '-s', 'HUP', 'plain')).toBe('plain\n');
    await expect.poll(logs).toBe('ready\nheard\n');
    expect(await told('stop', 'plain')).toBe('plain\n');
    expect(await told('wait', 'plain')).toBe('5\n');
    await told('start', 'plain');
    expect(await told('kill', 'plain')).toBe('plain\n');
    expect(await told('wait', 'plain')).toBe('137\n');
    await told('start', 'plain');
    for (const words of [
      ['exec', 'plain', 'true'],
      ['pause', 'plain'],
      ['cp', 'plain:/bin/sh', '.'],
    ]) {
      const { code, stderr } = await sandbox.run(words);
      expect(code, words.join(' ')).not.toBe(0);
      expect(stderr).toMatch(/namespaces/);
    }
    await told('rm', '-f', 'plain');
    expect(await told('ps', '-aq')).not.toContain('plain');
    expect(await until(() => sandbox.processes().length === 0)).toBe(true);
  });
});

describe('what stands in a root in place of mounts', () => {
  it('is in no layer: files of the network, devices, binds, memory, caches', async () => {
    await built(
      `FROM base:1
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=target=/b,rw \\
  test -s /etc/hosts && echo x > /b/new && echo x > /t/y && echo x > /c/z && echo x > /dev/shm/s && echo x > /proc/p
RUN ls -A /c /t /b /dev /proc /etc > /seen; test ! -s /etc/none
`,
      '-t',
      'clean',
    );
    const seen = await sandbox.run(['run', 'clean', 'cat', '/seen']);
    expect(seen.stdout).not.toMatch(/^(?:new|y|z|s|p)$/m);
    const { stdout } = await sandbox.run(['save', 'clean', '-o', join(sandbox.folder, 'clean.tar')]);
    expect(stdout).toBe('');
    const explore = await sandbox.run(['explore', '--format', 'json', 'clean']);
    expect(explore.stdout).not.toMatch(/resolv\.conf|hosts|shm|urandom/);
  });

  it('keeps a cache from step to step, and apart from what a step links to it', async () => {
    const said = await built(`FROM base:1
RUN --mount=type=cache,id=linked,target=/c echo first > /c/file; ln /c/file /mine
RUN --mount=type=cache,id=linked,target=/c echo second >> /c/file; cat /c/file | tr '\\n' ' '
RUN echo mine: $(cat /mine)
`);
    expect(said).toContain('first second');
    expect(said).toMatch(/mine: first$/m);
  });

  it('is taken out of the right folder when a step moves that, or puts a link to elsewhere in its place', async () => {
    const outside = mkdtempSync(join(sandbox.folder, 'outside-'));
    writeFileSync(join(outside, 'hosts'), 'untouched\n');
    await built(
      `FROM base:1\nRUN mv /etc /moved && ln -s ${outside} /etc\nRUN ls /moved > /list; readlink /etc >> /list\n`,
      '-t',
      'moved',
    );
    expect(readFileSync(join(outside, 'hosts'), 'utf8')).toBe('untouched\n');
    expect(await sandbox.run(['run', 'moved', 'cat', '/list'])).toMatchObject({
      code: 0,
      stdout: `group\npasswd\n${outside}\n`,
    });
    expect(readdirSync(outside)).toEqual(['hosts']);
    await built('FROM base:1\nRUN rm -r /etc\n');
  });

  it('leads to an ssh agent', async () => {
    const socket = join(sandbox.folder, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      expect(await until(() => existsSync(socket))).toBe(true);
      const context = contextOf(
        'FROM base:1\nRUN --mount=type=ssh --mount=target=/h /h/ld.so --library-path /h /h/ssh-add -l 2>&1; ls -A /run > /left\n',
      );
      copyProgram('/usr/bin/ssh-add', context);
      const ran = await build(context, '--ssh', `default=${socket}`, '-t', 'agent');
      expect(ran.stderr).toContain('The agent has no identities.');
      expect(existsSync(socket)).toBe(true);
    } finally {
      agent.kill();
    }
  });

  it('is refused by name where only a mount would do', async () => {
    const volume = await sandbox.run(['run', '-v', `${sandbox.folder}:/host`, 'base:1', 'true']);
    expect(volume.code).toBe(125);
    expect(volume.stderr).toMatch(/the writable volume \/host needs namespaces.*\nhint: read-only/);
    const readOnly = await sandbox.run(['run', '-v', '/etc:/host:ro', 'base:1', 'cat', '/host/hostname']);
    expect(readOnly).toMatchObject({ code: 0, stdout: readFileSync('/etc/hostname', 'utf8') });
    const network = await build(contextOf('FROM base:1\nRUN --network=none true\n'));
    expect(network).toMatchObject({ code: 1 });
    expect(network.stderr).toMatch(/--network=none needs namespaces.*\nDockerfile:2\n/);
    const twice = 'RUN --mount=type=cache,id=one,target=/a --mount=type=cache,id=one,target=/b true';
    expect((await build(contextOf(`FROM base:1\n${twice}\n`))).stderr).toContain(
      'the cache "one" at two places',
    );
    const insecure = await build(
      contextOf('FROM base:1\nRUN --security=insecure true\n'),
      ...['--allow', 'security.insecure'],
    );
    expect(insecure.stderr).toContain('--security=insecure needs namespaces');
  });
});

describe('a secret without mounts', () => {
  const DOCKERFILE = `FROM base:1
RUN --mount=type=secret,id=k,required=true ln /run/secrets/k /linked && md5sum < /run/secrets/k
RUN --mount=type=secret,id=k mv /run/secrets/k /moved; ls -l /linked /moved
`;
  const secret = (): string[] => {
    writeFileSync(join(sandbox.folder, 'k'), SECRET);
    return ['--secret', `id=k,src=${join(sandbox.folder, 'k')}`];
  };

  it('is refused as a file on a disk, and given as a variable', async () => {
    const refused = await build(contextOf(DOCKERFILE), ...secret());
    expect(refused.stderr).toMatch(
      /the secret at \/run\/secrets\/k would come onto a disk.*\nDockerfile:2\n/,
    );
    const said = await built(
      'FROM base:1\nRUN --mount=type=secret,id=k,env=K echo -n $K | md5sum\n',
      ...['-t', 'variable', ...secret()],
    );
    expect(said).toContain(createHash('md5').update(SECRET).digest('hex'));
    expect(filesWith(sandbox.store)).toBe('');
  });

  it('is a file where the store is in memory, and in no layer even when the step moves it', async () => {
    const folder = mkdtempSync('/dev/shm/dobos-');
    const inMemory = createSandbox({ folder, env: { DOBOS_RUNTIME: 'unisolated' } });
    try {
      await importBase(inMemory);
      const args = ['build', '--progress', 'plain', '-t', 'kept', ...secret(), contextOf(DOCKERFILE)];
      const ran = await inMemory.run(args);
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stderr).toContain(createHash('md5').update(SECRET).digest('hex'));
      expect(filesWith(inMemory.store)).toBe('');
    } finally {
      await inMemory.remove();
    }
  });
});

/** The files below a folder that hold the secret. */
function filesWith(folder: string): string {
  return spawnSync('grep', ['-rl', SECRET, folder], { encoding: 'utf8' }).stdout;
}

/** A program with its libraries, to be started with `ld.so --library-path`. */
function copyProgram(path: string, folder: string): void {
  const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  for (const file of [path, ...libraries])
    copyFileSync(file, join(folder, file.includes('/ld-') ? 'ld.so' : basename(file)));
}
