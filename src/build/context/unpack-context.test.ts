import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarEntry } from '../../../test/support/built-command.ts';
import { streamOf } from '../../base/bytes.ts';
import { encodeHeader } from '../../tar/encoder.ts';
import type { TarHeader } from '../../tar/header.ts';
import { readForeignIgnoreFile } from './read-ignore-file.ts';
import { readInside } from './read-inside.ts';
import { unpackContext } from './unpack-context.ts';

let work: string;
let folder: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-unpack-'));
  folder = join(work, 'context');
  mkdirSync(folder);
  writeFileSync(join(work, 'secret'), 'secret');
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

type Made = Partial<TarHeader> & { readonly name: string; readonly text?: string };
const tar = (...entries: readonly Made[]): Buffer =>
  Buffer.concat([
    ...entries.map(({ text = '', ...header }) => tarEntry(header, Buffer.from(text))),
    Buffer.alloc(1024),
  ]);
const unpack = (...entries: readonly Made[]) => unpackContext(streamOf(tar(...entries)), folder);

describe('an archive of a build context', () => {
  it('is unpacked with modes, times and links', async () => {
    await unpack(
      { name: './', kind: 'directory' },
      { name: './d/', kind: 'directory', mode: 0o700, mtime: { seconds: 7, nanos: 0 } },
      { name: './d/f', text: 'text', mode: 0o755, mtime: { seconds: 5, nanos: 0 } },
      { name: 'l', kind: 'symlink', linkName: 'd/f' },
      { name: 'h', kind: 'hardlink', linkName: './d/f' },
    );
    expect(readFileSync(join(folder, 'h'), 'utf8')).toBe('text');
    expect(readlinkSync(join(folder, 'l'))).toBe('d/f');
    expect(statSync(join(folder, 'd/f'))).toMatchObject({ nlink: 2, mtimeMs: 5000 });
    expect(statSync(join(folder, 'd')).mode & 0o777).toBe(0o700);
  });

  it('stays in its folder, whatever its names and links say', async () => {
    await unpack(
      { name: '../../up', text: 'a' },
      { name: '/abs', text: 'b' },
      { name: 'out', kind: 'symlink', linkName: '..' },
      { name: 'out/secret', text: 'mine' },
      { name: 'way', kind: 'symlink', linkName: '../secret' },
      { name: 'way', text: 'over it' },
    );
    expect(readdirSync(work).sort()).toEqual(['context', 'secret']);
    expect(readFileSync(join(work, 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(folder).sort()).toEqual(['abs', 'out', 'up', 'way']);
    expect(readFileSync(join(folder, 'out/secret'), 'utf8')).toBe('mine');
  });

  it('takes no file from outside by a hard link', async () => {
    const link = { name: 'stolen', kind: 'hardlink', linkName: 'way/secret' } as const;
    const way = { name: 'way', kind: 'symlink', linkName: '..' } as const;
    await expect(unpack(way, link)).rejects.toThrow('"stolen" is a link to "way/secret", which is not in it');
  });

  it('leaves devices and pipes out, and says how many', async () => {
    const device = { major: 1, minor: 3 };
    const { leftOut } = await unpack({ name: 'p', kind: 'fifo' }, { name: 'n', kind: 'character', device });
    expect([leftOut, readdirSync(folder)]).toEqual([2, []]);
  });

  it('has an end: in files, in bytes, in bombs', async () => {
    const many = tar({ name: 'a' }, { name: 'b' }, { name: 'c' });
    await expect(unpackContext(streamOf(many), folder, { maxEntries: 2 })).rejects.toThrow(
      'more than 2 files',
    );
    const big = tar({ name: 'a', text: 'x'.repeat(600) }, { name: 'b', text: 'x'.repeat(600) });
    await expect(unpackContext(streamOf(big), folder, { maxBytes: 1000 })).rejects.toThrow(
      'more than 1000 bytes',
    );
    const claim = Buffer.from(encodeHeader({ ...HEADER, name: 'huge', size: 2 ** 40 }));
    const bomb = gzipSync(Buffer.concat([claim, Buffer.alloc(1 << 20)]));
    await expect(unpackContext(streamOf(bomb), folder)).rejects.toMatchObject({
      code: 'BUILD_CONTEXT_ARCHIVE',
    });
  });

  it.each([
    ['cut off', (whole: Buffer) => whole.subarray(0, 700)],
    ['no archive', () => Buffer.from('x'.repeat(2000))],
    ['a broken gzip', (whole: Buffer) => gzipSync(whole).subarray(0, 40)],
  ])('that is %s is an error', async (_, damage) => {
    const bytes = damage(tar({ name: 'a', text: 'y'.repeat(2000) }));
    await expect(unpackContext(streamOf(bytes), folder)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:BUILD_CONTEXT_ARCHIVE|COMPRESS_)/),
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

const HEADER = {
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
} as const;

describe('files of a context that somebody else filled', () => {
  it('are not read through links that lead out of it', async () => {
    await unpack(
      { name: 'Dockerfile', kind: 'symlink', linkName: '../secret' },
      { name: '.dockerignore', kind: 'symlink', linkName: '/etc/passwd' },
      { name: 'inner', kind: 'symlink', linkName: '/real' },
      { name: 'real', text: 'real' },
      { name: 'inner.dockerignore', text: 'x' },
      { name: 'folder', kind: 'directory' },
    );
    expect(readInside(folder, 'Dockerfile', 100)).toBeUndefined();
    expect(readForeignIgnoreFile(folder)).toBeUndefined();
    expect(readInside(folder, '../../inner', 100)).toBe('real');
    expect(readForeignIgnoreFile(folder, 'inner')).toEqual({ name: 'inner.dockerignore', text: 'x' });
    expect(() => readInside(folder, 'real', 3)).toThrow('4 bytes are more than 3');
    expect(() => readInside(folder, 'folder', 3)).toThrow('it is a folder');
  });
});
