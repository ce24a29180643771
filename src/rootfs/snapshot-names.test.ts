import { describe, expect, it } from 'vitest';
import { sha256 } from '../base/bytes.ts';
import { formatPaths, snapshotName, snapshotPaths } from './snapshot-names.ts';

/** What mount(2) takes in all (a page), and other options of an overlay mount with some room. */
const PAGE_BYTES = 4096;
const OTHER_OPTIONS = 256;

describe('the names of snapshots', () => {
  it('are safe in a path and in mount options, and 200 fit into what mount(2) takes', () => {
    const names = Array.from({ length: 200 }, (_, i) => snapshotName(sha256(`${i}`)));
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(new Set(names).size).toBe(200);
    expect(names.join(':').length).toBeLessThan(PAGE_BYTES - OTHER_OPTIONS);
  });

  it('never change: a snapshot must be found again by a later version', () => {
    expect(snapshotName(sha256(''))).toBe('A2Tni-iVzvkkm4Oy');
  });

  it('stand in a folder for each format', () => {
    const paths = snapshotPaths('/store');
    const folders = (['trusted', 'user', 'whole'] as const).map(
      (format) => formatPaths(paths, format).layers,
    );
    expect(folders).toEqual(['/store/snapshots/o/l', '/store/snapshots/u/l', '/store/snapshots/w/l']);
  });
});
