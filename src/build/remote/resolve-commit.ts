import type { CallOptions } from '../../base/options.ts';
import { buildError } from '../errors.ts';
import { createGit, type Git, type GitAccess } from './git-program.ts';
import { type GitSource, isCommit } from './git-source.ts';
import { gitAuthorization } from './remote-auth.ts';

/** What a repository's ref means now. */
export interface ResolvedCommit {
  readonly commit: string;
  /** The whole name of the ref that has it; undefined where the commit itself was named. */
  readonly ref: string | undefined;
}

/** The repository for people: without user and password, with what was asked of it. */
export function showGitSource({ remote, ref, subdir }: GitSource): string {
  const place = `${ref ?? ''}${subdir === '' ? '' : `:${subdir}`}`;
  return `${remote.replace(/\/\/[^/@]*@/, '//')}${place === '' ? '' : `#${place}`}`;
}

/** Git for this repository. @throws BUILD_AUTH_SECRET */
export function gitFor(source: GitSource, { env, secrets }: GitAccess): Git {
  const settings = gitAuthorization(source.remote, secrets);
  return createGit({ env, settings, shown: showGitSource(source) });
}

/**
 * The commit that the source means: one named in full as it is, else what the server says of the ref. Branches come before tags, as in git.
 * @throws BUILD_GIT, BUILD_GIT_MISSING, BUILD_GIT_REF, BUILD_GIT_COMMIT
 */
export async function resolveCommit(
  source: GitSource,
  access: GitAccess,
  o: CallOptions = {},
): Promise<ResolvedCommit> {
  const resolved = await lookUp(source, access, o);
  const { commit: wanted } = source;
  if (wanted !== undefined && !resolved.commit.startsWith(wanted)) {
    throw buildError('BUILD_GIT_COMMIT', { url: showGitSource(source), got: resolved.commit, want: wanted });
  }
  return resolved;
}

async function lookUp(source: GitSource, access: GitAccess, o: CallOptions): Promise<ResolvedCommit> {
  const { remote, ref } = source;
  if (ref !== undefined && isCommit(ref)) return { commit: ref, ref: undefined };
  const names =
    ref === undefined || ref === 'HEAD'
      ? ['HEAD']
      : ref.startsWith('refs/')
        ? [ref]
        : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`];
  const wanted = names.flatMap((name) => [name, `${name}^{}`]);
  const text = await gitFor(source, access).run(
    'cannot ask for refs',
    ['ls-remote', '-q', '--', remote, ...wanted],
    o,
  );
  const commits = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, commit, name] = /^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$/.exec(line) ?? [];
    if (commit !== undefined && name !== undefined) commits.set(name, commit);
  }
  for (const name of names) {
    // A tag of its own points at the commit; the second name is what it points at.
    const commit = commits.get(`${name}^{}`) ?? commits.get(name);
    if (commit !== undefined) return { commit, ref: name };
  }
  throw buildError('BUILD_GIT_REF', { url: showGitSource(source), ref: ref ?? 'HEAD' });
}
