import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { codeOf, parseCompiledFilter, readCompiledFilter } from './compiled-filter.ts';
import { seccompFilter } from './seccomp.ts';

const USUAL = seccompFilter('x64')!;
const ADMIN = seccompFilter('x64', ['CAP_SYS_ADMIN'])!;

describe('a compiled filter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dobos-filter-'));
  const path = join(folder, 'seccomp.bpf');
  const of = (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    return readCompiledFilter(USUAL, path);
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is that of one filter, and no other gets it', () => {
    const compiled = of(Buffer.alloc(16, 1));
    expect(codeOf(compiled, USUAL)).toBe(Buffer.alloc(16, 1).toString('base64'));
    expect(codeOf(compiled, ADMIN)).toBeUndefined();
    expect(codeOf(compiled, { ...USUAL, defaultAction: 'SCMP_ACT_ALLOW' })).toBeUndefined();
    expect(codeOf(compiled, undefined)).toBeUndefined();
    expect(codeOf(undefined, USUAL)).toBeUndefined();
  });

  it('is none where the file is missing, empty, cut off, or longer than the kernel takes', () => {
    expect(readCompiledFilter(USUAL, join(folder, 'none'))).toBeUndefined();
    for (const length of [0, 7, 12, 4097 * 8]) expect(of(Buffer.alloc(length))).toBeUndefined();
    expect(of(Buffer.alloc(4096 * 8))).toBeDefined();
  });

  it('is read as it was written down, and as none where it was not', () => {
    const compiled = of(Buffer.alloc(8, 1));
    expect(parseCompiledFilter(JSON.parse(JSON.stringify(compiled)))).toEqual(compiled);
    const { of: digest } = compiled!;
    for (const value of [undefined, null, 'x', {}, { of: digest }, { of: 5, code: 'AAAAAAAAAAA=' }])
      expect(parseCompiledFilter(value)).toBeUndefined();
    for (const code of ['', 'AAAA', 7, '*'.repeat(100)])
      expect(parseCompiledFilter({ of: digest, code })).toBeUndefined();
  });
});
