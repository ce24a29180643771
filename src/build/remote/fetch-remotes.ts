import { never } from '../../base/errors.ts';
import type { CallOptions } from '../../base/options.ts';
import { redactUrl } from '../../http/redact.ts';
import { digestHex } from '../../oci/digest.ts';
import type { Descriptor } from '../../oci/types.ts';
import type { SourceNode } from '../context/file-source.ts';
import type { SelectedSource } from '../context/select-files.ts';
import { type FetchTools, fetchUrl } from './fetch-url.ts';
import type { RemoteSource, UrlSource } from './remote-source.ts';

/** A source of ADD that came from elsewhere, so far as its key needs it. */
export interface Fetched {
  readonly kind: 'url';
  readonly source: SelectedSource<SourceNode>;
  readonly blob: Descriptor;
}

/** The sources, in their order, one after the other. @throws what fetching them throws */
export async function fetchRemotes(
  remotes: readonly RemoteSource[],
  tools: FetchTools,
  o: CallOptions = {},
): Promise<readonly Fetched[]> {
  const fetched: Fetched[] = [];
  for (const remote of remotes) {
    switch (remote.kind) {
      case 'url':
        fetched.push(await fetchFile(remote, tools, o));
        break;
      case 'git':
        throw new TypeError('git repositories are not planned yet');
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
