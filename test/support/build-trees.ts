import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/base/bytes.ts';
import type { Daemon } from './daemons.ts';

/** What a build made, by path: kind, mode, owner, and content or target; files with their time. */
export type BuiltTree = Readonly<Record<string, string>>;

/** What stands below a folder. The folder itself and the folders' times are the unpacker's. */
export function treeOf(top: string): BuiltTree {
  const tree: Record<string, string> = {};
  const inodes = new Map<number, string>();
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(top, folder)).sort()) {
      const path = join(folder, name);
      const stat = lstatSync(join(top, path));
      const mode = (stat.mode & 0o7777).toString(8);
      const owner = `${stat.uid}:${stat.gid}`;
      if (stat.isDirectory()) {
        tree[path] = `dir ${mode} ${owner}`;
        walk(path);
      } else if (stat.isSymbolicLink()) tree[path] = `link ${owner} ${readlinkSync(join(top, path))}`;
      else {
        const first = stat.nlink > 1 ? inodes.get(stat.ino) : undefined;
        inodes.set(stat.ino, path);
        const content = sha256(readFileSync(join(top, path))).slice(7, 19);
        const linked = first === undefined ? '' : ` same as ${first}`;
        tree[path] = `file ${mode} ${owner} ${content} ${Math.floor(stat.mtimeMs / 1000)}${linked}`;
      }
    }
  };
  walk('');
  return tree;
}

/** buildah with everything of its own below `folder`. */
export function createBuildah(folder: string): { build(context: string): BuiltTree } {
  const own = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  mkdirSync(folder, { recursive: true });
  const run = (...args: readonly string[]): string =>
    execFileSync('buildah', [...own, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 150_000,
    }).trim();
  return {
    build(context) {
      run('bud', '-q', '-t', 'made', context);
      const container = run('from', 'made');
      try {
        return treeOf(run('mount', container));
      } finally {
        run('umount', container);
        run('rm', container);
      }
    },
  };
}

/** A build by docker's own daemon, with BuildKit. */
export function buildByDocker(docker: Daemon, context: string, work: string): BuiltTree {
  const image = docker.client('build', '-q', context).trim();
  const container = docker.client('create', image, '/none').trim();
  const folder = mkdtempSync(join(work, 'docker-'));
  const tar = join(folder, 'tree.tar');
  docker.client('export', '-o', tar, container);
  docker.client('rm', container);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  execFileSync('tar', ['-C', tree, '--numeric-owner', '-xpf', tar]);
  const found = treeOf(tree);
  // Docker's own, for containers to mount over.
  const own = /^(?:\.dockerenv|dev|etc|proc|sys)(?:\/(?:console|pts|shm|hosts|hostname|resolv\.conf|mtab))?$/;
  return Object.fromEntries(Object.entries(found).filter(([path]) => !own.test(path)));
}
