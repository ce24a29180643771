import { describe, expect, it } from 'vitest';
import { endOf, glyphsOf, widthOf, wrapText } from './glyphs.ts';

const shown = (text: string): string =>
  glyphsOf(text)
    .map((glyph) => glyph.text)
    .join('');

describe('characters of a name', () => {
  it.each([
    ['\u001b[31m', '\\x1b[31m'],
    ['a\nb\tc\r', 'a\\nb\\tc\\r'],
    ['\u0000\u007f\u009b', '\\x00\\x7f\\x9b'],
    ['x\u202ey', 'x\\u202ey'],
    ['zero\u200bwidth\u200d', 'zero\\u200bwidth\\u200d'],
    ['\u{e0041}', '\\u{e0041}'],
    ['heart\ufe0f', 'heart\\ufe0f'],
    ['byte\udcff', 'byte\\xff'],
    ['lone\ud800', 'lone\\ud800'],
    ['\u2028', '\\u2028'],
    ['\u3164', '\\u3164'],
    ['\ue000', '\\ue000'],
  ])('%j is written out as %s', (name, want) => {
    expect(shown(name)).toBe(want);
    expect(widthOf(name)).toBe(want.length);
    expect(want).toMatch(/^[ -~]*$/);
  });

  it.each([
    ['plain', 5],
    ['日本語', 6],
    ['한글', 4],
    ['한글'.normalize('NFD'), 4],
    ['🚀', 2],
    ['cafe\u0301', 4],
    ['ä', 1],
    ['ｆｕｌｌ', 8],
    ['', 0],
  ])('%s takes %i columns', (name, width) => {
    expect(widthOf(name)).toBe(width);
  });

  it('has a bound on the marks that one character carries, and none at the beginning of a name', () => {
    expect(shown(`a${'\u0301'.repeat(5)}`)).toBe('a\u0301\u0301\u0301\\u0301\\u0301');
    expect(shown('\u0301a')).toBe('\\u0301a');
  });

  it('never holds a control character, whatever the bytes', () => {
    for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 17)
      expect(shown(`a${String.fromCodePoint(code)}`)).not.toMatch(
        /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/,
      );
  });
});

describe('texts that are too long', () => {
  it('are wrapped at blanks, and within words that do not fit', () => {
    expect(wrapText('one two three', 8, 9)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefghij', 4, 9)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrapText('日本語', 5, 9)).toEqual(['日本', '語']);
    expect(wrapText('', 5, 9)).toEqual([]);
  });
  it('say that there is more', () => {
    expect(wrapText('one two three', 6, 2)).toEqual(['one', 'two…']);
    expect(wrapText('abcdefghij', 4, 2)).toEqual(['abcd', 'efg…']);
  });
  it('keep their end, where a path tells most', () => {
    expect(endOf('/usr/share/doc', 8)).toBe('…are/doc');
    expect(endOf('/日本語', 6)).toBe('…本語');
    expect(endOf('/etc', 8)).toBe('/etc');
  });
});
