import { describe, expect, it } from 'vitest';
import { safeText } from './safe-text.ts';

describe('a line of a program, as it may be shown', () => {
  it.each([
    ['10%\r20%\r100%', '100%'],
    ['done\r', 'done'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['a\tb', 'a    b'],
    ['bell\u0007 null\u0000 c1\u009b', 'bell null c1'],
    ['\u001b[2J\u001b[1;1Hgone', 'gone'],
    ['naïve 日本', 'naïve 日本'],
  ])('%j is %j', (line, shown) => expect(safeText(line)).toBe(shown));
});
