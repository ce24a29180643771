import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { indexEntries, indexTar } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { sha256 } from '../base/bytes.ts';
import { encodeHeader, endOfArchive } from '../tar/encoder.ts';
import { createIndexBuilder, MAX_ACCOUNT_BYTES, type NewEntry } from './index-builder.ts';
import { formatLayerIndex } from './layer-index-format.ts';
import { createLayerIndexer } from './layer-indexer.ts';
import { loadLayerIndex } from './load-layer-index.ts';

const DIFF_ID = `sha256:${'a'.repeat(64)}`;
const plain: NewEntry = {
  path: 'a',
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  seconds: 0,
  nanos: 0,
  size: 0,
  offset: 512,
};

function load(...entries: readonly NewEntry[]) {
  const builder = createIndexBuilder(1);
  for (const entry of entries) builder.add(entry);
  return loadLayerIndex(formatLayerIndex(DIFF_ID, 10_240, builder.columns()));
}

const file = (path: string, content: string): VectorEntry => ({ path, type: 'file', content, tarPath: path });

describe('a damaged index reads as none', () => {
  const good = formatLayerIndex(
    DIFF_ID,
    1024,
    (() => {
      const builder = createIndexBuilder();
      builder.add(plain);
      return builder.columns();
    })(),
  );

  test('cut off anywhere', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => loadLayerIndex(good.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'LAYER_INDEX_BROKEN' }),
      );
    }
  });

  test('with any bit changed', () => {
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      expect(() => loadLayerIndex(bad)).toThrow(expect.objectContaining({ code: 'LAYER_INDEX_BROKEN' }));
    }
  });

  test('with something behind it', () => {
    expect(() => loadLayerIndex(Buffer.concat([good, Buffer.from('x')]))).toThrow(/bytes, want/);
  });
});

describe('fields out of range are refused', () => {
  test.each([
    ['owner', { uid: 2 ** 32 - 1 }],
    ['owner', { uid: -1 }],
    ['group', { gid: 1.5 }],
    ['device major', { kind: 'block', device: { major: 4096, minor: 0 } }],
    ['device minor', { kind: 'character', device: { major: 1, minor: 2 ** 20 } }],
  ] as const)('%s %j', (field, change) => {
    expect(() => load({ ...plain, ...change })).toThrow(
      expect.objectContaining({ code: 'LAYER_FIELD', message: expect.stringContaining(`${field} of a`) }),
    );
  });
});

describe('an index gives back what was put in', () => {
  test('every field, at any alignment of its bytes', () => {
    const xattrs = new Map([
      ['user.a', Uint8Array.of(0, 255)],
      ['security.capability', Uint8Array.of(1, 0, 0, 2)],
    ]);
    const entries: NewEntry[] = [
      {
        ...plain,
        path: 'ő/\udcff',
        mode: 0o4755,
        uid: 2 ** 32 - 2,
        gid: 7,
        size: 2 ** 40,
        offset: 2 ** 41,
        xattrs,
      },
      {
        ...plain,
        path: 'b',
        kind: 'block',
        device: { major: 4095, minor: 2 ** 20 - 1 },
        seconds: -5,
        nanos: 7,
      },
      { ...plain, path: 'l', kind: 'symlink', linkTo: '../\udc80x' },
      { ...plain, path: 'h', kind: 'hardlink', linkTo: 'b' },
      { ...plain, path: 'w', kind: 'whiteout' },
      { ...plain, path: '', kind: 'opaque' },
      {
        ...plain,
        path: 's',
        size: 30,
        pieces: [
          { at: undefined, size: 10 },
          { at: 512, size: 20 },
        ],
      },
    ];
    const builder = createIndexBuilder(2);
    for (const entry of entries) builder.add(entry);
    const bytes = formatLayerIndex(DIFF_ID, 99, builder.columns());
    for (let shift = 0; shift < 9; shift++) {
      const moved = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      const index = loadLayerIndex(moved);
      expect(index).toMatchObject({ diffId: DIFF_ID, tarSize: 99, count: 7, fileBytes: 2 ** 40 + 30 });
      for (const [order, { seconds, nanos, ...fields }] of entries.entries()) {
        expect(index.at(order)).toEqual({ ...fields, mtime: { seconds, nanos }, order });
      }
      expect([...index.entries()].map((entry) => entry.path)).toEqual(entries.map((entry) => entry.path));
    }
  });

  test('an entry that is not there is an error', () => {
    expect(() => load(plain).at(1)).toThrow(RangeError);
    expect(() => load(plain).at(-1)).toThrow(RangeError);
  });

  test('find gives the last of a path, whiteouts by kind only', () => {
    const index = load(
      { ...plain, path: 'a', mode: 0o600 },
      { ...plain, path: 'a', kind: 'whiteout' },
      { ...plain, path: 'a-b' },
      { ...plain, path: 'a/b' },
      { ...plain, path: 'a', mode: 0o644 },
      { ...plain, path: 'a', kind: 'opaque' },
      { ...plain, path: 'only', kind: 'whiteout' },
    );
    expect(index.find('a')).toMatchObject({ order: 4, mode: 0o644 });
    expect(index.find('a', 'whiteout')).toMatchObject({ order: 1 });
    expect(index.find('a', 'opaque')).toMatchObject({ order: 5 });
    expect(index.find('a/b')).toMatchObject({ order: 3 });
    expect(index.find('only')).toBeUndefined();
    expect(index.find('')).toBeUndefined();
    expect(index.find('a/')).toBeUndefined();
    expect(load().find('a')).toBeUndefined();
  });

  test.each<[string, string[], number]>([
    ['rising names of one directory', ['d/a', 'd/aa', 'd/b', 'd/c'], 4],
    ['names that fall', ['d/b', 'd/a', 'd/c'], 1],
    ['a name twice', ['d/a', 'd/a'], 1],
    ['another directory', ['d/a', 'd/b', 'e/c'], 2],
    ['one whose name begins alike', ['d/a', 'd/b', 'da/c'], 2],
    ['a directory below', ['d/a', 'd/b/c', 'd/d'], 1],
    ['the root', ['a', 'b', 'c/d'], 2],
    ['letters of several bytes', ['d/ä', 'd/ö', 'd/z'], 2],
  ])('a run of files ends where it must: %s', (_, paths, end) => {
    const index = load(...paths.map((path) => ({ ...plain, path, kind: 'file' as const })));
    expect(index.runEnd(0)).toBe(end);
  });

  test.each(['directory', 'hardlink', 'whiteout', 'opaque'] as const)('a %s is in no run', (kind) => {
    const entry = (path: string, of: NewEntry['kind']): NewEntry => ({
      ...plain,
      path,
      kind: of,
      linkTo: 'x',
    });
    const index = load(entry('a', 'file'), entry('b', 'symlink'), entry('c', kind), entry('d', 'file'));
    expect([0, 2, 3].map((order) => index.runEnd(order))).toEqual([2, 2, 4]);
  });

  test('find agrees with looking at every entry', () => {
    fc.assert(
      fc.property(layerStacks, ([layer]) => {
        const index = indexEntries(layer ?? []);
        for (const { path } of layer ?? []) {
          for (const kind of [undefined, 'whiteout', 'opaque'] as const) {
            const all = [...index.entries()].filter(
              (e) =>
                e.path === path &&
                (e.kind === 'whiteout' || e.kind === 'opaque' ? e.kind : undefined) === kind,
            );
            expect(index.find(path, kind)).toEqual(all.at(-1));
          }
        }
      }),
    );
  });
});

describe('indexing a tar', () => {
  test('gives the same bytes however the tar is cut', () => {
    const tar = vectorTar([
      file('a', 'x'.repeat(1000)),
      file('etc/passwd', 'root:x:0:0::/:\n'),
      file('e', ''),
    ]);
    const whole = createLayerIndexer();
    whole.write(tar);
    const want = whole.end();
    expect(want.diffId).toBe(sha256(tar));
    for (const size of [1, 7, 512, 513, 1024, 1536]) {
      const cut = createLayerIndexer();
      for (let at = 0; at < tar.length; at += size) cut.write(tar.subarray(at, at + size));
      expect(cut.end().bytes.equals(want.bytes)).toBe(true);
    }
  });

  test('finds contents by offset and by digest', () => {
    const tar = vectorTar([file('a', 'AAA'), file('b', 'x'.repeat(5000)), file('empty', '')]);
    const index = indexTar(tar, 600);
    for (const { path, offset, size, contentDigest } of index.entries()) {
      const content = tar.subarray(offset, offset + size);
      expect(contentDigest, path).toBe(sha256(content));
    }
  });

  test('keeps the texts of passwd and group, the last of each, up to a limit', () => {
    const index = indexEntries([
      file('etc/passwd', 'old'),
      file('./etc/group', 'g'),
      file('etc/passwd', 'new'),
    ]);
    expect(index.accounts).toEqual({ passwd: { order: 2, text: 'new' }, group: { order: 1, text: 'g' } });
    expect(indexEntries([file('x/etc/passwd', 'no')]).accounts).toEqual({});
    const long = indexEntries([
      file('etc/passwd', 'old'),
      file('etc/passwd', 'x'.repeat(MAX_ACCOUNT_BYTES + 1)),
    ]);
    expect(long.accounts).toEqual({});
  });

  test('reads empty and cut archives as containerd and umoci do', () => {
    expect(indexTar(Buffer.alloc(0)).count).toBe(0);
    expect(indexTar(Buffer.alloc(1024)).count).toBe(0);
    const tar = vectorTar([file('a', 'A')]);
    expect(indexTar(tar.subarray(0, 1024)).count).toBe(1);
    const behind = Buffer.concat([tar, Buffer.from('garbage')]);
    const index = indexTar(behind, 100);
    expect(index).toMatchObject({ count: 1, diffId: sha256(behind), tarSize: behind.length });
    expect(() => indexTar(tar.subarray(0, 512))).toThrow(/TAR_TRUNCATED|ends|inside/);
  });

  test('decides on whiteouts by name alone', () => {
    const header = {
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: { seconds: 0, nanos: 0 },
      uname: '',
      gname: '',
      size: 0,
    };
    const tar = Buffer.concat([
      encodeHeader({ ...header, name: 'd/.wh.a', kind: 'symlink', linkName: 'x' }),
      encodeHeader({ ...header, name: '.wh.b', kind: 'directory', linkName: '' }),
      encodeHeader({ ...header, name: './/d/.wh..wh..opq', kind: 'fifo', linkName: '' }),
      endOfArchive(),
    ]);
    const kinds = [...indexTar(tar).entries()].map(({ kind, path, linkTo }) => [kind, path, linkTo]);
    expect(kinds).toEqual([
      ['whiteout', 'd/a', undefined],
      ['whiteout', 'b', undefined],
      ['opaque', 'd', undefined],
    ]);
  });
});
