import { mkdtempSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  build,
  describeTop,
  dir,
  file,
  link,
  makeBase,
  makeFolder,
  topLayer,
} from '../../../test/support/build.ts';
import { collect, streamOf } from '../../base/bytes.ts';
import { isDobosError } from '../../base/errors.ts';
import { compress } from '../../compress/compress.ts';
import type { Image } from '../../image/types.ts';
import { openLayer } from '../../layer/open-layer.ts';
import type { PlannedEntry } from '../../layer/types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { encodeHeader, endOfArchive, padding } from '../../tar/encoder.ts';
import type { TarHeader } from '../../tar/header.ts';

const BASE: readonly PlannedEntry[] = [
  dir('etc', { mode: 0o711, uid: 5, gid: 6 }),
  file('etc/passwd', 'root:x:0:0::/:\nada:x:1000:1001::/home/ada:\n'),
  dir('opt', { mode: 0o700 }),
  dir('opt/sub', { mode: 0o700, uid: 7, gid: 7 }),
  file('opt/file', 'was'),
  link('opt/abs', '/etc'),
  link('opt/up', '../etc'),
  link('lib', 'usr/lib'),
  dir('usr'),
  dir('usr/lib'),
];

type Entry = Partial<TarHeader> & { readonly name: string; readonly text?: string };
const folderEntry = (name: string, more: Partial<TarHeader> = {}): Entry => ({
  name,
  kind: 'directory',
  mode: 0o755,
  ...more,
});
const linkEntry = (name: string, linkName: string, kind: 'symlink' | 'hardlink' = 'symlink'): Entry => ({
  name,
  kind,
  linkName,
});

function tar(...entries: readonly Entry[]): Buffer {
  const parts = entries.map(({ text = '', ...header }) => {
    const content = Buffer.from(text);
    const whole: TarHeader = {
      kind: 'file',
      mode: 0o644,
      uid: 3,
      gid: 4,
      mtime: { seconds: 1_400_000_000, nanos: 0 },
      linkName: '',
      uname: '',
      gname: '',
      size: content.length,
      ...header,
    };
    return Buffer.concat([encodeHeader(whole), content, Buffer.alloc(padding(content.length))]);
  });
  return Buffer.concat([...parts, endOfArchive()]);
}

describe('ADD of an archive', () => {
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(async () => {
    store = createMemoryStore();
    base = await makeBase(store, BASE);
    folder = makeFolder({ plain: 'text' });
  });
  afterEach(() => folder.remove());
  const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(folder.path, name), bytes);

  const built = (line: string, from = 'base') =>
    build(store, `FROM ${from}\n${line}\n`, { base, contextFolder: folder.path });
  const add = async (line: string, from?: string): Promise<string> => {
    try {
      return (await describeTop(store, (await built(line, from)).image)).join(', ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return `${error.code} ${error.message}`;
    }
  };
  const unpacked = async (dest: string, ...entries: readonly Entry[]): Promise<string> => {
    put('a.tar', tar(...entries));
    return add(`ADD a.tar ${dest}`);
  };

  it('keeps modes, owners and times, and takes the destination for a folder', async () => {
    put('a.tar', tar(folderEntry('d', { mode: 0o2750 }), { name: 'd/f', text: 'x', mode: 0o4755 }));
    const { image } = await built('ADD a.tar /new');
    expect(await describeTop(store, image)).toEqual(['new/ 755 0:0', 'new/d/ 2750 3:4', 'new/d/f 4755 3:4']);
    expect((await topLayer(store, image)).get('new/d/f')?.mtime.seconds).toBe(1_400_000_000);
    const early = await build(store, 'FROM base\nADD a.tar /new', {
      base,
      contextFolder: folder.path,
      epoch: 5,
    });
    expect((await topLayer(store, early.image)).get('new/d/f')?.mtime.seconds).toBe(5);
  });

  it.each(['gzip', 'zstd', 'none'] as const)('knows %s by its content', async (kind) => {
    const packed = compress(streamOf(tar({ name: 'f', text: 'x' })), kind);
    put('a.whatever', await collect(packed, 1e6));
    expect(await add('ADD a.whatever /')).toBe('f 644 3:4');
    const { image } = await built('ADD a.whatever /');
    const layer = image.layers.at(-1)!;
    const bytes = await collect(openLayer(store, layer.blob, layer.diffId).openTar(), 1e6);
    expect(bytes.subarray(512, 513).toString()).toBe('x');
  });

  it.each<[string, () => Uint8Array]>([
    ['a compressed file that is no tar', () => gzipSync('text')],
    ['an archive of nothing', () => endOfArchive()],
    ['an empty file', () => Buffer.alloc(0)],
    ['a text', () => Buffer.from('x'.repeat(2000))],
    [
      'compressed data that is broken at once',
      () => Buffer.concat([gzipSync('x').subarray(0, 10), Buffer.from('zzzz')]),
    ],
  ])('copies %s as it is', async (_, make) => {
    put('a.tgz', make());
    expect(await add('ADD a.tgz /opt/')).toBe('opt/ 700 0:0, opt/a.tgz 644 0:0');
    expect(await add('ADD a.tgz /x')).toBe('x 644 0:0');
  });

  it('does not unpack with --unpack=false, in COPY, or inside a folder', async () => {
    folder.write({ 'd/plain': 'x' });
    for (const name of ['a.tar', 'd/a.tar']) put(name, tar({ name: 'f' }));
    expect(await add('ADD --unpack=false a.tar /x')).toBe('x 644 0:0');
    expect(await add('COPY a.tar /x')).toBe('x 644 0:0');
    expect(await add('ADD d /x')).toBe('x/ 755 0:0, x/a.tar 644 0:0, x/plain 644 0:0');
    expect(await add('ADD --unpack a.tar /x')).toBe('x/ 755 0:0, x/f 644 3:4');
  });

  it('unpacks each archive that a pattern finds, beside other files', async () => {
    put('1.tar', tar({ name: 'one' }));
    put('2.tar', gzipSync(tar({ name: 'two' })));
    expect(await add('ADD *.tar plain /x/')).toBe(
      'x/ 755 0:0, x/one 644 3:4, x/plain 644 0:0, x/two 644 3:4',
    );
  });

  it('gives --chown to what it unpacks, and not --chmod', async () => {
    put('a.tar', tar(folderEntry('d'), { name: 'd/f' }, linkEntry('d/l', 'f')));
    expect(await add('ADD --chown=ada --chmod=u=rwX,go= a.tar /x/y')).toBe(
      'x/ 755 1000:1001, x/y/ 755 1000:1001, x/y/d/ 755 1000:1001, x/y/d/f 644 1000:1001, x/y/d/l -> f 777 1000:1001',
    );
  });

  it.each<[string, string, Entry[], string]>([
    [
      'merges folders, which take the attributes of the archive',
      '/opt',
      [folderEntry('sub', { mode: 0o711 }), { name: 'sub/f' }],
      'opt/ 700 0:0, opt/sub/ 711 3:4, opt/sub/f 644 3:4',
    ],
    [
      'keeps the attributes of folders without an entry',
      '/',
      [{ name: 'opt/sub/f' }],
      'opt/ 700 0:0, opt/sub/ 700 7:7, opt/sub/f 644 3:4',
    ],
    [
      'makes folders without an entry anew',
      '/x',
      [{ name: 'a/b/f' }],
      'x/ 755 0:0, x/a/ 755 0:0, x/a/b/ 755 0:0, x/a/b/f 644 3:4',
    ],
    [
      'does not take the root’s own entry',
      '/opt',
      [folderEntry('.', { mode: 0o777 }), { name: './f' }],
      'opt/ 700 0:0, opt/f 644 3:4',
    ],
    [
      'replaces files, and folders by files',
      '/',
      [{ name: 'opt' }, { name: 'lib' }],
      'lib 644 3:4, opt 644 3:4',
    ],
    [
      'replaces links by folders',
      '/',
      [folderEntry('lib'), { name: 'lib/f' }],
      'lib/ 755 3:4, lib/f 644 3:4',
    ],
    [
      'goes through the links of the image for folders without an entry',
      '/',
      [{ name: 'lib/f' }],
      'usr/ 755 0:0, usr/lib/ 755 0:0, usr/lib/f 644 3:4',
    ],
    [
      'keeps links and hard links',
      '/x',
      [{ name: 'f', text: 'x' }, linkEntry('h', 'f', 'hardlink'), linkEntry('l', '../../etc')],
      'x/ 755 0:0, x/f 644 3:4, x/h -> x/f hard 644 3:4, x/l -> ../../etc 777 3:4',
    ],
    [
      'lets a hard link stand before its file in the layer',
      '/x',
      [{ name: 'z', text: 'x' }, linkEntry('a', 'z', 'hardlink')],
      'x/ 755 0:0, x/a 644 3:4, x/z -> x/a hard 644 3:4',
    ],
    [
      'takes the last of several entries',
      '/x',
      [
        { name: 'f', mode: 0o600 },
        { name: 'f', mode: 0o640 },
      ],
      'x/ 755 0:0, x/f 640 3:4',
    ],
    [
      'forgets what was in a folder that a file replaced',
      '/x',
      [folderEntry('d'), { name: 'd/gone' }, { name: 'd' }, folderEntry('d'), { name: 'd/f' }],
      'x/ 755 0:0, x/d/ 755 3:4, x/d/f 644 3:4',
    ],
    [
      'has a name that climbs stay in the folder',
      '/opt',
      [{ name: '../../etc/f' }],
      'opt/ 700 0:0, opt/etc/ 755 0:0, opt/etc/f 644 3:4',
    ],
    [
      'has links of its own stay in the folder',
      '/x',
      [linkEntry('e', '/etc'), { name: 'e/f' }],
      'x/ 755 0:0, x/e -> /etc 777 3:4, x/etc/ 755 0:0, x/etc/f 644 3:4',
    ],
    [
      'has climbing links of its own stay in the folder',
      '/x',
      [linkEntry('e', '../../../etc'), { name: 'e/f' }],
      'x/ 755 0:0, x/e -> ../../../etc 777 3:4, x/etc/ 755 0:0, x/etc/f 644 3:4',
    ],
    [
      'has links of the image stay in the folder',
      '/opt',
      [{ name: 'abs/f' }, { name: 'up/g' }],
      'opt/ 700 0:0, opt/etc/ 755 0:0, opt/etc/f 644 3:4, opt/etc/g 644 3:4',
    ],
    [
      'resolves the destination in the image',
      '/lib/x',
      [{ name: 'f' }],
      'usr/ 755 0:0, usr/lib/ 755 0:0, usr/lib/x/ 755 0:0, usr/lib/x/f 644 3:4',
    ],
    [
      'refuses a hard link to a file of the image',
      '/',
      [linkEntry('h', 'opt/file', 'hardlink')],
      'BUILD_ARCHIVE ADD failed: the archive a.tar cannot be unpacked: hard link h points at opt/file, which is a file of the image and not of the archive',
    ],
    [
      'refuses a hard link out of the folder',
      '/opt',
      [linkEntry('h', '../etc/passwd', 'hardlink')],
      'BUILD_ARCHIVE ADD failed: the archive a.tar cannot be unpacked: hard link h points at etc/passwd, which is not there',
    ],
    [
      'refuses a loop of links',
      '/x',
      [linkEntry('a', 'b'), linkEntry('b', 'a'), { name: 'a/f' }],
      'BUILD_ARCHIVE ADD failed: the archive a.tar cannot be unpacked: a goes through more than 40 symbolic links',
    ],
    [
      'refuses names of deletions',
      '/x',
      [{ name: 'd/.wh.f' }],
      'BUILD_WHITEOUT_NAME ".wh. of d/f" cannot be in an image: names that start with .wh. mark deletions in layers',
    ],
    [
      'refuses a file as destination',
      '/opt/file',
      [{ name: 'f' }],
      'BUILD_DEST_NOT_FOLDER cannot copy to non-directory: /opt/file is a file in the image, and a.tar needs a directory there',
    ],
  ])('%s', async (_, dest, entries, want) => expect(await unpacked(dest, ...entries)).toBe(want));

  it('names an archive that is cut off, and leaves nothing behind', async () => {
    // Suites beside this one have things of their own where all put theirs.
    const temporary = mkdtempSync(join(tmpdir(), 'dobos-archive-'));
    vi.stubEnv('TMPDIR', temporary);
    put('a.tgz', gzipSync(tar({ name: 'f', text: 'x'.repeat(5000) })).subarray(0, -12));
    expect(await add('ADD a.tgz /')).toMatch(
      /^BUILD_ARCHIVE ADD failed: the archive a.tgz cannot be unpacked: gzip data ends/,
    );
    put('b.tar', tar({ name: 'f', text: 'x'.repeat(5000) }).subarray(0, 3000));
    expect(await add('ADD b.tar /')).toMatch(/^BUILD_ARCHIVE .* archive b.tar .*/);
    vi.unstubAllEnvs();
    expect(readdirSync(temporary)).toEqual([]);
    rmdirSync(temporary);
  });

  it('runs again only when the archive’s bytes change', async () => {
    put('a.tar', tar({ name: 'f', text: 'x' }));
    const cached = async () => (await built('ADD a.tar /x')).steps.at(-1)?.cached;
    expect(await cached()).toBe(false);
    put('a.tar', tar({ name: 'f', text: 'x' }));
    expect(await cached()).toBe(true);
    put('a.tar', tar({ name: 'f', text: 'y' }));
    expect(await cached()).toBe(false);
    expect((await built('ADD --unpack=false a.tar /x')).steps.at(-1)?.cached).toBe(false);
  });
});
