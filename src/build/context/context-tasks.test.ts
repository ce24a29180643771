import { afterEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../../test/support/build.ts';
import { packScan, unpackScan } from './context-tasks.ts';
import { scanContext } from './scan-context.ts';
import { parseStatIndex } from './stat-index.ts';

describe('a scan on its way between threads', () => {
  let folder: ReturnType<typeof makeFolder> | undefined;
  afterEach(() => folder?.remove());

  it('arrives as it was', () => {
    folder = makeFolder({
      a: 'a',
      'd/b': ['b', 0o755],
      'd/l': { link: '../a' },
      'd/e': { dir: 0o700 },
      i: 'i',
    });
    const task = { folder: folder.path, ignoreText: 'i\nd/b\nd\n!d/l', sources: ['.', 'a', 'd/l'] };
    const scan = scanContext(task, parseStatIndex(undefined));
    if (scan === undefined) throw new Error('no limit was given');
    expect(scan.sources).toHaveLength(3);
    expect(unpackScan(structuredClone(packScan(scan)))).toEqual(scan);
  });

  it('arrives when it is empty, and with what is missing', () => {
    const empty = { sources: [], ignored: 3, missing: { path: 'x', near: 'y' } };
    expect(unpackScan(packScan(empty))).toEqual(empty);
  });

  it('stops at its limit', () => {
    folder = makeFolder({ a: 'a', b: 'b', c: 'c', d: 'd' });
    const task = { folder: folder.path, ignoreText: undefined, sources: ['.'] };
    expect(scanContext(task, parseStatIndex(undefined), 3)).toBeUndefined();
    expect(scanContext(task, parseStatIndex(undefined), 30)?.sources[0]?.files).toHaveLength(5);
  });
});
