import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';
import { type Daemon, startDockerd } from '../support/daemons.ts';

/** What each of them could do differently without namespaces: owners, modes, links, devices, users, what is removed and made anew, what is mounted. */
const DOCKERFILE = `FROM base:1
RUN mkdir -p /a/b && echo one > /a/one && ln /a/one /a/b/two && ln -s ../one /a/b/three && chmod 4711 /a/one && chown 5:6 /a/b
RUN rm -r /tmp && mkdir -m 1777 /tmp && rm /bin/ps && mv /var /srv
RUN --mount=type=cache,target=/c --mount=type=tmpfs,target=/t --mount=target=/ctx cp /ctx/Dockerfile /a && touch /c/x /t/x
RUN echo 'app:x:1000:1000::/home/app:/bin/sh' >> /etc/passwd; head -c 16 /dev/urandom > /dev/null; wc -c < /dev/null > /nothing
USER app
RUN id -u > /tmp/id; (setsid sleep 401 &); cat /etc/resolv.conf > /dev/null
CMD ["cat", "/tmp/id"]
`;

let folder: string;
let sandbox: Sandbox;
let daemon: Daemon;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-docker-'));
  sandbox = createSandbox();
  await importBase(sandbox);
  await sandbox.run(['save', 'base:1', '-o', join(folder, 'base.tar')]);
  mkdirSync(join(folder, 'context'));
  writeFileSync(join(folder, 'context/Dockerfile'), DOCKERFILE);
  const root = join(folder, 'root');
  for (const name of ['usr', 'tmp', 'etc', 'root', 'store']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const path of [folder, join(folder, 'base.tar')]) chmodSync(path, 0o755);
  execFileSync('tar', ['-C', root, '-cf', join(folder, 'root.tar'), '.']);
  daemon = await startDockerd(join(folder, 'docker'));
  daemon.client('import', join(folder, 'root.tar'), 'bare');
});
afterAll(async () => {
  await daemon.stop();
  await sandbox.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What a shell script prints in a container with docker's default rights; `dobos` is a command there. */
function inside(script: string, ...options: readonly string[]): string {
  const shown = ['/usr:/usr', `${process.execPath}:/node`, `${resolve('.')}:/tool`, `${folder}:/given`];
  return daemon.client(
    ...['run', '--rm', '--network=host', ...shown.flatMap((each) => ['-v', `${each}:ro`]), ...options],
    ...['-e', 'DOBOS_ROOT=/store', '-e', 'SOURCE_DATE_EPOCH=1700000000', 'bare', 'sh', '-c'],
    `dobos() { /node /tool/dist/dobos.cjs "$@"; }; exec 2>&1; ${script}`,
  );
}

describe('a container that docker starts with its default settings', () => {
  it('has RUN steps built in it: the image of a build outside, digest for digest', async () => {
    const outside = await sandbox.run(['build', '-q', join(folder, 'context')]);
    expect(outside.code, outside.stderr).toBe(0);
    const said = inside(`
      unshare --mount true || echo no namespaces
      dobos load -q -i /given/base.tar
      dobos build -q -t made /given/context
      dobos run made
      dobos system check
      ps -e -o args= | grep -c '[s]leep 401' || true
    `);
    expect(said.split('\n')).toEqual([
      'unshare: unshare failed: Operation not permitted',
      'no namespaces',
      expect.stringMatching(/^sha256:/),
      outside.stdout.trim(),
      expect.stringMatching(/^dobos: warning: not isolated: .*root has no CAP_SYS_ADMIN here/),
      '1000',
      expect.stringMatching(/^The store is whole/),
      '0',
      '',
    ]);
  });

  it('has no process left by a build that is killed', () => {
    const said = inside(`
      dobos load -q -i /given/base.tar > /dev/null
      mkdir /c; printf 'FROM base:1\\nUSER 9\\nRUN setsid sleep 402 & touch /tmp/up; sleep 403\\n' > /c/Dockerfile
      /node /tool/dist/dobos.cjs build --progress plain /c > /log & build=$!
      until ps -e -o args= | grep -q '^sleep 403'; do sleep 0.1; done
      kill -9 $build
      for try in $(seq 100); do ps -e -o args= | grep -q '^sleep 40' || break; sleep 0.1; done
      ps -e -o args= | grep '^sleep 40' || echo none
    `);
    expect(said).toMatch(/none\n$/);
  });

  it('is told which right is missing when it was taken away, or when it is no root', () => {
    const build = `mkdir /tmp/c; printf 'FROM base:1\\nRUN true\\n' > /tmp/c/Dockerfile
      dobos load -q -i /given/base.tar > /dev/null; dobos build --progress plain /tmp/c || echo code $?`;
    const dropped = inside(build, '--cap-drop=SYS_CHROOT');
    expect(dropped).toMatch(
      /root has no CAP_SYS_ADMIN here; and to do without them this process lacks CAP_SYS_CHROOT\nDockerfile:2/,
    );
    expect(dropped).toMatch(/code 1\n$/);
    const user = inside(`export DOBOS_ROOT=/tmp/store; ${build}`, '--user=1000');
    expect(user).toMatch(
      /unshare failed: Operation not permitted; and to do without them this process lacks the rights of root/,
    );
  });
});
