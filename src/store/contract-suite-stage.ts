import { statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { LocalStore } from './contract.ts';
import { describeBytes, expectCode, putText, readText } from './contract-fixtures.ts';

/** The part of the contract suite on staged files. */
export function stageTests(get: () => LocalStore): void {
  it('makes a staged file a blob', async () => {
    const staged = await get().stage();
    expect(statSync(staged.path).mode & 0o777).toBe(0o600);
    expect(statSync(staged.path).size).toBe(0);
    writeFileSync(staged.path, 'hello');
    const blob = describeBytes('hello');
    expect(await staged.commit(blob)).toEqual(blob);
    expect(await readText(get(), blob)).toBe('hello');
    expect(() => statSync(staged.path)).toThrow();
    await staged.abort();
    expect(await get().has(blob)).toBe(true);
  });

  it('commits a staged file whose blob is there already', async () => {
    const blob = await putText(get(), 'hello');
    const staged = await get().stage();
    writeFileSync(staged.path, 'hello');
    await staged.commit(blob);
    expect(() => statSync(staged.path)).toThrow();
    expect(await readText(get(), blob)).toBe('hello');
  });

  it('refuses a staged file of another size and removes it', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hell');
    await expectCode(staged.commit(describeBytes('hello')), 'STORE_STAGED_SIZE');
    expect(await get().has(describeBytes('hello'))).toBe(false);
    expect(() => statSync(staged.path)).toThrow();
  });

  it('removes a staged file on abort, twice too', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hello');
    await staged.abort();
    await staged.abort();
    expect(() => statSync(staged.path)).toThrow();
    expect((await get().collect()).blobs).toEqual([]);
  });

  it('finds out when the digest of a staged file was wrong', async () => {
    const staged = await get().stage();
    writeFileSync(staged.path, 'hellO');
    const blob = await staged.commit(describeBytes('hello'));
    await expectCode(readText(get(), blob), 'BYTES_MISMATCH');
  });
}
