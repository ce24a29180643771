import { describe, expect, it } from 'vitest';
import { type CopyEnd, planCopy } from './copy-plan.ts';

type Kind = CopyEnd['kind'];

describe('where cp puts a source', () => {
  // As Debian's docker 20.10 did it.
  it.each<[string, Kind, string, Kind, string]>([
    ['/a/f', 'other', '/d', 'directory', '/d + f'],
    ['/a/f', 'other', '/d/', 'directory', '/d + f'],
    ['/a/f', 'other', '/d/.', 'directory', '/d + f'],
    ['/a/f', 'other', '/d/g', 'missing', '/d + g'],
    ['/a/f', 'other', '/d/g', 'other', '/d + g'],
    ['/a/s', 'directory', '/d', 'directory', '/d + s'],
    ['/a/s/', 'directory', '/d', 'directory', '/d + s'],
    ['/a/s/.', 'directory', '/d', 'directory', '/d + .'],
    ['/a/s', 'directory', '/d/n', 'missing', '/d + n'],
    ['/a/s/', 'directory', '/d/n/', 'missing', '/d + n'],
    ['/a/s/.', 'directory', '/d/n', 'missing', '/d + n'],
    ['/', 'directory', '/d', 'directory', '/d + .'],
    ['/a/..', 'directory', '/d', 'directory', '/d + .'],
    ['/a/b/..', 'directory', '/d', 'directory', '/d + a'],
    ['/a/f', 'other', '/n', 'missing', '/ + n'],
  ])('%s (%s) to %s (%s): %s', (from, kind, to, there, want) => {
    const { folder, top } = planCopy({ path: from, kind }, { path: to, kind: there });
    expect(`${folder} + ${top}`).toBe(want);
  });

  it.each<[string, Kind, string, Kind, RegExp]>([
    ['/a/s', 'directory', '/d/f', 'other', /cannot copy directory/],
    ['/a/f', 'other', '/d/n/', 'missing', /no such directory/],
    ['/a/f', 'other', '/d/f/', 'other', /not a directory/],
    ['/a/f/', 'other', '/d', 'directory', /not a directory/],
    ['/a/f/.', 'other', '/d', 'directory', /not a directory/],
  ])('%s (%s) to %s (%s) is refused', (from, kind, to, there, words) => {
    expect(() => planCopy({ path: from, kind }, { path: to, kind: there })).toThrow(words);
  });
});
