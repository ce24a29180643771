import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchGlob } from './glob.ts';
import { cleanPath, ignoredNames, matchIgnore, mayReinclude, parseIgnoreFile } from './ignore.ts';

describe('matchGlob', () => {
  it.each([
    ['abc', 'abc', true],
    ['*', 'abc', true],
    ['*', 'a/b', false],
    ['*c', 'abc', true],
    ['a*', 'ab/c', false],
    ['a*/b', 'abc/b', true],
    ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
    ['a*b*c*d*e*/f', 'axbxcxdxexxx/fff', false],
    ['a*b?c*x', 'abxbbxdbxebxczzx', true],
    ['a*b?c*x', 'abxbbxdbxebxczzy', false],
    ['ab[c]', 'abc', true],
    ['ab[b-d]', 'abc', true],
    ['ab[e-g]', 'abc', false],
    ['ab[^c]', 'abc', false],
    ['ab[^e-g]', 'abc', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'ab', false],
    ['a?b', 'aäb', true],
    ['a?b', 'a/b', false],
    ['a[^a]b', 'a☺b', true],
    ['[a-ζ]*', 'α', true],
    ['[\\]a]', ']', true],
    ['[\\-]', '-', true],
    ['[x\\-]', '-', true],
    ['[[]x', '[x', true],
    ['*x', 'xxx', true],
    ['', '', true],
    ['', 'a', false],
    // malformed
    ['[', 'a', false],
    ['[]a]', ']', false],
    ['[-]', '-', false],
    ['[a-]', 'a', false],
    ['a[', 'a', false],
    ['a\\', 'a', false],
    ['[^', 'a', false],
  ])('%s on %s: %s', (pattern, name, want) => {
    expect(matchGlob(pattern, name)).toBe(want);
  });

  it('takes no time over many stars', () => {
    expect(matchGlob('*a'.repeat(50), `${'a'.repeat(5000)}b`)).toBe(false);
  });
});

const ignored = (file: string, path: string): boolean => matchIgnore(parseIgnoreFile(file), path).ignored;

describe('.dockerignore', () => {
  it.each([
    ['foo', 'foo', true],
    ['foo', 'foo/bar', true],
    ['foo', 'foo/bar/baz', true],
    ['foo', 'x/foo', false],
    ['foo', 'foobar', false],
    ['/foo', 'foo', true],
    ['./foo/', 'foo', true],
    ['a/../foo', 'foo', true],
    ['*.log', 'a.log', true],
    ['*.log', 'x/a.log', false],
    ['*/*.log', 'x/a.log', true],
    ['**/*.log', 'a.log', true],
    ['**/*.log', 'x/y/a.log', true],
    ['**/foo', 'foo', true],
    ['**/foo', 'a/foo/b', true],
    ['**/foo', 'a/xfoo', false],
    ['foo/**', 'foo/a/b', true],
    ['foo/**', 'foo', false],
    ['**', 'a', true],
    ['**', 'a/b', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'ab', false],
    ['a**b', 'ab', true],
    ['a**b', 'ax/b', true],
    ['a**b', 'axb', false],
    ['**/a**/b', 'a/ab', true],
    ['**/x/**/*.txt', 'q/x/w/e.txt', true],
    ['temp?', 'tempa', true],
    ['temp?', 'temp', false],
    ['te[lm]p', 'temp', true],
    ['te[^lm]p', 'temp', false],
    ['\\!x', '!x', true],
    ['a.b', 'axb', false],
    ['a+(b)$', 'a+(b)$', true],
    ['.', 'a', false],
    ['# comment', '# comment', false],
    [' # spaced', '# spaced', true],
    ['\uFEFFfoo', 'foo', true],
    ['foo\r\n', 'foo', true],
    ['\n\n  \nfoo', 'foo', true],
  ])('%j on %s: %s', (file, path, want) => {
    expect(ignored(file, path)).toBe(want);
  });

  it.each([
    ['*\n!keep', 'keep', false],
    ['*\n!keep', 'keep/below', false],
    ['*\n!keep', 'other', true],
    ['*\n!a/b', 'a/b', false],
    ['*\n!a/b', 'a/c', true],
    ['!keep\n*', 'keep', true],
    ['docs\n!docs/README.md\ndocs/README*', 'docs/README.md', true],
    ['*.md\n!README*.md\nREADME-secret.md', 'README.md', false],
    ['*.md\n!README*.md\nREADME-secret.md', 'README-secret.md', true],
    ['**\n!**/*.go', 'a/b.go', false],
    ['**\n! /x', 'x', false],
    ['foo/bar\n!foo', 'foo/bar/baz', false],
  ])('%j on %s: %s', (file, path, want) => {
    expect(ignored(file, path)).toBe(want);
  });

  it('names the line that decided', () => {
    const ignore = parseIgnoreFile('# head\n*.js\n!app.js\napp*');
    expect(matchIgnore(ignore, 'lib.js')).toEqual({ ignored: true, line: 2 });
    expect(matchIgnore(ignore, 'app.js')).toEqual({ ignored: true, line: 4 });
    expect(matchIgnore(ignore, 'x')).toEqual({ ignored: false, line: undefined });
  });

  it('reports patterns that mean nothing, with their line', () => {
    expect(parseIgnoreFile('a\n!\n[\nb').problems).toEqual([
      { line: 2, message: 'illegal exclusion pattern: "!"' },
      { line: 3, message: 'syntax error in pattern "["' },
    ]);
  });

  it.each([
    ['*\n!a/b', 'a', true],
    ['*\n!a/b', 'c', false],
    ['*\n!a/b', 'a/b', true],
    ['*\n!a/b', 'a/c', false],
    ['*\n!**/x', 'c/d', true],
    ['*\n!a', 'a/b/c', true],
    ['*\n!a*/x', 'ab', true],
    ['*\n!a*/x', 'b', false],
    ['node_modules', 'node_modules', false],
  ])('%j: may something below %s come back: %s', (file, folder, want) => {
    expect(mayReinclude(parseIgnoreFile(file), folder)).toBe(want);
  });

  it('never prunes a folder below which a path is let in', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'x.js');
    const path = fc.array(name, { minLength: 2, maxLength: 4 });
    const part = fc.constantFrom('a', 'b', '*', '**', '?', 'a*', '[ab]', '*.js');
    const line = fc.tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), path, (lines, names) => {
        const text = lines.map(([keep, parts]) => `${keep ? '!' : ''}${parts.join('/')}`).join('\n');
        const ignore = parseIgnoreFile(text);
        if (matchIgnore(ignore, names.join('/')).ignored) return;
        for (let depth = 1; depth < names.length; depth++) {
          const folder = names.slice(0, depth).join('/');
          if (matchIgnore(ignore, folder).ignored) expect(mayReinclude(ignore, folder)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('says of all names of a folder at once what it says of each', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'x.js', '.x', 'é', '\udc80');
    const part = fc.constantFrom(
      'a',
      'b',
      'ab',
      '*',
      '**',
      '?',
      'a*',
      '*b',
      '[ab]',
      '*.js',
      '\\a',
      '\udc80',
      'é*',
    );
    const line = fc.tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 6 }),
        fc.array(name, { maxLength: 3 }),
        name,
        (lines, names, last) => {
          const text = lines.map(([keep, parts]) => `${keep ? '!' : ''}${parts.join('/')}`).join('\n');
          const ignore = parseIgnoreFile(text);
          const said = ignoredNames(ignore, names.join('/'));
          const want = matchIgnore(ignore, [...names, last].join('/')).ignored;
          expect(typeof said === 'boolean' ? said : said(last)).toBe(want);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['d/*', 'd', true],
    ['d/*', 'e', false],
    ['d/*', 'd/e', true],
    ['d/**', 'd', true],
    ['**', '', true],
    ['*', '', true],
    ['a*/*', 'ab', true],
    ['d/*\n!d/keep\nd/*', 'd', true],
    ['d/x\n!d/*', 'd', false],
    ['d/*\n!e/keep', 'd', true],
  ])('%j says the same of every name in %j: %s', (file, folder, want) => {
    expect(ignoredNames(parseIgnoreFile(file), folder)).toBe(want);
  });

  it.each([
    ['with everything', ['a', 'b', '/', '*', '**', '?', '.']],
    ['with stars only', ['a', 'b', 'ab', '/', '*', 'b/a', '.']],
  ])('agrees with the regular expression that the reference makes of a pattern %s', (_, allowed) => {
    const part = fc.constantFrom(...allowed);
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 7 }),
        fc.stringMatching(/^[ab./]{1,8}$/),
        (parts, raw) => {
          const pattern = cleanPath(parts.join('')).replace(/^\//, '');
          const path = cleanPath(raw).replace(/^\//, '');
          if (pattern === '' || path === '' || path === '.') return;
          // Parents are matched apart: here only whole paths without a parent that matches.
          const wanted = reference(pattern);
          const names = path.split('/');
          const want = names.some((_, index) => wanted.test(names.slice(0, index + 1).join('/')));
          expect(ignored(pattern, path)).toBe(want);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('takes no time over many stars', () => {
    expect(ignored('**/a'.repeat(40), `${'a/'.repeat(400)}b`)).toBe(true);
    expect(ignored('**/*a*a*a*a*a*a*a*b', `${'a'.repeat(2000)}c`)).toBe(false);
  });
});

/** The translation described for moby/patternmatcher, for patterns without classes and escapes. */
function reference(pattern: string): RegExp {
  let out = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!;
    if (pattern.startsWith('**', at)) {
      at += pattern[at + 2] === '/' ? 2 : 1;
      out += at + 1 >= pattern.length ? '.*' : '(.*/)?';
    } else if (char === '*') out += '[^/]*';
    else if (char === '?') out += '[^/]';
    else out += char === '.' ? '\\.' : char;
  }
  return new RegExp(`^${out}$`);
}
