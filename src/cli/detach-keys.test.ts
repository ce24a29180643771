import { describe, expect, it } from 'vitest';
import { createKeyWatch, parseDetachKeys, USUAL_DETACH_KEYS } from './detach-keys.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('the keys that leave a container', () => {
  it('are read as docker writes them', () => {
    expect(parseDetachKeys('attach', USUAL_DETACH_KEYS)).toEqual([0x10, 0x11]);
    expect(parseDetachKeys('attach', 'ctrl-@,a,ctrl-_')).toEqual([0, 0x61, 0x1f]);
    expect(parseDetachKeys('attach', '')).toEqual([]);
    for (const text of ['ctrl-1', 'ab', 'ctrl-p,', 'é'])
      expect(() => parseDetachKeys('attach', text)).toThrow('--detach-keys');
  });

  it.each([
    ['nothing of them', ['abc'], 'abc', false],
    ['the keys in one go', ['ab\x10\x11cd'], 'ab', true],
    ['the keys one after the other', ['a', '\x10', '\x11'], 'a', true],
    ['the first of them only', ['\x10', 'a'], '\x10a', false],
    ['the first twice', ['\x10\x10\x11'], '\x10', true],
    ['the second only', ['\x11'], '\x11', false],
  ])('%s', (_, typed, passed, left) => {
    const watch = createKeyWatch([0x10, 0x11]);
    const seen = typed.map((text) => watch(bytes(text)));
    expect(Buffer.concat(seen.map(({ pass }) => pass)).toString('latin1')).toBe(passed);
    expect(seen.some(({ detached }) => detached)).toBe(left);
  });

  it('are never typed where there are none', () =>
    expect(createKeyWatch([])(bytes('\x10\x11'))).toEqual({
      pass: Uint8Array.from([16, 17]),
      detached: false,
    }));
});
