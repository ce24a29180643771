import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A peer's daemon whose every file is in one folder, and its client. */
export interface Daemon {
  /** The client's standard output. */
  client(...args: readonly string[]): string;
  stop(): Promise<void>;
}

export async function startContainerd(home: string): Promise<Daemon> {
  mkdirSync(home, { recursive: true });
  const socket = join(home, 'c.sock');
  const config = join(home, 'config.toml');
  writeFileSync(
    config,
    `version = 2
root = "${home}/root"
state = "${home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
`,
  );
  return start(home, 'containerd', ['-c', config, '-l', 'error'], ['ctr', '-a', socket]);
}

/** Debian's dockerd with Debian's client: another client may stand earlier in PATH. */
export async function startDockerd(home: string): Promise<Daemon> {
  mkdirSync(home, { recursive: true });
  const host = `unix://${join(home, 'd.sock')}`;
  const folders = [
    '--data-root',
    join(home, 'data'),
    '--exec-root',
    join(home, 'exec'),
    '-p',
    join(home, 'pid'),
  ];
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none'];
  return start(
    home,
    '/usr/sbin/dockerd',
    [...folders, '-H', host, ...network, '-l', 'error'],
    ['/usr/bin/docker', '-H', host],
  );
}

async function start(
  home: string,
  program: string,
  args: readonly string[],
  client: readonly string[],
): Promise<Daemon> {
  const daemon = spawn(program, args, { stdio: 'ignore' });
  const call = (...more: readonly string[]): string => {
    const [name = '', ...rest] = [...client, ...more];
    return execFileSync(name, rest, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    });
  };
  for (let tries = 0; ; tries++) {
    try {
      call('version');
      break;
    } catch (error) {
      if (tries > 1200 || daemon.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return { client: call, stop: () => stop(daemon, home) };
}

async function stop(daemon: ChildProcess, home: string): Promise<void> {
  if (daemon.exitCode === null) {
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill('SIGTERM');
    await ended;
  }
  // Daemons bind their own folders; nothing may stay mounted below theirs.
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
    const at = line.split(' ')[1];
    if (at?.startsWith(`${home}/`)) execFileSync('umount', ['-l', at]);
  }
}
