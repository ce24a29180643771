import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stampTree } from './tree-stamp.ts';

describe('the stamp of a tree', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-stamp-'));
    mkdirSync(at('a/b'), { recursive: true });
    for (const name of ['f', 'a/f', 'a/b/f']) writeFileSync(at(name), 'same');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('stays while nothing changes, and says when something did', () => {
    const before = stampTree(folder);
    expect(stampTree(folder)).toEqual(before);
    expect(Math.abs(Date.now() - before!.changedMs)).toBeLessThan(60_000);
  });

  it.each<[string, () => void]>([
    ['a file is written', () => writeFileSync(at('a/b/f'), 'longer')],
    ['a file comes', () => writeFileSync(at('a/b/g'), '')],
    ['a file goes', () => rmSync(at('a/b/f'))],
    ['a file has another name', () => renameSync(at('a/b/f'), at('a/b/h'))],
    ['a folder has another name', () => renameSync(at('a/b'), at('a/c'))],
    ['a mode changes', () => chmodSync(at('a/b/f'), 0o600)],
    ['the mode of the top changes', () => chmodSync(folder, 0o711)],
    ['a time changes', () => utimesSync(at('a/f'), 1, 1)],
    ['a second name is given', () => linkSync(at('f'), at('a/second'))],
    [
      'two files change places',
      () => {
        for (const [from, to] of [
          ['f', 't'],
          ['a/f', 'f'],
          ['t', 'a/f'],
        ] as const)
          renameSync(at(from), at(to));
      },
    ],
  ])('is another when %s', (_, change) => {
    const before = stampTree(folder);
    change();
    expect(stampTree(folder)?.text).not.toBe(before!.text);
  });

  it('is none of a tree that goes away', () => {
    expect(stampTree(at('none'))).toBeUndefined();
    expect(stampTree(at('f/none'))).toBeUndefined();
  });
});
