import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGitUrl, isRefName, parseGitSource } from './git-source.ts';
import { remoteKind } from './remote-source.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const plain = {
  kind: 'git',
  ref: undefined,
  subdir: '',
  keepGitDir: false,
  submodules: true,
  commit: undefined,
};

describe('the address of a git repository', () => {
  it.each([
    ['https://h/a/b.git', {}],
    ['https://h/a/b.git#', {}],
    ['https://h/a/b.git#v1', { ref: 'v1' }],
    ['https://h/a/b.git#feature/x:sub/dir', { ref: 'feature/x', subdir: 'sub/dir' }],
    ['https://h/a/b.git#:sub/./../../dir/', { subdir: 'dir' }],
    ['https://ada:pw@h:8443/b.git#v1', { ref: 'v1' }],
    ['git://h/a', {}],
    ['ssh://git@h:22/a/b', {}],
    ['git@h:a/b.git#main', { ref: 'main' }],
    ['git@h:/a/b', {}],
    [`https://h/b.git?ref=v1&subdir=x&checksum=${COMMIT}`, { ref: 'v1', subdir: 'x', commit: COMMIT }],
    [`https://h/b.git?commit=${COMMIT.slice(0, 7)}`, { commit: COMMIT.slice(0, 7) }],
    ['https://h/b.git?tag=v1', { ref: 'refs/tags/v1' }],
    ['https://h/b.git?branch=v1', { ref: 'refs/heads/v1' }],
    ['https://h/b.git?ref=v1#v1', { ref: 'v1' }],
    ['https://h/b.git?keep-git-dir=1&submodules=false', { keepGitDir: true, submodules: false }],
    ['https://h/b.git?keep-git-dir&submodules=true&mtime=commit', { keepGitDir: true }],
  ])('%s', (text, want) => {
    expect(isGitUrl(text)).toBe(true);
    const remote = text.replace(/[?#].*/, '');
    expect(parseGitSource(text)).toEqual({ ...plain, remote, ...want });
  });

  it.each([
    ['https://h/b.git#--upload-pack=touch', '"--upload-pack=touch" is no name of a branch, tag or commit'],
    ['https://h/b.git?ref=-x', '"-x" is no name of a branch, tag or commit'],
    ['https://h/b.git?tag=', '"refs/tags/" is no name of a branch, tag or commit'],
    ['https://h/b.git#a..b', '"a..b" is no name of a branch, tag or commit'],
    ['https://h/b.git#+refs/heads/*', '"+refs/heads/*" is no name of a branch, tag or commit'],
    ['https://h/b.git?ref=a#b', 'its ref is given as b and as a'],
    ['https://h/b.git?tag=a&branch=a', 'its ref is given as refs/tags/a and as refs/heads/a'],
    ['https://h/b.git?subdir=', 'its query says nothing of subdir'],
    ['https://h/b.git?checksum=xyz', 'its checksum is "xyz", want a commit of 7 to 64 hexadecimal digits'],
    ['https://h/b.git?submodules=maybe', 'its submodules is "maybe", want true or false'],
    [
      'https://h/b.git?mtime=checkout',
      'its mtime is "checkout", want commit: files have the time of their commit',
    ],
    [
      'https://h/b.git?depth=1',
      'its query has "depth", want ref, tag, branch, subdir, checksum, commit, keep-git-dir or submodules',
    ],
    ['ssh://-oProxyCommand=x/a', 'it is no address of a git repository'],
    ['ssh://-x@h/a', 'it is no address of a git repository'],
    ['ssh://h', 'it is no address of a git repository'],
    ['https://h x/b.git', 'it is no address of a git repository'],
  ])('%s is wrong: %s', (text, problem) => expect(parseGitSource(text)).toEqual({ problem }));

  it('agrees with the flags beside it, or is an error', () => {
    const flags = { checksum: COMMIT, keepGitDir: true };
    expect(parseGitSource('https://h/b.git', flags)).toMatchObject({ commit: COMMIT, keepGitDir: true });
    expect(parseGitSource('https://h/b.git?keep-git-dir=0', flags)).toEqual({
      problem: 'its keep-git-dir is given as false and as true',
    });
    expect(parseGitSource(`https://h/b.git?commit=${COMMIT.slice(1)}`, flags)).toMatchObject({
      problem: expect.stringContaining('checksum'),
    });
  });

  it.each([
    ['https://h/b.git', 'git'],
    ['http://h/b.git#x', 'git'],
    ['https://h/b.git/', 'url'],
    ['https://h/b.git.zip', 'url'],
    ['https://h/a#b.git', 'url'],
    ['HTTPS://h/x', 'url'],
    ['ftp://h/x', 'url'],
    ['git@h:a', 'git'],
    ['ada@h', undefined],
    ['-x@h:a', undefined],
    ['git@-h:a', undefined],
    ['git@h:-a', undefined],
    ['a/b.git', undefined],
    ['github.com/a/b', undefined],
    ['file:///a.git', undefined],
    ['ext::sh', undefined],
  ])('%s is a %s', (text, kind) => expect(remoteKind(text)).toBe(kind));

  it('never gives git a word that starts with a dash', () => {
    const text = fc.stringMatching(/^(https:\/\/|ssh:\/\/|git@)[-a@:/.#?=h]{1,30}$/);
    fc.assert(
      fc.property(text, (address) => {
        const parsed = isGitUrl(address) ? parseGitSource(address) : { problem: '' };
        if ('problem' in parsed) return;
        // As an option, as a host for ssh, or as the path of `host:path`; a dash within a path is harmless.
        expect(parsed.remote).not.toMatch(/^-|^[a-z]+:\/\/(?:[^/]*@)?-|^[^/:]*@-|^[^/:]*:-/);
        expect(parsed.ref ?? 'x').not.toMatch(/^-/);
      }),
      { numRuns: 1000, examples: [['ssh://a/@-?'], ['ssh://a@-h/'], ['git@-h:a'], ['git@h:-a']] },
    );
  });

  it('takes the names of refs that git takes', () => {
    for (const name of ['v1', 'a/b', 'feature/x-1', 'ä', 'a@b', 'refs/tags/v1', 'a.b'])
      expect(isRefName(name)).toBe(true);
    for (const name of [
      '',
      '-x',
      '.x',
      'x.',
      'x.lock',
      'a//b',
      'a/.b',
      '/a',
      'a/',
      'a b',
      'a\tb',
      'a:b',
      'a^',
      'a~1',
      '@{x}',
      'a*',
    ])
      expect(isRefName(name)).toBe(false);
  });
});
