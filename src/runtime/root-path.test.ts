import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindInRoot, resolveInRoot } from './root-path.ts';

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dobos-root-')));
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'a/file'), '');
  symlinkSync('/a/b', join(root, 'absolute'));
  symlinkSync('../../../../../../etc', join(root, 'a/climb'));
  symlinkSync('loop2', join(root, 'loop1'));
  symlinkSync('loop1', join(root, 'loop2'));
  symlinkSync('/missing/deep', join(root, 'dangling'));
  symlinkSync('.', join(root, 'a/here'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('resolveInRoot', () => {
  it('refuses links that lead nowhere but to each other', () =>
    expect(() => resolveInRoot(root, '/loop1/x')).toThrowError(
      expect.objectContaining({ code: 'RUNTIME_LINK_LOOP' }),
    ));
  it.each([
    ['/', ''],
    ['a//b/./', 'a/b'],
    ['/../../a', 'a'],
    ['/absolute', 'a/b'],
    ['/absolute/..', 'a'],
    ['/a/climb/passwd', 'etc/passwd'],
    ['/dangling/x', 'missing/deep/x'],
    ['/not/there/../yet', 'not/yet'],
    ['/a/here/here/here/file', 'a/file'],
  ])('leads %s to "%s"', (path, want) => {
    expect(resolveInRoot(root, path)).toEqual({ relative: want, host: join(root, want) });
  });
  it('never leaves the root, whatever the path', () => {
    const name = fc.constantFrom('..', '.', '', 'a', 'b', 'climb', 'absolute', 'dangling', 'here', 'x');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), (names) => {
        const { host, relative } = resolveInRoot(root, names.join('/'));
        expect(relative.split('/')).not.toContain('..');
        expect(host === root || host.startsWith(`${root}/`)).toBe(true);
        // Resolved is resolved: nothing on the way is a link.
        expect(resolveInRoot(root, relative).relative).toBe(relative);
      }),
    );
  });
  it('tells what is there', () => {
    expect(
      ['a', 'a/file', 'nothing', 'a/file/below', 'loop1'].map((relative) =>
        kindInRoot({ relative, host: join(root, relative) }),
      ),
    ).toEqual(['directory', 'file', 'missing', 'other', 'other']);
  });
});
