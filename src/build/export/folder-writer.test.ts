import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlannedEntry } from '../../layer/types.ts';
import { createFolderWriter } from './folder-writer.ts';
import { writeFolder } from './write-folder.ts';

let work: string;
let root: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-writer-'));
  root = join(work, 'root');
  mkdirSync(root);
  mkdirSync(join(work, 'outside'));
  writeFileSync(join(work, 'outside/kept'), 'kept');
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const facts = { mode: 0o644, mtime: 1_600_000_000 };
const text = (content: string) => (fd: number) => void writeSync(fd, content);

describe('a folder that is written into', () => {
  it('replaces a link that stands in the way of a folder', () => {
    symlinkSync(join(work, 'outside'), join(root, 'a'));
    const writer = createFolderWriter(root);
    writer.file('a/kept', facts, text('mine'));
    writer.finish();
    expect(readFileSync(join(work, 'outside/kept'), 'utf8')).toBe('kept');
    expect(lstatSync(join(root, 'a')).isDirectory()).toBe(true);
  });

  it('replaces a link, of which a later entry makes a folder', () => {
    const writer = createFolderWriter(root);
    writer.symlink('a', '../outside', facts);
    writer.file('a/b/kept', facts, text('mine'));
    writer.directory('a', { mode: 0o700, mtime: 5 });
    writer.finish();
    expect(readdirSync(join(work, 'outside'))).toEqual(['kept']);
    expect(statSync(join(root, 'a')).mtimeMs).toBe(5000);
  });

  it('follows no link to the target of a hard link', () => {
    const writer = createFolderWriter(root);
    writer.symlink('way', '../outside', facts);
    expect(writer.link('stolen', 'way/kept')).toBe(false);
    expect(writer.link('stolen', 'missing')).toBe(false);
    expect(writer.link('stolen', '')).toBe(false);
    writer.file('own', facts, text('own'));
    expect(writer.link('d/second', 'own')).toBe(true);
    expect(statSync(join(root, 'd/second')).ino).toBe(statSync(join(root, 'own')).ino);
  });

  it('makes a folder of a file and a file of a folder, and goes on', () => {
    const writer = createFolderWriter(root);
    writer.file('x', facts, text('file'));
    writer.file('x/y', facts, text('below'));
    writer.file('x', facts, text('again'));
    writer.file('x/z', facts, text('last'));
    writer.finish();
    expect(readdirSync(join(root, 'x'))).toEqual(['z']);
  });

  it('closes folders to their owner last', () => {
    const writer = createFolderWriter(root);
    writer.directory('shut', { mode: 0, mtime: 1 });
    writer.file('shut/in', { mode: 0o4711, mtime: 2 }, text('x'));
    writer.finish();
    expect(statSync(join(root, 'shut')).mode & 0o7777).toBe(0);
    expect(statSync(join(root, 'shut/in')).mode & 0o7777).toBe(0o4711);
  });

  it('leaves no half file when its content fails', () => {
    const writer = createFolderWriter(root);
    const fail = () => {
      throw new Error('cut');
    };
    expect(() => writer.file('a', facts, fail)).toThrow('cut');
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('files of an image in a folder', () => {
  const entry = (path: string, more: Partial<PlannedEntry>): PlannedEntry => ({
    path,
    kind: 'file',
    mode: 0o644,
    uid: 7,
    gid: 7,
    mtime: 9,
    ...more,
  });

  it('are merged with what is there, and devices are left out', async () => {
    writeFileSync(join(root, 'before'), 'before');
    writeFileSync(join(root, 'a'), 'old');
    const bytes = Buffer.from('new');
    const left = await writeFolder(root, [
      entry('a', { content: { kind: 'bytes', bytes } }),
      entry('b', { kind: 'hardlink', linkTo: 'a' }),
      entry('c', { kind: 'fifo' }),
      entry('d', { content: { kind: 'disk', path: join(root, 'before'), size: 6 } }),
    ]);
    expect(left).toEqual(['c']);
    const read = (name: string) => readFileSync(join(root, name), 'utf8');
    expect(['before', 'a', 'b', 'd'].map(read)).toEqual(['before', 'new', 'new', 'before']);
    expect(statSync(join(root, 'a')).uid).toBe(process.getuid?.());
  });

  it('are told of by path when one cannot be written', async () => {
    await expect(writeFolder(root, [entry('x'.repeat(300), {})])).rejects.toMatchObject({
      code: 'BUILD_OUTPUT',
    });
    await expect(writeFolder(join(work, 'outside/kept'), [])).rejects.toThrow('cannot write');
  });
});
