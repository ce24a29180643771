import { sha256 } from '../../base/bytes.ts';
import { never } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { redactUrl } from '../../http/redact.ts';
import { digestHex } from '../../oci/digest.ts';
import type { Descriptor } from '../../oci/types.ts';
import type { SourceNode } from '../context/file-source.ts';
import type { SelectedSource } from '../context/select-files.ts';
import { type FetchTools, fetchUrl } from './fetch-url.ts';
import type { GitAccess } from './git-program.ts';
import type { GitSource } from './git-source.ts';
import type { RemoteSource, UrlSource } from './remote-source.ts';
import { type ResolvedCommit, resolveCommit, showGitSource } from './resolve-commit.ts';

/** A source of ADD that is elsewhere, known so far as its key needs it. */
export type Fetched =
  | { readonly kind: 'url'; readonly source: SelectedSource<SourceNode>; readonly blob: Descriptor }
  /** `source` stands for the files: they are fetched when the step has to run. */
  | {
      readonly kind: 'git';
      readonly source: SelectedSource<SourceNode>;
      readonly git: GitSource;
      readonly resolved: ResolvedCommit;
    };

export interface RemoteTools extends FetchTools {
  readonly git: GitAccess;
}

/** The sources, in their order, one after the other. @throws what fetching them throws */
export async function fetchRemotes(
  remotes: readonly RemoteSource[],
  tools: RemoteTools,
  o: CallOptions = {},
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const remote of remotes) {
    switch (remote.kind) {
      case 'url':
        fetched.push(await fetchFile(remote, tools, o));
        break;
      case 'git':
        fetched.push(await findCommit(remote, tools, o));
        break;
      default:
        never(remote);
    }
  }
  return fetched;
}

/** A downloaded file is root's alone, and as old as its server says (Dockerfile reference, ADD). */
async function fetchFile(remote: UrlSource, tools: FetchTools, o: CallOptions): Promise<Fetched> {
  const { blob, mtime } = await fetchUrl(remote, tools, o);
  const node: SourceNode = {
    kind: 'file',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtime,
    size: blob.size,
    digest: digestHex(blob.digest),
  };
  const source = { name: remote.name, files: [{ name: '', from: redactUrl(remote.url), node }] };
  return { kind: 'url', source, blob };
}

async function findCommit(git: GitSource, tools: RemoteTools, o: CallOptions): Promise<Fetched> {
  const resolved = await resolveCommit(git, tools.git, o);
  const facts = [resolved.commit, git.subdir, git.keepGitDir, git.submodules];
  const node: SourceNode = {
    kind: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: undefined,
    size: 0,
    // A commit says what every file is.
    digest: digestHex(sha256(JSON.stringify(facts))),
  };
  const source = { name: '', files: [{ name: '', from: showGitSource(git), node }] };
  return { kind: 'git', source, git, resolved };
}
