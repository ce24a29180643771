import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAllowed, readStepSecrets } from './build-secrets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-secrets-'));
  writeFileSync(join(folder, 'a,b'), 'from the file\n');
  writeFileSync(join(folder, 'large'), Buffer.alloc(500 * 1024 + 1));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (text: string, environment: Readonly<Record<string, string>> = {}): string[] =>
  [...readStepSecrets({ secrets: [text], ssh: [] }, environment).secrets].map(
    ([id, value]) => `${id}: ${Buffer.from(value).toString()}`,
  );

describe('--secret', () => {
  it('is a file, whose path may hold a comma in quotes', () => {
    expect(read(`id=x,"src=${folder}/a,b"`)).toEqual(['x: from the file\n']);
    expect(read(`id=x,type=file,"source=${folder}/a,b"`)).toEqual(['x: from the file\n']);
  });

  it('is a variable, also without being called one', () => {
    expect(read('id=x,env=V', { V: 'value' })).toEqual(['x: value']);
    expect(read('id=V,type=env', { V: 'value' })).toEqual(['V: value']);
    expect(read('id=V', { V: 'value' })).toEqual(['V: value']);
  });

  it.each([
    ['src=x', 'it has no id'],
    ['id=x,srk=y', 'unexpected key "srk"'],
    ['id=x,y', '"y" must be a key=value pair'],
    ['id=x,"src=y', 'a quote is not closed'],
    ['id=x,type=vault', 'unsupported secret type "vault"'],
    ['id=x,env=NONE', 'the variable NONE is not set'],
    ['id=x,src=/nowhere/at/all', 'there is no such file'],
    ['id=x,src=/', 'it is a folder'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  it('has an end, whatever it is read from', () => {
    expect(() => read(`id=x,src=${folder}/large`)).toThrow('512001 bytes, at most 512000');
    expect(() => read('id=x,src=/dev/zero')).toThrow('at most 512000');
  });
});

it('--allow knows two things', () => {
  expect([...readAllowed(['network.host', 'security.insecure'])]).toHaveLength(2);
  expect(() => readAllowed(['device'])).toThrow('--allow device');
});
