import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { busyboxRoot, createSandbox, importBase, type Ran, type Sandbox } from '../support/built-command.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

let build: string;
let sandbox: Sandbox;
let context: string;

beforeAll(async () => {
  build = readableBuild();
  sandbox = createSandbox({ build });
  context = join(sandbox.folder, 'context');
  await importBase(sandbox);
});
afterAll(async () => {
  await sandbox.remove();
  rmSync(build, { recursive: true, force: true });
});
beforeEach(() => {
  rmSync(context, { recursive: true, force: true });
  mkdirSync(context);
});

const dockerfile = (text: string | Uint8Array): void => writeFileSync(join(context, 'Dockerfile'), text);
const buildArgs = (): string[] => ['build', '-q', '-t', 'app', context];

/**
 * Exactly this on standard error, where `‹*›` stands for anything in a line: so one error, no stack, no word of Node's; nothing that a terminal obeys;
 * and nothing on standard output.
 */
function expectError(ran: Ran, code: number, text: string): void {
  const pattern = text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd().split('‹*›').map(literally).join('.*'))
    .join(' *\n');
  expect(ran.stderr).toMatch(new RegExp(`^${pattern}\n$`));
  expect(ran.stderr).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(ran.stderr.match(/^dobos: /gm)).toHaveLength(1);
  expect([ran.code, ran.signal, ran.stdout]).toEqual([code, null, '']);
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

async function expectStoreWorks(where: Sandbox = sandbox): Promise<void> {
  const folder = join(where.folder, 'sound');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Dockerfile'), 'FROM base:1\nRUN echo sound > /sound\nCOPY Dockerfile /d\n');
  const built = await where.run(['build', '-q', '-t', 'sound', folder]);
  expect(built).toMatchObject({ code: 0, stderr: '' });
  expect(await where.run(['run', 'sound', 'cat', '/sound'])).toMatchObject({
    code: 0,
    stdout: 'sound\n',
    stderr: '',
  });
  expect(await where.run(['system', 'check'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The store is whole: \d+ blobs checked\n$/) as string,
  });
}

describe('a build that cannot be', () => {
  it.each([
    [
      'a file that is missing',
      'FROM base:1\nCOPY nothere.txt /\n',
      `dobos: COPY failed: "nothere.txt" is not in the build context
Dockerfile:2
1 |     FROM base:1
2 | >>> COPY nothere.txt /
  |     ^^^^^^^^^^^^^^^^^^
hint: its path is looked up in the folder that was given to build`,
    ],
    [
      'an instruction that there is not',
      'FROM base:1\nRUM x\n',
      `dobos: unknown instruction: RUM (did you mean RUN?)
Dockerfile:2
1 |     FROM base:1
2 | >>> RUM x
  |     ^^^`,
    ],
    [
      'a RUN that fails',
      'FROM base:1\nRUN echo out >&2; exit 3\n',
      `out
dobos: process "/bin/sh -c echo out >&2; exit 3" did not complete successfully: exit code: 3
Dockerfile:2
1 |     FROM base:1
2 | >>> RUN echo out >&2; exit 3
  |     ^^^^^^^^^^^^^^^^^^^^^^^^
hint: its own output says why
open its root file system: dobos run --failed -it sh`,
    ],
    [
      'a program that is missing',
      'FROM base:1\nRUN ["/nope"]\n',
      `exec: "/nope": stat /nope: no such file or directory
dobos: process "/nope" did not complete successfully: exit code: 127
Dockerfile:2
1 |     FROM base:1
2 | >>> RUN ["/nope"]
  |     ^^^^^^^^^^^^^
hint: a program was not found: it is not in this image, or not in PATH
open its root file system: dobos run --failed -it sh`,
    ],
    [
      'a program that may not be executed',
      'FROM base:1\nRUN ["/etc/passwd"]\n',
      `exec: "/etc/passwd": permission denied
dobos: process "/etc/passwd" did not complete successfully: exit code: 126
Dockerfile:2
1 |     FROM base:1
2 | >>> RUN ["/etc/passwd"]
  |     ^^^^^^^^^^^^^^^^^^^
hint: a program may not be executed: its file lacks the x bit, or is for another machine
open its root file system: dobos run --failed -it sh`,
    ],
    [
      'a user that is unknown',
      'FROM base:1\nUSER nobody123\nRUN true\n',
      `dobos: user nobody123 is not in /etc/passwd of the image
Dockerfile:3
1 |     FROM base:1
2 |     USER nobody123
3 | >>> RUN true
  |     ^^^^^^^^
hint: create it in an earlier step, or give a number`,
    ],
    [
      'a WORKDIR over a file',
      'FROM base:1\nWORKDIR /etc/passwd\n',
      `dobos: WORKDIR /etc/passwd failed: /etc/passwd is in the image and no directory
Dockerfile:2
1 |     FROM base:1
2 | >>> WORKDIR /etc/passwd
  |     ^^^^^^^^^^^^^^^^^^^`,
    ],
    [
      'a COPY of a file onto a directory of its name',
      'FROM base:1\nWORKDIR /Dockerfile\nCOPY Dockerfile /\n',
      `dobos: cannot replace directory /Dockerfile of the image with file Dockerfile
Dockerfile:3
1 |     FROM base:1
2 |     WORKDIR /Dockerfile
3 | >>> COPY Dockerfile /
  |     ^^^^^^^^^^^^^^^^^`,
    ],
    [
      'a base that is not there',
      'FROM 127.0.0.1:1/nobase\n',
      `dobos: there is no image "127.0.0.1:1/nobase" in the store, and 127.0.0.1:1 cannot be reached: connection refused
Dockerfile:1
1 | >>> FROM 127.0.0.1:1/nobase
  |          ^^^^^^^^^^^^^^^^^^
hint: bring it with dobos load or dobos import, or, for FROM, name a layout or archive: oci:/path:tag, docker-archive:/path.tar`,
    ],
    [
      'a name of 5,000 characters',
      `FROM base:1\nCOPY Dockerfile /${'a'.repeat(5000)}\n`,
      `dobos: layer entry aaaa‹*› is longer than 4096 characters when its links are followed
Dockerfile:2
1 |     FROM base:1
2 | >>> COPY Dockerfile /aaa‹*›…
  |     ^^^‹*›`,
    ],
    ['an empty file', '', 'dobos: the Dockerfile cannot be empty\nDockerfile:1\n1 | >>>\n  |     ^'],
    [
      'escape sequences',
      'FROM base:1\nRUN echo \x1b[31mred\x9b1m; exit 1\n',
      `red1m
dobos: process ‹*›
Dockerfile:2
1 |     FROM base:1
2 | >>> RUN echo red1m; exit 1
  |     ^‹*›
hint: its own output says why
open its root file system: dobos run --failed -it sh`,
    ],
  ])('for %s says so in one error with its place', async (_, text, error) => {
    dockerfile(text);
    expectError(await sandbox.run(buildArgs()), 1, error);
  });

  it('for binary junk says so in one error', async () => {
    dockerfile(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3)) & 255)));
    const ran = await sandbox.run(buildArgs());
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/^dobos: \S.*\nDockerfile:\d+\n/);
    expect(ran.stderr).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(ran.bytes.stderr).toBeLessThan(10_000);
  });

  it('for a Dockerfile that is none says what it is', async () => {
    const hint = 'hint: name it with -f, or give the folder that holds it';
    const refused = async (what: string): Promise<void> =>
      expectError(
        await sandbox.run(buildArgs()),
        1,
        `dobos: cannot read the Dockerfile ${join(context, 'Dockerfile')}: ${what}\n${hint}`,
      );
    await refused('there is no such file');
    mkdirSync(join(context, 'Dockerfile'));
    await refused('it is a folder');
    rmSync(join(context, 'Dockerfile'), { recursive: true });
    execFileSync('mkfifo', [join(context, 'Dockerfile')]);
    await refused('it is no regular file');
    rmSync(join(context, 'Dockerfile'));
    dockerfile(`FROM base:1\n${'ENV A=b\n'.repeat(2_500_000)}`);
    await refused('20000012 bytes are more than 1048576');
  });

  it.each([
    [
      'no context',
      ['build', '/nowhere'],
      'dobos: the build context "/nowhere" does not exist\nhint: give the folder that holds the Dockerfile: dobos build -t app .',
      1,
    ],
    [
      'an unknown option',
      ['build', '--bogus', '.'],
      'dobos: build: unknown option "--bogus"\nhint: dobos build --help explains it',
      2,
    ],
    [
      'an unknown command',
      ['frobnicate'],
      'dobos: unknown command "frobnicate"\nhint: dobos --help lists the commands',
      2,
    ],
    [
      'a misspelt option',
      ['images', '--fromat', 'x'],
      'dobos: images: unknown option "--fromat"\nhint: did you mean "--format"? dobos images --help lists the options',
      2,
    ],
    [
      'too few words',
      ['build'],
      'dobos: build: needs exactly 1 argument, got 0 (usage: dobos build [OPTIONS] FOLDER|URL|-)\nhint: dobos build --help explains it',
      2,
    ],
    [
      'an archive that is missing',
      ['load', '-i', '/nowhere.tar'],
      'dobos: cannot read /nowhere.tar: there is no such file',
      1,
    ],
    [
      'a tar that is missing',
      ['import', '/nowhere.tar'],
      'dobos: cannot read /nowhere.tar: there is no such file',
      1,
    ],
    [
      'a name of 5,000 characters',
      ['tag', 'base:1', 'a'.repeat(5000)],
      'dobos: "aaa‹*›" is not a valid image name: it is 5000 characters long',
      1,
    ],
  ])('for %s says so in one error', async (_, args, error, code) => {
    expectError(await sandbox.run(args), code, error);
  });

  it('for what cannot be copied says what it is, and copies the rest', async () => {
    dockerfile('FROM base:1\nCOPY . /x/\n');
    symlinkSync('loop', join(context, 'loop'));
    execFileSync('mkfifo', [join(context, 'pipe')]);
    const server = createServer().listen(join(context, 'socket'));
    try {
      expect(await sandbox.run(buildArgs())).toMatchObject({ code: 0 });
    } finally {
      server.close();
    }
    execFileSync('mknod', [join(context, 'device'), 'c', '1', '3']);
    expectError(
      await sandbox.run(buildArgs()),
      1,
      `dobos: device in the build context is a character device, want a file, folder or symlink
Dockerfile:2
1 |     FROM base:1
2 | >>> COPY . /x/
  |     ^^^^^^^^^^
hint: exclude it with a line in .dockerignore`,
    );
  });

  it('for a file that may not be read says so', async () => {
    const { uid, gid } = testUser();
    const box = createSandbox({ build, user: { uid, gid } });
    const folder = join(box.folder, 'context');
    mkdirSync(folder);
    writeFileSync(join(folder, 'Dockerfile'), 'FROM base:1\nCOPY . /x/\n');
    writeFileSync(join(folder, 'secret'), '', { mode: 0 });
    try {
      await importBase(box);
      expectError(
        await box.run(['build', '-q', folder]),
        1,
        `dobos: cannot read secret in the build context: EACCES
Dockerfile:2
1 |     FROM base:1
2 | >>> COPY . /x/
  |     ^^^^^^^^^^
hint: change its permissions, or exclude it with a line in .dockerignore`,
      );
      await expectStoreWorks(box);
    } finally {
      await box.remove();
    }
  });

  it('leaves a store that works', async () => {
    await expectStoreWorks();
  });
});

describe('a RUN that', () => {
  it('writes 100 MB without a line end is shown, in bounded memory', async () => {
    dockerfile('FROM base:1\nRUN head -c 100000000 /dev/zero | tr "\\0" x\n');
    const ran = await sandbox.run(['build', '--progress=plain', context], {
      node: ['--max-old-space-size=128'],
    });
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.bytes.stderr).toBeGreaterThan(100_000_000);
  });

  it('fails after as much ends in one error of a few lines', async () => {
    dockerfile('FROM base:1\nRUN head -c 100000000 /dev/zero | tr "\\0" x; exit 9\n');
    const ran = await sandbox.run(buildArgs(), { node: ['--max-old-space-size=128'] });
    expect(ran.code).toBe(1);
    expect(ran.bytes.stderr).toBeLessThan(10_000);
  });

  it('leaves processes behind, or closes its output, ends well and leaves none', async () => {
    dockerfile(`FROM base:1
RUN (while :; do sleep 1; done) & (trap '' TERM HUP; sleep 1000) >/dev/null 2>&1 &
RUN nohup sleep 1000 & exec >&- 2>&-; echo unheard; true
RUN exec >&- 2>&-; sleep 0.1; echo done > /done || touch /done
`);
    expect(await sandbox.run(buildArgs())).toMatchObject({ code: 0, stderr: '' });
    expect(sandbox.processes()).toEqual([]);
  });

  it('has the exit code of its program under run too', async () => {
    for (const [args, code] of [
      [['sh', '-c', 'exit 7'], 7],
      [['/nope'], 127],
      [['/etc/passwd'], 126],
    ] as const) {
      expect((await sandbox.run(['run', 'base:1', ...args])).code).toBe(code);
    }
  });
});

describe('a store that', () => {
  /** A sandbox with a base, an image of it and the context it was made from. */
  async function withApp(): Promise<{ readonly box: Sandbox; readonly folder: string }> {
    const box = createSandbox({ build });
    const folder = join(box.folder, 'context');
    mkdirSync(folder);
    writeFileSync(join(folder, 'Dockerfile'), 'FROM base:1\nRUN echo two > /two\nCOPY Dockerfile /x\n');
    await importBase(box);
    expect(await box.run(['build', '-q', '-t', 'app', folder])).toMatchObject({ code: 0, stderr: '' });
    return { box, folder };
  }

  /** Paths of the blobs of `app`, below the store. */
  function blobsOf(box: Sandbox) {
    const read = (digest: string): { config: { digest: string }; layers: { digest: string }[] } =>
      JSON.parse(readFileSync(pathOf(digest), 'utf8'));
    const pathOf = (digest: string): string => join(box.store, 'blobs', digest.replace(':', '/'));
    const index = JSON.parse(readFileSync(join(box.store, 'index.json'), 'utf8')) as {
      manifests: { digest: string; annotations?: Record<string, string> }[];
    };
    const named = index.manifests.find(({ annotations }) =>
      JSON.stringify(annotations ?? {}).includes('app:latest'),
    );
    const manifest = read(named!.digest);
    return {
      manifest: [pathOf(named!.digest), named!.digest] as const,
      config: [pathOf(manifest.config.digest), manifest.config.digest] as const,
      layer: [pathOf(manifest.layers[1]!.digest), manifest.layers[1]!.digest] as const,
    };
  }

  const damages: Readonly<Record<string, (path: string) => void>> = {
    'a flipped byte': (path) => {
      const bytes = readFileSync(path);
      const at = bytes.length >> 1;
      bytes[at] = bytes[at]! ^ 0x55;
      writeFileSync(path, bytes);
    },
    'its end cut off': (path) => {
      const fd = openSync(path, 'r+');
      ftruncateSync(fd, statSync(path).size >> 1);
      closeSync(fd);
    },
    'nothing left': (path) => rmSync(path),
  };
  const cases = (['manifest', 'config', 'layer'] as const).flatMap((what) =>
    Object.keys(damages).map((how) => [what, how] as const),
  );

  it.each(cases)(
    'has the %s of an image with %s says which blob and what to do, and is mended by a build',
    async (what, how) => {
      const { box, folder } = await withApp();
      try {
        for (const part of ['snapshots', 'notes']) rmSync(join(box.store, part), { recursive: true });
        mkdirSync(join(box.store, 'notes'));
        const [path, digest] = blobsOf(box)[what];
        damages[how]!(path);
        for (const args of [
          ['run', 'app', 'true'],
          ['save', '-o', join(box.folder, 'saved.tar'), 'app'],
          ['explore', 'app'],
          ['history', 'app'],
        ]) {
          const ran = await box.run(args);
          const where = `${args[0]}: ${ran.stderr}`;
          expect(ran.code, where).toBe(args[0] === 'run' ? 125 : 1);
          expect(ran.stderr, where).toMatch(/^dobos: .*\nhint: .*dobos system check.*\n$/);
          expect(ran.stderr, where).toContain(digest);
        }
        expect(await box.run(['images']), 'images').toMatchObject({
          code: 0,
          stdout: expect.stringMatching(/^base +1 /m) as string,
        });
        expect((await box.run(['system', 'check'])).code).toBe(1);
        await box.run(['system', 'check', '--repair']);
        expect(await box.run(['build', '-q', '-t', 'app', folder])).toMatchObject({ code: 0, stderr: '' });
        expect(await box.run(['run', 'app', 'cat', '/two'])).toMatchObject({
          code: 0,
          stdout: 'two\n',
          stderr: '',
        });
        await expectStoreWorks(box);
      } finally {
        await box.remove();
      }
    },
  );

  it('has a damaged index says so and touches nothing', async () => {
    const { box, folder } = await withApp();
    try {
      const path = join(box.store, 'index.json');
      const sound = readFileSync(path);
      writeFileSync(path, '{');
      const error = `dobos: ${path} is not JSON: ‹*›\nhint: with that file out of the way the store has no names, and all else is there: load or build the images again`;
      for (const args of [
        ['images'],
        ['tag', 'base:1', 'b'],
        ['history', 'app'],
        ['rmi', 'app'],
        ['system', 'prune'],
      ]) {
        expectError(await box.run(args), 1, error);
      }
      expect((await box.run(['build', '-q', folder])).stderr).toMatch(
        /^dobos: .* is not JSON: .*\n(.*\n)*hint: .*\n$/,
      );
      writeFileSync(path, sound);
      await expectStoreWorks(box);
    } finally {
      await box.remove();
    }
  });

  it('is no folder, or of another layout, or nowhere says so', async () => {
    const env = (path: string | undefined) => ({ env: { DOBOS_ROOT: path } });
    const file = join(sandbox.folder, 'file');
    writeFileSync(file, '');
    dockerfile('FROM scratch\nCOPY Dockerfile /\n');
    for (const args of [['images'], ['import', join(context, 'Dockerfile')], ['tag', 'a', 'b']]) {
      for (const path of [file, join(file, 'below')]) {
        expectError(
          await sandbox.run(args, env(path)),
          1,
          `dobos: the store's place ${path} is not a folder\nhint: DOBOS_ROOT names the folder of the store`,
        );
      }
    }
    const other = join(sandbox.folder, 'other');
    cpSync(sandbox.store, other, { recursive: true });
    writeFileSync(join(other, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    for (const args of [['images'], ['tag', 'base:1', 'b'], ['run', 'base:1', 'true']]) {
      expectError(
        await sandbox.run(args, env(other)),
        args[0] === 'run' ? 125 : 1,
        `dobos: ${other}/oci-layout says "2.0.0", want "1.0.0"`,
      );
    }
    const { uid, gid } = testUser();
    const box = createSandbox({ build, user: { uid, gid } });
    try {
      const closed = join(box.folder, 'closed');
      mkdirSync(closed);
      chmodSync(closed, 0o700);
      expectError(
        await box.run(['images'], env(closed)),
        1,
        `dobos: reading the names in ${closed} failed: EACCES\nhint: name a folder that this user may read in DOBOS_ROOT`,
      );
    } finally {
      await box.remove();
    }
    const homeless = createSandbox({ build, user: { uid: 54321, gid: 54321 } });
    try {
      const error =
        'dobos: this user has no home folder, where the store would be\nhint: name a folder for it in DOBOS_ROOT';
      expectError(
        await homeless.run(['images'], { env: { HOME: undefined, DOBOS_ROOT: undefined }, cwd: '/' }),
        1,
        error,
      );
    } finally {
      await homeless.remove();
    }
  });

  it('is mounted read-only is read, and says so when it should be written', async () => {
    const { box, folder } = await withApp();
    execFileSync('mount', ['--bind', box.store, box.store]);
    try {
      execFileSync('mount', ['-o', 'remount,ro,bind', box.store]);
      await expectReadable(box, folder);
      for (const args of [
        ['tag', 'app', 'b'],
        ['rmi', 'app'],
        ['system', 'prune'],
        ['import', join(folder, 'Dockerfile')],
      ]) {
        expectError(
          await box.run(args),
          1,
          `dobos: ‹*› ${box.store} cannot be written (EROFS)\nhint: name a folder that this user may write in DOBOS_ROOT`,
        );
      }
      expectError(
        await box.run(['run', 'app', 'true']),
        125,
        `dobos: ‹*› ${box.store} cannot be written (EROFS)\nhint: name a folder that this user may write in DOBOS_ROOT`,
      );
      const built = await box.run(['build', '-q', '--no-cache', folder]);
      expect(built.stderr).toMatch(/^dobos: .*\(EROFS\)\nDockerfile:2\n(.*\n)*hint: .*DOBOS_ROOT\n$/);
    } finally {
      execFileSync('umount', [box.store]);
    }
    await expectStoreWorks(box);
    await box.remove();
  });

  it('an ordinary user may not write is read, and says so when it should be written', async () => {
    const { box, folder } = await withApp();
    const { uid, gid } = testUser();
    execFileSync('chmod', ['-R', 'a+rX,a-w', box.store]);
    chmodSync(box.folder, 0o755);
    const user = createSandbox({ build, user: { uid, gid }, env: { DOBOS_ROOT: box.store } });
    try {
      await expectReadable(user, folder);
      expectError(
        await user.run(['tag', 'app', 'b']),
        1,
        `dobos: ‹*› ${box.store} cannot be written (EACCES)\nhint: name a folder that this user may write in DOBOS_ROOT`,
      );
      const ran = await user.run(['run', 'app', 'true']);
      expect([ran.code, ran.stderr]).toEqual([
        125,
        expect.stringMatching(/^dobos: .*\(EACCES\)\nhint: .*DOBOS_ROOT\n$/),
      ]);
    } finally {
      execFileSync('chmod', ['-R', 'u+w', box.store]);
      await user.remove();
      await box.remove();
    }
  });

  async function expectReadable(box: Sandbox, folder: string): Promise<void> {
    for (const args of [
      ['images'],
      ['history', 'app'],
      ['inspect', 'app'],
      ['explore', 'app'],
      ['system', 'check'],
      ['build', '-q', '-t', 'app', folder],
    ]) {
      expect(await box.run(args), args[0]).toMatchObject({ code: 0, stderr: '' });
    }
  }
});

describe('a disk that is full', () => {
  it('is told in one error whenever it gets full, and afterwards all works', {
    timeout: 180_000,
  }, async () => {
    const disk = createSandbox({ build });
    mkdirSync(disk.store);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'tmpfs', disk.store]);
    const context = join(disk.folder, 'context');
    mkdirSync(context);
    const filler = join(disk.store, 'filler');
    /** Leaves so many bytes, or as few as can be. */
    const leave = (bytes: number): void => {
      rmSync(filler, { force: true });
      const free = Number(execFileSync('stat', ['-f', '-c', '%f', disk.store], { encoding: 'utf8' })) * 4096;
      writeFileSync(filler, Buffer.alloc(Math.max(0, free - bytes)));
    };
    const full = async (args: readonly string[], pattern: RegExp, code = 1): Promise<void> => {
      const ran = await disk.run(args);
      expect(ran.stderr).toMatch(pattern);
      expect(ran.stderr.match(/^dobos: |^hint: .*(?:room|space)/gm)).toHaveLength(2);
      expect(ran.code).toBe(code);
      expect(await disk.run(['system', 'check'])).toMatchObject({ code: 0, stderr: '' });
    };
    const buildFull = async (text: string, pattern: RegExp): Promise<void> => {
      writeFileSync(join(context, 'Dockerfile'), text);
      await full(['build', '-q', '-t', 'app', context], pattern);
    };
    try {
      leave(1_000_000);
      const root = join(disk.folder, 'root.tar');
      writeFileSync(root, busyboxRoot());
      await full(['import', root, 'base:1'], /^dobos: storing a blob failed: no space left for .*\nhint: /);
      rmSync(filler);
      await importBase(disk);
      leave(1_000_000);
      await full(
        ['run', 'base:1', 'true'],
        /^dobos: unpacking into .* failed: no space is left \(ENOSPC\)\nhint: /,
        125,
      );
      await buildFull(
        'FROM base:1\nRUN true\n',
        /^dobos: unpacking into .* failed: no space is left.*\nDockerfile:2\n(.*\n)*hint: /,
      );
      rmSync(filler);
      expect(await disk.run(['run', 'base:1', 'true'])).toMatchObject({ code: 0 });
      await buildFull(
        'FROM base:1\nRUN dd if=/dev/urandom of=/big bs=1k count=3000 2>/dev/null\n',
        /^dobos: committing .* failed: no space is left.*\nDockerfile:2\n(.*\n)*hint: /,
      );
      writeFileSync(join(context, 'big'), Buffer.alloc(6_000_000));
      await buildFull(
        'FROM base:1\nCOPY big /\n',
        /^dobos: COPY failed: no space is left for its layer .*\nDockerfile:2\n(.*\n)*hint: /,
      );
      rmSync(join(context, 'big'));
      // In the RUN itself it is the program's own trouble.
      writeFileSync(join(context, 'Dockerfile'), 'FROM base:1\nRUN dd if=/dev/zero of=/big bs=1M count=20\n');
      const inRun = await disk.run(['build', '-q', context]);
      // Or the runtime's, which writes down what it has started when the program may be ahead of it.
      expect(inRun.stderr).toMatch(
        /No space left on device\n(.*\n)*dobos: process .* exit code: 1\nDockerfile:2\n(.*\n)*hint: its own output says why\n$|^dobos: crun failed: .*: No space left on device\nDockerfile:2\n(.*\n)*hint: .*\n$/,
      );
      leave(0);
      await full(['tag', 'base:1', 'other'], /^dobos: .* failed: no space left for .*\nhint: /);
      for (const args of [['images'], ['history', 'base:1'], ['system', 'prune']]) {
        expect(await disk.run(args), args[0]).toMatchObject({ code: 0, stderr: '' });
      }
      rmSync(filler);
      await expectStoreWorks(disk);
    } finally {
      execFileSync('umount', [disk.store]);
      await disk.remove();
    }
  });
});

describe('surroundings that are odd', () => {
  const shell = (line: string): Ran & { readonly shell: string } => {
    const dobos = `${process.execPath} ${join(build, 'dist/dobos.cjs')}`;
    const text = execFileSync('bash', ['-c', `${line.replaceAll('DOBOS', dobos)}; true`], {
      encoding: 'utf8',
      env: sandbox.env,
      cwd: sandbox.folder,
      timeout: 150_000,
    });
    return {
      shell: text,
      code: 0,
      signal: null,
      stdout: '',
      stderr: '',
      bytes: { stdout: 0, stderr: 0 },
      ms: 0,
    };
  };

  it.each([
    [
      'a working directory that is gone',
      'mkdir gone; cd gone; rmdir ../gone; DOBOS images -q | wc -l; DOBOS build . 2>&1; echo $?',
      /^[1-9]\d*\ndobos: the working directory no longer exists: go to another one with cd\n1\n$/,
    ],
    [
      'standard input closed',
      'DOBOS load <&- 2>&1; echo $?; DOBOS images -q <&- | wc -l',
      /^dobos: standard input is not an archive of images: it is empty\nhint: .*\n1\n[1-9]\d*\n$/,
    ],
    ['standard output closed', '(DOBOS images >&-; echo $? >&2) 2>&1', /^0\n$/],
    [
      'a reader that ends early',
      '(DOBOS inspect base:1 base:1; echo $? >&2) 2>&1 >/dev/full | head -c 300',
      /^dobos: .*ENOSPC.*\n1\n$/,
    ],
    [
      'a pipe that nobody reads',
      '(DOBOS inspect $(yes base:1 | head -300) 2>&3; echo $? >&3) 3>&1 | head -c 1 >/dev/null',
      /^$/,
    ],
    ['standard error closed', 'DOBOS build nowhere 2>&-; echo $?', /^1\n$/],
  ])('%s', (_, line, expected) => {
    expect(shell(line).shell).toMatch(expected);
  });
});
