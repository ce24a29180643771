import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox, until } from '../support/built-command.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

const USER = testUser();
const DOCKERFILE = `FROM base:1
RUN echo 'app:x:1000:1000::/home/app:/bin/sh' >> /etc/passwd; mkdir -m 700 /theirs; echo x > /theirs/f; chown -R 5:6 /theirs
RUN rm /etc/group; ln /etc/passwd /etc/again; dd if=/dev/zero of=/big bs=1M count=32 2>/dev/null
ENV MODE=plain
EXPOSE 80 53/udp
LABEL org.opencontainers.image.created=label org.opencontainers.image.authors=me run.oci.hooks=no io.katacontainers.config=no
STOPSIGNAL SIGQUIT
WORKDIR /work
CMD ["sh", "-c", "id -u; pwd; echo $MODE; stat -c %u:%g /theirs/f; stat -c %h /etc/passwd; test -e /etc/group || echo gone; exit 7"]
`;
const SAID = '0\n/work\nplain\n5:6\n2\ngone\n';

describe.each(['root', 'an ordinary user'])('a bundle of %s', (who) => {
  const rootless = who !== 'root';
  let build: string;
  let box: Sandbox;
  const told = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await box.run(words);
    expect(code, `${words.join(' ')}: ${stderr}`).toBe(0);
    return stdout;
  };
  /** The runtime alone, as a person starts it. crun takes no mixture of both kinds of cgroups, and may set no limit of memory here: it gets version 2, and makes none. */
  const runtime = (name: string, bundle: string) => {
    const user = rootless
      ? ['setpriv', `--reuid=${USER.uid}`, `--regid=${USER.gid}`, '--clear-groups', '--inh-caps=-all', '--']
      : [];
    const run = ['--root', join(box.folder, 'state'), 'run', '--bundle', bundle, `bundle-${process.pid}`];
    const line = [...user, name, ...(name === 'crun' ? ['--cgroup-manager=disabled'] : []), ...run];
    const script = name === 'crun' ? 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' : 'exec "$@"';
    return spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...line], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  const begun = (): string[] => readdirSync(box.folder).filter((name) => name.includes('begun'));

  beforeAll(async () => {
    build = rootless ? readableBuild() : '.';
    box = createSandbox(rootless ? { user: USER, build } : {});
    await importBase(box);
    const context = join(box.folder, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    await told('build', '-q', '-t', 'app', context);
  });
  afterAll(async () => {
    // Files of other ids are in the bundles.
    rmSync(box.folder, { recursive: true, force: true });
    if (rootless) rmSync(build, { recursive: true, force: true });
  });

  it.each(['runc', 'crun'])('runs under plain %s', async (name) => {
    const bundle = join(box.folder, name);
    await told('bundle', 'app', bundle);
    const ran = runtime(name, bundle);
    expect([ran.status, ran.stdout], ran.stderr).toEqual([7, SAID]);
    // It has an own copy of the files, so it may be changed, and run again.
    expect(runtime(name, bundle).stdout).toBe(SAID);
  });

  it('says what the image says of itself, and gives runtimes no orders', async () => {
    await told('bundle', 'app', join(box.folder, 'notes'));
    const config = JSON.parse(readFileSync(join(box.folder, 'notes', 'config.json'), 'utf8'));
    expect(config.annotations).toEqual({
      'org.opencontainers.image.os': 'linux',
      'org.opencontainers.image.architecture': expect.any(String),
      'org.opencontainers.image.exposedPorts': '53/udp,80/tcp',
      'org.opencontainers.image.stopSignal': 'SIGQUIT',
      'org.opencontainers.image.created': 'label',
      'org.opencontainers.image.authors': 'me',
    });
    expect(config.root).toEqual({ path: 'rootfs', readonly: false });
    expect(config.linux.namespaces.some(({ type }: { type: string }) => type === 'user')).toBe(rootless);
  });

  it('takes a command, a user by name, variables, and an image as it was', async () => {
    const bundle = join(box.folder, 'other');
    mkdirSync(bundle);
    if (rootless) spawnSync('chown', [`${USER.uid}:${USER.gid}`, bundle]);
    await told(
      'bundle',
      '-u',
      'app',
      '-e',
      'MODE=other',
      '-w',
      '/etc',
      'app~2',
      bundle,
      'sh',
      '-c',
      'id -u; pwd; echo $MODE; ls',
    );
    const ran = runtime('runc', bundle);
    expect([ran.status, ran.stdout], ran.stderr).toEqual([0, '1000\n/etc\nother\ngroup\npasswd\n']);
  });

  it('is whole or not there', async () => {
    const bundle = join(box.folder, 'none');
    const unknown = await box.run(['bundle', '-u', 'nobody-known', 'app', bundle]);
    expect([unknown.code, existsSync(bundle), begun()]).toEqual([1, false, []]);
    expect(unknown.stderr).toContain('user nobody-known is not in /etc/passwd of the image');
    const filled = await box.run(['bundle', 'app', join(box.folder, 'context')]);
    expect(filled.code).toBe(1);
    expect(filled.stderr).toContain('is there already, and is no empty folder');
    expect(readdirSync(join(box.folder, 'context'))).toEqual(['Dockerfile']);
    const missing = await box.run(['bundle', 'app', '/proc/nowhere/bundle']);
    expect(missing.stderr).toContain('no bundle can be written to /proc/nowhere/bundle: ENOENT');
  });

  it('is whole or not there, also when the command is killed, and the next one removes the rest', async () => {
    const bundle = join(box.folder, 'killed');
    const first = box.start(['bundle', 'app', bundle]);
    expect(await until(() => begun().length > 0 || existsSync(bundle))).toBe(true);
    first.child.kill('SIGKILL');
    await first.ended;
    if (existsSync(bundle)) rmSync(bundle, { recursive: true });
    expect(await until(() => box.processes().length === 0)).toBe(true);
    await told('bundle', 'app', bundle);
    expect(begun()).toEqual([]);
    expect(runtime('runc', bundle).stdout).toBe(SAID);
  });
});
