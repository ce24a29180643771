/** A git repository as ADD and a build context name it (Docker's `URL#REF:FOLDER`, or `URL?ref=…&subdir=…`). */
export interface GitSource {
  readonly kind: 'git';
  /** What git is given: without query and fragment. */
  readonly remote: string;
  /** A branch, a tag, a whole `refs/…` or a commit; undefined: what HEAD is there. */
  readonly ref?: string | undefined;
  /** Below the repository's root, cleaned; '' is the root. */
  readonly subdir: string;
  readonly keepGitDir: boolean;
  readonly submodules: boolean;
  /** The commit, or how it begins. */
  readonly commit?: string | undefined;
}

/** `user@host:path`; neither user nor host can be taken for an option. */
const SCP =
  /^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?![-/])[^\s#?]+|^[A-Za-z0-9_][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:\/(?!\/)[^\s#?]+/;
const HTTP_GIT = /^https?:\/\/[^#?]+\.git(?:[#?].*)?$/is;
const OTHER = /^(?:git|ssh):\/\//i;
/** With a host that can be taken for nothing else, and a path. */
const REMOTE =
  /^(?:https?|git|ssh):\/\/(?:[^\s/@-][^\s/@]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(?::\d+)?\/[^\s]+$/i;
const COMMIT = /^[0-9a-f]{7,64}$/;
/** A whole commit: nothing has to be asked for it. */
const WHOLE_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** UTF-16 units of a ref's name. */
const MAX_REF = 250;

/** True for what names a git repository: an http URL whose path ends in `.git`, `git://`, `ssh://`, `user@host:path`. */
export function isGitUrl(text: string): boolean {
  return SCP.test(text) || HTTP_GIT.test(text) || OTHER.test(text);
}

/** True for a ref that is a commit. */
export function isCommit(ref: string): boolean {
  return WHOLE_COMMIT.test(ref);
}

/** True for a name that git accepts for a ref (git-check-ref-format) and that no program takes for an option. */
export function isRefName(ref: string): boolean {
  if (ref === '' || ref.length > MAX_REF || /[\x00-\x20\x7f~^:?*[\\]|\.\.|\/\/|@\{/.test(ref)) return false;
  return ref.split('/').every((part) => /^[^.-]/.test(part) && !/\.$|\.lock$/.test(part));
}

/** The repository that the text names, or what is wrong with it. The flags beside it must not say otherwise. */
export function parseGitSource(
  text: string,
  flags: { readonly checksum?: string | undefined; readonly keepGitDir?: boolean | undefined } = {},
): GitSource | { readonly problem: string } {
  const [, remote = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  if (!REMOTE.test(remote) && !SCP.test(remote)) return { problem: 'it is no address of a git repository' };
  const said = new Map<string, string>();
  /** What is wrong with saying this, also that it was said otherwise before. */
  const say = (key: string, value: string): string | undefined => {
    const before = said.get(key);
    said.set(key, value);
    return before === undefined || before === value
      ? undefined
      : `its ${key} is given as ${before} and as ${value}`;
  };
  const problems: (string | undefined)[] = [];
  if (fragment !== undefined) {
    const [ref = '', ...subdir] = fragment.split(':');
    if (ref !== '') problems.push(say('ref', ref));
    if (subdir.length > 0) problems.push(say('subdir', subdir.join(':')));
  }
  for (const [key, value] of new URLSearchParams(query ?? '')) problems.push(sayQuery(key, value, say));
  if (flags.checksum !== undefined) problems.push(say('checksum', flags.checksum));
  if (flags.keepGitDir !== undefined) problems.push(say('keep-git-dir', String(flags.keepGitDir)));
  const ref = said.get('ref');
  const commit = said.get('checksum');
  if (ref !== undefined && !isRefName(ref)) {
    problems.push(`${JSON.stringify(ref)} is no name of a branch, tag or commit`);
  }
  if (commit !== undefined && !COMMIT.test(commit)) {
    problems.push(`its checksum is ${JSON.stringify(commit)}, want a commit of 7 to 64 hexadecimal digits`);
  }
  const problem = problems.find((each) => each !== undefined);
  if (problem !== undefined) return { problem };
  return {
    kind: 'git',
    remote,
    ref,
    subdir: cleanFolder(said.get('subdir') ?? ''),
    keepGitDir: said.get('keep-git-dir') === 'true',
    submodules: said.get('submodules') !== 'false',
    commit,
  };
}

function sayQuery(
  key: string,
  value: string,
  say: (key: string, value: string) => string | undefined,
): string | undefined {
  switch (key) {
    case 'ref':
    case 'subdir':
    case 'checksum':
      return value === '' ? `its query says nothing of ${key}` : say(key, value);
    case 'commit':
      return value === '' ? `its query says nothing of ${key}` : say('checksum', value);
    case 'tag':
      return say('ref', value.startsWith('refs/tags/') ? value : `refs/tags/${value}`);
    case 'branch':
      return say('ref', value.startsWith('refs/heads/') ? value : `refs/heads/${value}`);
    case 'keep-git-dir':
    case 'submodules':
    case 'fetch-by-commit': {
      const text = value === '' || value === '1' ? 'true' : value === '0' ? 'false' : value.toLowerCase();
      if (text !== 'true' && text !== 'false')
        return `its ${key} is ${JSON.stringify(value)}, want true or false`;
      return say(key, text);
    }
    case 'mtime':
      return value === 'commit'
        ? undefined
        : `its mtime is ${JSON.stringify(value)}, want commit: files have the time of their commit`;
    default:
      return `its query has ${JSON.stringify(key)}, want ref, tag, branch, subdir, checksum, commit, keep-git-dir or submodules`;
  }
}

function cleanFolder(path: string): string {
  const done: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') done.pop();
    else if (name !== '' && name !== '.') done.push(name);
  }
  return done.join('/');
}
