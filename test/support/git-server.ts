import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** Repositories below one folder, served by git's own daemon on loopback. */
export interface GitServer {
  /** `git://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  /** Runs git in the repository `name`, with a fixed author and date; the output without its line end. */
  git(name: string, ...args: readonly string[]): string;
  stop(): Promise<void>;
}

/** Seconds since 1970 of every commit. */
export const COMMIT_TIME = 1_500_000_000;

export async function startGitServer(folder: string): Promise<GitServer> {
  const port = await freePort();
  const options = [
    '--reuseaddr',
    '--export-all',
    `--base-path=${folder}`,
    '--listen=127.0.0.1',
    `--port=${port}`,
  ];
  // Started itself and not by `git daemon`, so that it is the one that ends.
  const daemon = spawn(join(execPath(), 'git-daemon'), [...options, folder], { stdio: 'ignore' });
  await listening(port, daemon);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'git',
    GIT_AUTHOR_DATE: `${COMMIT_TIME} +0000`,
    GIT_COMMITTER_DATE: `${COMMIT_TIME} +0000`,
  };
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'init.defaultBranch=main'];
  return {
    url: `git://127.0.0.1:${port}`,
    git: (name, ...args) => {
      const cwd = join(folder, name);
      return execFileSync('git', [...who, ...args], {
        cwd,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    },
    stop: async () => {
      if (daemon.exitCode !== null) return;
      const ended = new Promise((resolve) => daemon.once('exit', resolve));
      daemon.kill();
      await ended;
    },
  };
}

function execPath(): string {
  return execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim();
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function listening(port: number, daemon: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    if (tries > 200 || daemon.exitCode !== null) throw new Error('git-daemon does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
