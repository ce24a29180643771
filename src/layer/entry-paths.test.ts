import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cleanPath,
  decodeWhiteout,
  encodeWhiteout,
  looksLikeWhiteout,
  MAX_PATH_LENGTH,
} from './entry-paths.ts';

describe('cleanPath', () => {
  test.each([
    ['a', 'a'],
    ['./a', 'a'],
    ['/a//b/', 'a/b'],
    ['a/./b', 'a/b'],
    ['../../a', 'a'],
    ['a/../../b', 'b'],
    ['.', ''],
    ['./', ''],
    ['/', ''],
    ['', ''],
    ['..', ''],
    ['.a', '.a'],
    ['..a/...', '..a/...'],
  ])('%j means %j', (name, path) => expect(cleanPath(name)).toBe(path));

  test('refuses names that no file can have', () => {
    expect(() => cleanPath('a\0b')).toThrow(/holds a NUL/);
    expect(() => cleanPath('a'.repeat(MAX_PATH_LENGTH + 1))).toThrow(/longer than 4096/);
  });

  test('is its own fixed point and never leaves the root', () => {
    const names = fc.array(fc.constantFrom('a', 'b', '', '.', '..', '...')).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(names, (name) => {
        const clean = cleanPath(name);
        expect(cleanPath(clean)).toBe(clean);
        expect(clean.split('/')).not.toContain('..');
        expect(clean.startsWith('/')).toBe(false);
      }),
    );
  });
});

describe('decodeWhiteout', () => {
  test.each([
    ['a/b', { kind: 'plain', path: 'a/b' }],
    ['x.wh.y', { kind: 'plain', path: 'x.wh.y' }],
    ['.wh.d/x', { kind: 'plain', path: '.wh.d/x' }],
    ['.wh.a', { kind: 'whiteout', path: 'a' }],
    ['d/.wh.a', { kind: 'whiteout', path: 'd/a' }],
    ['.wh...a', { kind: 'whiteout', path: '..a' }],
    ['.wh..wh..opq', { kind: 'opaque', path: '' }],
    ['d/e/.wh..wh..opq', { kind: 'opaque', path: 'd/e' }],
    ['.wh..wh.plnk', undefined],
    ['.wh..wh.plnk/12.3', undefined],
    ['d/.wh..wh.aufs', undefined],
  ])('%s', (path, want) => expect(decodeWhiteout(path)).toEqual(want));

  test.each(['.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..', 'd/.wh...'])('%s is refused', (path) => {
    expect(() => decodeWhiteout(path)).toThrow(
      expect.objectContaining({ code: 'LAYER_WHITEOUT_INVALID', facts: { name: path } }),
    );
  });
});

describe('encodeWhiteout', () => {
  test('is undone by decodeWhiteout', () => {
    for (const kind of ['whiteout', 'opaque'] as const) {
      expect(decodeWhiteout(encodeWhiteout(kind, 'd/a'))).toEqual({ kind, path: 'd/a' });
    }
    expect(decodeWhiteout(encodeWhiteout('opaque', ''))).toEqual({ kind: 'opaque', path: '' });
  });

  test('refuses what cannot be said', () => {
    expect(() => encodeWhiteout('whiteout', '')).toThrow(/cannot be whited out/);
    expect(() => encodeWhiteout('whiteout', 'd/.wh.a')).toThrow(/cannot be whited out/);
  });
});

test('a name is a whiteout only at the start of a component', () => {
  expect(['.wh.a', 'd/.wh.a', 'd/.wh.a/b'].map(looksLikeWhiteout)).toEqual([true, true, true]);
  expect(['a.wh.b', 'd/x.wh.', 'wh.a'].map(looksLikeWhiteout)).toEqual([false, false, false]);
});
