import type { CallOptions } from '../../base/options.ts';
import { createDiskSource } from '../context/disk-source.ts';
import type { SourceNode } from '../context/file-source.ts';
import { describeMissing, type SelectedFile, type SelectedSource } from '../context/select-files.ts';
import { selectSources } from '../context/select-sources.ts';
import { buildError } from '../errors.ts';
import { checkOut } from './checkout.ts';
import type { GitAccess } from './git-program.ts';
import type { GitSource } from './git-source.ts';
import { type ResolvedCommit, showGitSource } from './resolve-commit.ts';

/**
 * The files of a commit, checked out into `folder`: root's, 0644, 0755 where they can be run, as old as the commit. What git keeps for itself is left out
 * unless the source wants it.
 * @throws as `checkOut`, BUILD_NOT_IN_SOURCE
 */
export async function readGitFiles(
  git: GitSource,
  resolved: ResolvedCommit,
  folder: string,
  o: { readonly access: GitAccess; readonly exclude: readonly string[] } & CallOptions,
): Promise<SelectedSource<SourceNode>> {
  const { time } = await checkOut(git, resolved, folder, o.access, { signal: o.signal });
  const place = createDiskSource(folder);
  const own = git.keepGitDir ? [] : ['.git', '**/.git'];
  // Last, as a pattern of the author's could let them in again.
  const { sources, missing } = selectSources(place, [escaped(git.subdir)], {
    exclude: [...o.exclude, ...own],
  });
  const [source] = sources;
  if (source === undefined || source.files[0]?.node.kind !== 'directory') {
    const { near } = describeMissing(place, missing ?? git.subdir);
    const path = `${git.subdir}/`;
    throw buildError('BUILD_NOT_IN_SOURCE', { instruction: 'ADD', path, from: showGitSource(git), near });
  }
  return { name: '', files: source.files.map((file) => asCommitted(file, time)) };
}

/** What a checkout adds of this machine (umask, clock) is taken away. */
function asCommitted(file: SelectedFile<SourceNode>, mtime: number): SelectedFile<SourceNode> {
  const { kind, size, linkTo } = file.node;
  const isRun = kind === 'directory' || (file.node.mode & 0o100) !== 0;
  const mode = kind === 'symlink' ? 0o777 : isRun ? 0o755 : 0o644;
  return { ...file, node: { kind, mode, uid: 0, gid: 0, mtime, size, linkTo } };
}

/** A path as a pattern that matches it alone. */
function escaped(path: string): string {
  return path.replace(/[*?[\\]/g, '\\$&');
}
