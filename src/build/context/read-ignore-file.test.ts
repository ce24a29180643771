import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../../test/support/build.ts';
import { readIgnoreFile } from './read-ignore-file.ts';

describe('the ignore file of a context', () => {
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(() => {
    folder = makeFolder({ Dockerfile: '' });
  });
  afterEach(() => folder.remove());

  it('is the one beside the Dockerfile, else the folder’s, else none', () => {
    const dockerfile = join(folder.path, 'Dockerfile');
    expect(readIgnoreFile(folder.path, dockerfile)).toBeUndefined();
    folder.write({ '.dockerignore': 'a\n' });
    expect(readIgnoreFile(folder.path, dockerfile)).toEqual({ name: '.dockerignore', text: 'a\n' });
    folder.write({ 'Dockerfile.dockerignore': 'b\n' });
    expect(readIgnoreFile(folder.path, dockerfile)).toEqual({ name: 'Dockerfile.dockerignore', text: 'b\n' });
    expect(readIgnoreFile(folder.path)).toEqual({ name: '.dockerignore', text: 'a\n' });
  });

  it('is neither waited for nor read without end', () => {
    folder.write({ '.dockerignore': 'a\n'.repeat(600_000) });
    expect(() => readIgnoreFile(folder.path)).toThrow('1200000 bytes are more than 1048576');
    const [pipe, other] = [join(folder.path, 'pipe'), join(folder.path, 'other')];
    execFileSync('mkfifo', [`${pipe}.dockerignore`]);
    expect(() => readIgnoreFile(folder.path, pipe)).toThrow('it is no regular file');
    mkdirSync(`${other}.dockerignore`);
    expect(() => readIgnoreFile(folder.path, other)).toThrow('it is a folder');
  });
});
