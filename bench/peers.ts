import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DockerRegistry, startDockerRegistry } from '../test/support/docker-registry.ts';

/** docker and its daemon of Debian's docker.io: another client earlier on PATH falls back to the legacy builder without a word. */
const DOCKER = '/usr/bin/docker';

export interface Peers {
  readonly docker: (...args: readonly string[]) => readonly string[];
  readonly dockerEnv: Readonly<Record<string, string>>;
  readonly buildah: (...args: readonly string[]) => readonly string[];
  /** `127.0.0.1:43210`: Debian's docker-registry, empty. */
  readonly registry: string;
  /** Where dive is, if Go can install it here. */
  readonly dive: string | undefined;
  readonly skopeo: (...args: readonly string[]) => readonly string[];
  readonly versions: readonly string[];
  stop(): Promise<void>;
}

/** A docker daemon of its own. */
export interface Daemon {
  readonly docker: (...args: readonly string[]) => readonly string[];
  stop(): Promise<void>;
}

/** Starts dockerd with everything below `folder`. */
export async function startDocker(folder: string, options: readonly string[] = []): Promise<Daemon> {
  mkdirSync(folder, { recursive: true });
  const socket = `unix://${folder}/docker.sock`;
  const log = openSync(join(folder, 'log'), 'w');
  const daemon = spawn(
    '/usr/sbin/dockerd',
    [
      ...options,
      ...[
        '-H',
        socket,
        '--data-root',
        `${folder}/data`,
        '--exec-root',
        `${folder}/exec`,
        '-p',
        `${folder}/pid`,
      ],
    ],
    { stdio: ['ignore', log, log], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
  for (let attempt = 0; ; attempt++) {
    if (spawnSync(DOCKER, ['-H', socket, 'version']).status === 0) break;
    if (attempt === 300 || daemon.exitCode !== null)
      throw new Error(`dockerd does not answer; see ${folder}/log`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
  return {
    docker: (...args) => [DOCKER, '-H', socket, ...args],
    async stop() {
      const ended = new Promise((resume) => daemon.once('exit', resume));
      daemon.kill('SIGTERM');
      await ended;
      // dockerd leaves the mount of its own network namespace behind.
      spawnSync('umount', ['-l', `${folder}/exec/netns/default`]);
    },
  };
}

/** Starts dockerd with everything below `work`, and names the peers. */
export async function startPeers(work: string): Promise<Peers> {
  for (const program of [
    DOCKER,
    '/usr/sbin/dockerd',
    '/usr/bin/buildah',
    '/usr/bin/podman',
    '/usr/bin/umoci',
    '/usr/bin/skopeo',
    '/usr/bin/docker-registry',
    '/usr/bin/time',
  ]) {
    if (!existsSync(program))
      throw new Error(
        `${program} is missing: apt-get install docker.io buildah podman umoci skopeo docker-registry time`,
      );
  }
  const folder = join(work, 'docker');
  const { docker, stop } = await startDocker(folder, ['--iptables=false', '--bridge=none']);
  requireBuildKit(docker, folder);
  const registry: DockerRegistry = await startDockerRegistry(join(work, 'registry'));
  const root = join(work, 'buildah');
  const buildah = (...args: readonly string[]) => [
    '/usr/bin/buildah',
    '--root',
    `${root}/root`,
    '--runroot',
    `${root}/run`,
    '--storage-driver',
    'overlay',
    ...args,
  ];
  const dive = installDive();
  const line = (program: string, args: readonly string[]): string =>
    `${spawnSync(program, args, { encoding: 'utf8' }).stdout.split('\n')[0]}`;
  return {
    docker,
    dockerEnv: BUILDKIT,
    buildah,
    registry: registry.host,
    dive: dive.program,
    skopeo: (...args) => ['/usr/bin/skopeo', '--insecure-policy', ...args],
    versions: [
      line(DOCKER, ['--version']),
      line('/usr/bin/buildah', ['--version']),
      line('/usr/bin/podman', ['--version']),
      line('/usr/bin/umoci', ['--version']),
      line('/usr/bin/skopeo', ['--version']),
      line('/usr/bin/docker-registry', ['--version']),
      line('/usr/sbin/runc', ['--version']),
      line('/usr/bin/sha256sum', ['--version']),
      ...(dive.program === undefined ? [] : [`dive ${DIVE_VERSION}`]),
      `Node ${process.version}`,
    ],
    stop: async () => {
      dive.remove();
      await registry.stop();
      await stop();
      // podman one below its images.
      spawnSync('umount', ['-l', join(work, 'podman', 'root', 'overlay')]);
    },
  };
}

const DIVE_VERSION = 'v0.13.1';

/** Debian has no package of dive: Go makes it, where there is Go and a proxy of its modules. */
function installDive(): { readonly program: string | undefined; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-dive-'));
  const { status } = spawnSync('go', ['install', `github.com/wagoodman/dive@${DIVE_VERSION}`], {
    env: {
      ...process.env,
      GOPATH: join(folder, 'go'),
      GOBIN: folder,
      GOCACHE: join(folder, 'cache'),
      GOFLAGS: '-modcacherw',
    },
  });
  return {
    program: status === 0 ? join(folder, 'dive') : undefined,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const BUILDKIT = { DOCKER_BUILDKIT: '1', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** The legacy builder is another program with other costs: it is not what we compare with. */
function requireBuildKit(docker: Peers['docker'], folder: string): void {
  const context = join(folder, 'probe');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nLABEL a=b\n');
  const [program, ...args] = docker('build', '--progress=plain', context);
  const { status, stderr } = spawnSync(program!, args, { encoding: 'utf8', env: BUILDKIT });
  if (status !== 0 || !stderr.includes('[internal] load build definition'))
    throw new Error(`${program} does not build with BuildKit:\n${stderr}`);
}

/** Runs a command of the set-up; stops the bench when it fails. */
export function must(command: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}
