import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBuildArguments } from './build-arguments.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-arguments-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (buildArgs: readonly string[], text?: string, env: Record<string, string> = {}) => {
  const path = join(folder, 'argfile.conf');
  if (text !== undefined) writeFileSync(path, text);
  const given = { buildArgs, buildArgFiles: text === undefined ? [] : [path] };
  return Object.fromEntries(readBuildArguments(given, env));
};

describe('arguments of a build', () => {
  it('are names with values, or names whose values are of the surroundings, or nothing', () => {
    const env = { FROM_HERE: 'here', http_proxy: 'http://proxy', HTTPS_PROXY: '' };
    expect(read(['A=1', 'B=', 'C=x=y', 'FROM_HERE', 'NOWHERE'], undefined, env)).toEqual({
      http_proxy: 'http://proxy',
      A: '1',
      B: '',
      C: 'x=y',
      FROM_HERE: 'here',
    });
  });
  it('come from a file too, and what the command says wins', () => {
    const text = '# versions\nA=1\n\r\nB= two words \r\n  \nFROM_HERE\nC="quoted"\n';
    expect(read(['A=2'], text, { FROM_HERE: 'here' })).toEqual({
      A: '2',
      B: ' two words ',
      FROM_HERE: 'here',
      C: '"quoted"',
    });
  });
  it('says which file cannot be read', () => {
    const files = (path: string) => () => readBuildArguments({ buildArgs: [], buildArgFiles: [path] }, {});
    expect(files(`${folder}/none`)).toThrow(`--build-arg-file ${folder}/none: there is no such file`);
    expect(files(folder)).toThrow(`--build-arg-file ${folder}: it is a folder`);
    writeFileSync(join(folder, 'large'), 'x'.repeat(1024 * 1024 + 1));
    expect(files(join(folder, 'large'))).toThrow('1048577 bytes are more than 1048576');
  });
});
