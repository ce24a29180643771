import { describe, expect, it } from 'vitest';
import { packPlan, unpackPlan } from './plan-columns.ts';
import type { PlannedEntry } from './types.ts';

const there = (plan: readonly PlannedEntry[]): PlannedEntry[] => [
  ...unpackPlan(structuredClone(packPlan(plan))),
];

describe('a plan that crosses to a thread', () => {
  const common = { mode: 0o644, uid: 1, gid: 2, mtime: -5 };

  it('comes out as it went in', () => {
    const plan: PlannedEntry[] = [
      { ...common, path: '', kind: 'directory' },
      { ...common, path: 'a', kind: 'directory', xattrs: new Map([['user.x', Uint8Array.of(1)]]) },
      { ...common, path: 'a/b', kind: 'file', content: { kind: 'disk', path: '/x/é\udc80', size: 2 ** 40 } },
      { ...common, path: 'a/c', kind: 'file', content: { kind: 'region', path: '/y', offset: 512, size: 0 } },
      { ...common, path: 'a/d', kind: 'file', content: { kind: 'bytes', bytes: Uint8Array.of(1, 2) } },
      { ...common, path: 'a/e', kind: 'symlink', linkTo: '../b' },
      { ...common, path: 'a/f', kind: 'hardlink', linkTo: 'a/b', linkBelow: true },
      { ...common, path: 'a/g', kind: 'character', device: { major: 1, minor: 3 } },
      { ...common, path: 'a/h', kind: 'whiteout' },
      { ...common, path: 'a/i', kind: 'file', nanos: 5, content: { kind: 'disk', path: '/z', size: 1 } },
      { ...common, path: 'a/\udcff', kind: 'directory' },
    ];
    expect(there(plan)).toEqual(plan);
    expect(there([])).toEqual([]);
  });

  it('comes out as it went in where it is wrong, so that the same error is thrown', () => {
    const plan: PlannedEntry[] = [
      { ...common, path: 'a\0b', kind: 'directory' },
      { ...common, path: 'c', kind: 'file' },
      { ...common, path: 'd', kind: 'symlink' },
      { ...common, path: 'e', kind: 'symlink', linkTo: 'f\0' },
      { ...common, path: 'g', kind: 'directory', mtime: 1.5 },
    ];
    expect(there(plan)).toEqual(plan);
  });
});
