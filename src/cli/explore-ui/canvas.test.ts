import { describe, expect, it } from 'vitest';
import {
  BOLD,
  canvasLines,
  createCanvas,
  PLAIN,
  paintDifference,
  put,
  REVERSE,
  shade,
  styleOf,
} from './canvas.ts';

describe('writing on a canvas', () => {
  it('cuts what does not fit and says so', () => {
    const canvas = createCanvas(6, 4);
    expect(put(canvas, 0, 0, 'abcdef', PLAIN)).toBe(6);
    expect(put(canvas, 0, 1, 'abcdefg', PLAIN)).toBe(6);
    expect(put(canvas, 0, 2, '日本語x', PLAIN)).toBe(5);
    expect(put(canvas, 2, 3, 'abcdef', PLAIN, 3)).toBe(3);
    expect(canvasLines(canvas)).toEqual(['abcdef', 'abcde…', '日本…', '  ab…']);
  });
  it('writes nothing outside of it', () => {
    const canvas = createCanvas(2, 1);
    expect([
      put(canvas, 0, 1, 'a', PLAIN),
      put(canvas, 2, 0, 'a', PLAIN),
      put(canvas, 0, -1, 'a', PLAIN),
    ]).toEqual([0, 0, 0]);
    shade(canvas, 0, 5, 2, REVERSE);
    expect(canvasLines(canvas)).toEqual(['']);
  });
});

describe('painting what changed', () => {
  const before = createCanvas(10, 2);
  put(before, 0, 0, 'hello', PLAIN);

  it('is everything for a terminal that shows something else', () => {
    expect(paintDifference(undefined, before, true)).toBe('\u001b[0m\u001b[2J\u001b[1;1Hhello');
    expect(paintDifference(createCanvas(9, 2), before, true)).toContain('\u001b[2J');
  });
  it('is nothing where nothing changed', () => {
    expect(paintDifference(before, before, true)).toBe('');
  });
  it('is the cells that changed and no other', () => {
    const after = createCanvas(10, 2);
    put(after, 0, 0, 'hallo', PLAIN);
    put(after, 2, 1, 'x', styleOf('added') | BOLD);
    expect(paintDifference(before, after, true)).toBe('\u001b[1;2Ha\u001b[2;3H\u001b[0;32;1mx\u001b[0m');
    expect(paintDifference(before, after, false)).toBe('\u001b[1;2Ha\u001b[2;3H\u001b[0;1mx\u001b[0m');
  });
  it('goes to the next cell behind a character whose width terminals disagree about', () => {
    const after = createCanvas(10, 2);
    put(after, 0, 0, '語ello', PLAIN);
    expect(paintDifference(before, after, true)).toBe('\u001b[1;1H語\u001b[1;3He\u001b[1;5Hlo');
  });
  it('writes a wide character whole when only its second half changed', () => {
    const wide = createCanvas(10, 2);
    put(wide, 0, 0, 'a語', PLAIN);
    const narrow = createCanvas(10, 2);
    put(narrow, 0, 0, 'abc', PLAIN);
    expect(paintDifference(narrow, wide, true)).toBe('\u001b[1;2H語');
    expect(paintDifference(wide, narrow, true)).toBe('\u001b[1;2Hbc');
  });
});
