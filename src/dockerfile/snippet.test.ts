import { describe, expect, it } from 'vitest';
import type { Range } from './ast.ts';
import { formatSnippet } from './snippet.ts';
import { createSource } from './source.ts';

const range = (text: string, part: string): Range => {
  const at = text.indexOf(part);
  return createSource(text).range(at, at + part.length);
};

describe('formatSnippet', () => {
  it('marks the line, points at the word, and shows two lines around', () => {
    const text = 'a\nb\nc\nRUN x y\nd\ne\nf\n';
    expect(formatSnippet(text, range(text, 'x'))).toBe(
      ['2 |     b', '3 |     c', '4 | >>> RUN x y', '  |         ^', '5 |     d', '6 |     e'].join('\n'),
    );
  });

  it('marks each line of a longer range, without carets', () => {
    const text = 'FROM a\nRUN x \\\n  y\nUSER z\n';
    expect(formatSnippet(text, range(text, 'RUN x \\\n  y'))).toBe(
      ['1 |     FROM a', '2 | >>> RUN x \\', '3 | >>>   y', '4 |     USER z'].join('\n'),
    );
  });

  it('cuts ranges and lines that are too long', () => {
    const text = `FROM a\nRUN ${'x'.repeat(1000)}\n${'y\n'.repeat(50)}`;
    const shown = formatSnippet(text, createSource(text).range(0, text.length)).split('\n');
    expect(shown).toHaveLength(9);
    expect(shown.at(-1)).toBe('  | >>> … 44 more lines');
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThan(220);
  });

  it('keeps tabs before the carets, and points at an empty place with one', () => {
    const text = '\tRUN\tx';
    expect(formatSnippet(text, range(text, 'x'))).toBe('1 | >>> \tRUN\tx\n  |     \t   \t^');
    expect(formatSnippet('', createSource('').range(0, 0))).toBe('1 | >>>\n  |     ^');
  });

  it('passes over carriage returns and a byte order mark', () => {
    const text = '\uFEFFa b\r\nc\r\n';
    expect(formatSnippet(text, range(text, 'b'))).toBe('1 | >>> a b\n  |       ^\n2 |     c');
    expect(formatSnippet(text, range(text, 'c'))).toBe('1 |     a b\n2 | >>> c\n  |     ^');
  });
});
