import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSession, usedSnapshots } from './sessions.ts';
import { type SnapshotPaths, snapshotPaths } from './snapshot-names.ts';

describe('the snapshots that living sessions use', () => {
  let base: string;
  let paths: SnapshotPaths;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'dobos-sessions-'));
    paths = { base, sessions: join(base, 't'), gate: join(base, 'gate') } as unknown as SnapshotPaths;
    mkdirSync(join(paths.sessions, 'a'), { recursive: true });
    writeFileSync(join(paths.sessions, 'a', 'uses-1'), 'one\ntwo');
    writeFileSync(join(paths.sessions, 'a', 'lock'), '');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  it('are those of every use', () => {
    mkdirSync(join(paths.sessions, 'b'));
    writeFileSync(join(paths.sessions, 'b', 'uses-x'), 'three');
    expect([...usedSnapshots(paths)].sort()).toEqual(['one', 'three', 'two']);
  });

  it('are told although a use ends between the listing and the reading', () => {
    // A name without a file behind it, as the listing has it then.
    symlinkSync('gone', join(paths.sessions, 'a', 'uses-0'));
    symlinkSync('gone', join(paths.sessions, 'ended'));
    writeFileSync(join(paths.sessions, 'stray'), '');
    expect([...usedSnapshots(paths)].sort()).toEqual(['one', 'two']);
  });
});

describe.runIf(process.platform === 'linux')('the end of a session', () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'dobos-sessions-'));
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  it('takes away what it made, unless something is left in it', async () => {
    const paths = snapshotPaths(base);
    const empty = await openSession(paths);
    const filled = await openSession(paths);
    const root = filled.makeFolder();
    empty.closeIfEmpty();
    filled.closeIfEmpty();
    expect(readdirSync(paths.sessions).map((name) => join(paths.sessions, name))).toEqual([filled.folder]);
    // It lives on: whoever comes next leaves it alone.
    (await openSession(paths)).closeIfEmpty();
    expect(readdirSync(filled.folder).sort()).toEqual(['0', 'lock']);
    rmSync(root, { recursive: true });
    filled.closeIfEmpty();
    expect(readdirSync(paths.sessions)).toEqual([]);
  });
});
