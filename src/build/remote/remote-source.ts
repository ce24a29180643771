/**
 * Sources of ADD that are elsewhere: files behind a URL, and git repositories. Texts in, values out; nothing is fetched here.
 * @module
 */
import { DIGEST_HEX } from './checksum.ts';
import { type GitSource, isGitUrl, parseGitSource } from './git-source.ts';

export interface UrlSource {
  readonly kind: 'url';
  readonly url: string;
  /** What the file is called in a destination that is a folder. */
  readonly name: string;
  /** `sha256:…`, `sha384:…` or `sha512:…` that the content must have. */
  readonly checksum?: string | undefined;
}

export type RemoteSource = UrlSource | GitSource;

export interface RemoteFlags {
  readonly checksum?: string | undefined;
  readonly keepGitDir?: boolean | undefined;
}

/** How Docker calls a file whose URL has no name in it. */
const UNNAMED = '__unnamed__';

/** What sort of place a source names; undefined: a path in the context. */
export function remoteKind(text: string): RemoteSource['kind'] | undefined {
  if (isGitUrl(text)) return 'git';
  return /^(?:https?|ftp):\/\//i.test(text) ? 'url' : undefined;
}

/** The source that the text and the flags beside it name, or what is wrong with it. */
export function parseRemote(text: string, flags: RemoteFlags): RemoteSource | { readonly problem: string } {
  return isGitUrl(text) ? parseGitSource(text, flags) : parseUrl(text, flags);
}

function parseUrl(text: string, { checksum }: RemoteFlags): UrlSource | { readonly problem: string } {
  if (!URL.canParse(text)) return { problem: 'it cannot be parsed as a URL' };
  const { protocol, pathname } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return { problem: `its scheme is ${protocol.slice(0, -1)}, want http or https` };
  }
  if (checksum !== undefined && !DIGEST_HEX.test(checksum)) {
    return {
      problem: `its --checksum is ${JSON.stringify(checksum)}, want sha256:, sha384: or sha512: and hexadecimal digits`,
    };
  }
  return { kind: 'url', url: text, name: nameOf(pathname), checksum };
}

/** The last component of the path, decoded; what could not be a file's name is none. */
function nameOf(pathname: string): string {
  let path = pathname;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    // As written then.
  }
  const name = path.split('/').findLast((part) => part !== '' && part !== '.') ?? UNNAMED;
  return name === '..' || name.includes('\0') ? UNNAMED : name;
}
