import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDobosError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { buildError } from '../errors.ts';
import type { Git, GitAccess } from './git-program.ts';
import type { GitSource } from './git-source.ts';
import { gitFor, type ResolvedCommit, showGitSource } from './resolve-commit.ts';

export interface Checkout {
  /** Epoch seconds of the commit. */
  readonly time: number;
}

/**
 * The files of the commit in `folder`, which must not be there or be empty, with its submodules and with the `.git` of git; only as much
 * history as the server lets be left out. The commit is what was resolved, whatever the server has by now.
 * @throws BUILD_GIT, BUILD_GIT_MISSING, BUILD_GIT_REF
 */
export async function checkOut(
  source: GitSource,
  { commit, ref }: ResolvedCommit,
  folder: string,
  access: GitAccess,
  o: CallOptions = {},
): Promise<Checkout> {
  const git = gitFor(source, access);
  const here = { ...o, cwd: folder };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const format = commit.length === 64 ? ['--object-format=sha256'] : [];
  await git.run('cannot make a repository', ['init', '-q', '--template=', ...format], here);
  await fetchCommit(git, source, { commit, ref }, here);
  // Without user and password: with --keep-git-dir it would be in the image.
  const origin = source.remote.replace(/\/\/[^/@]*@/, '//');
  await git.run('cannot set the remote', ['remote', 'add', '--', 'origin', origin], here);
  await git.run('cannot check out', ['checkout', '-q', '--detach', '--force', commit], here);
  if (source.submodules && existsSync(join(folder, '.gitmodules'))) await fetchSubmodules(git, here);
  rmSync(join(folder, '.git', 'FETCH_HEAD'), { force: true });
  const time = Number(await git.run('cannot read the commit', ['log', '-1', '--format=%ct', commit], here));
  return { time: Number.isSafeInteger(time) && time >= 0 ? time : 0 };
}

type Here = CallOptions & { readonly cwd: string };

async function fetchCommit(
  git: Git,
  source: GitSource,
  { commit, ref }: ResolvedCommit,
  here: Here,
): Promise<void> {
  const fetch = (...args: readonly string[]): Promise<string> =>
    git.run(
      'cannot fetch',
      ['fetch', '-q', '--no-tags', '--no-recurse-submodules', '--force', ...args],
      here,
    );
  const isThere = async (): Promise<boolean> => {
    const found = await attempt(
      git.run('cannot look', ['rev-parse', '-q', '--verify', `${commit}^{commit}`], here),
    );
    return 'value' in found && found.value.trim() === commit;
  };
  const { remote } = source;
  const shallow = await attempt(fetch('--depth=1', '--', remote, ref ?? commit));
  if ('value' in shallow && (await isThere())) return;
  // A server without shallow fetches, one that gives no single commits, or a ref that has moved on.
  await fetch('--', remote, '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*');
  if (!(await isThere()) && ref !== undefined) await fetch('--', remote, ref);
  if (!(await isThere())) throw buildError('BUILD_GIT_REF', { url: showGitSource(source), ref: commit });
}

async function fetchSubmodules(git: Git, here: Here): Promise<void> {
  const update = (...args: readonly string[]): Promise<string> =>
    git.run(
      'cannot fetch submodules',
      ['submodule', '-q', 'update', '--init', '--recursive', '--force', ...args],
      here,
    );
  if ('value' in (await attempt(update('--depth=1')))) return;
  await update();
}

/** What git refused is left to the caller; other failures are thrown. */
async function attempt<T>(work: Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await work };
  } catch (error) {
    if (!isDobosError(error, 'BUILD_GIT')) throw error;
    return { error };
  }
}
