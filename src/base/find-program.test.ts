import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from './find-program.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-program-'));
  for (const name of ['one', 'two']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'one/tool'), '', { mode: 0o644 });
  writeFileSync(join(folder, 'two/tool'), '', { mode: 0o755 });
  chmodSync(join(folder, 'two/tool'), 0o755);
  mkdirSync(join(folder, 'one/folder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('findProgram', () => {
  it('finds nothing for a folder, an empty name, a missing name or a relative folder of PATH', () => {
    const path = `${folder}/one`;
    expect([
      findProgram('folder', path),
      findProgram('', path),
      findProgram('no', path),
      findProgram('tool', 'two:.'),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });
  it('goes past a file that cannot be executed', () =>
    expect(findProgram('tool', `${folder}/one:${folder}/two`)).toBe(`${folder}/two/tool`));
  it('takes a path as it is', () => {
    expect(findProgram(`${folder}/two/tool`, '')).toBe(`${folder}/two/tool`);
    expect(findProgram(`${folder}/one/tool`, '')).toBeUndefined();
  });
});
