import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { indexTar } from '../../test/support/layer-index.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import type { LocalStore } from '../store/contract.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { openLayer } from './open-layer.ts';
import { readLayerIndex, readLayerIndexes } from './read-index.ts';
import type { Layer, LayerEntry, PlannedEntry } from './types.ts';
import { writeLayer } from './write-layer.ts';

const LIMIT = 64 * 1024 * 1024;
const base = { mode: 0o644, uid: 0, gid: 0, mtime: 5 };
const bytes = (text: string) => ({ kind: 'bytes', bytes: Buffer.from(text) }) as const;
const file = (path: string, text = path): PlannedEntry => ({
  ...base,
  path,
  kind: 'file',
  content: bytes(text),
});
const dir = (path: string): PlannedEntry => ({ ...base, path, kind: 'directory', mode: 0o755 });

let folder: string;
let store: LocalStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-layer-'));
  store = createDirectoryStore(join(folder, 'store'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tarOf = (layer: Layer): Promise<Buffer> => collect(layer.openTar(), LIMIT);
const entriesOf = async (layer: Layer): Promise<LayerEntry[]> => [...indexTar(await tarOf(layer)).entries()];

describe('a plan that no layer can hold is refused, and nothing stays behind', () => {
  const link: PlannedEntry = { ...base, path: 'l', kind: 'hardlink', linkTo: 'a' };
  test.each<readonly [string, PlannedEntry[], string]>([
    ['a whiteout name', [file('d/.wh.x')], 'LAYER_WHITEOUT_NAME'],
    ['a directory with a whiteout name', [dir('.wh.d'), file('.wh.d/x')], 'LAYER_WHITEOUT_NAME'],
    ['a path twice', [file('a'), dir('a')], 'LAYER_PLAN'],
    ['an absolute path', [file('/a')], 'LAYER_PLAN'],
    ['a path with dots', [file('a/../b')], 'LAYER_PLAN'],
    ['a root that is a file', [file('')], 'LAYER_PLAN'],
    ['a link to nothing', [link], 'LAYER_PLAN'],
    ['a link before its target', [link, file('a')], 'LAYER_PLAN'],
    ['a link to a directory', [dir('a'), link], 'LAYER_PLAN'],
    ['a symlink without target', [{ ...base, path: 's', kind: 'symlink' }], 'LAYER_PLAN'],
    ['a device without numbers', [{ ...base, path: 'd', kind: 'block' }], 'LAYER_PLAN'],
    ['a file without content', [{ ...base, path: 'f', kind: 'file' }], 'LAYER_PLAN'],
    ['a fraction of a second', [{ ...file('f'), mtime: 1.5 }], 'LAYER_PLAN'],
    ['a whiteout of the root', [{ ...base, path: '', kind: 'whiteout' }], 'LAYER_PLAN'],
    ['an owner out of range', [{ ...file('f'), uid: 2 ** 32 }], 'TAR_CANNOT_ENCODE'],
  ])('%s', async (_, plan, code) => {
    await expect(writeLayer(store, plan)).rejects.toMatchObject({ code });
    for await (const problem of store.check()) expect(problem).toBeUndefined();
    expect((await store.collect()).blobs).toEqual([]);
  });

  const disk = (path: string, size: number): PlannedEntry => ({
    ...base,
    path: 'f',
    kind: 'file',
    content: { kind: 'disk', path, size },
  });
  test.each([
    ['grew', 10, (path: string) => appendFileSync(path, 'x')],
    ['shrank', 10, (path: string) => truncateSync(path, 9)],
    ['emptied', 10, (path: string) => truncateSync(path, 0)],
    ['was empty and grew', 0, (path: string) => appendFileSync(path, 'x')],
    ['grew far beyond the buffer', 5_000_000, (path: string) => appendFileSync(path, 'x')],
    ['shrank, larger than the buffer', 5_000_000, (path: string) => truncateSync(path, 4_999_999)],
  ])('a file that %s since it was planned', async (_, size, change) => {
    const path = join(folder, 'source');
    writeFileSync(path, Buffer.alloc(size, 1));
    change(path);
    await expect(writeLayer(store, [disk(path, size)])).rejects.toMatchObject({
      code: 'LAYER_FILE_CHANGED',
      facts: { path: 'f', file: path, want: size },
    });
  });

  test('a file that is gone, or a link now', async () => {
    const path = join(folder, 'source');
    const gone = writeLayer(store, [disk(path, 1)]);
    await expect(gone).rejects.toThrow(`${path} cannot be read for f: it is gone`);
    symlinkSync('/etc/passwd', path);
    await expect(writeLayer(store, [disk(path, 1)])).rejects.toMatchObject({ code: 'LAYER_FILE_READ' });
  });

  test('what is not confirmed when all is read', async () => {
    const confirm = (): void => {
      throw new Error('it moved');
    };
    await expect(writeLayer(store, [file('a')], { confirm })).rejects.toThrow('it moved');
    for await (const problem of store.check()) expect(problem).toBeUndefined();
    expect((await store.collect()).blobs).toEqual([]);
  });

  test('an aborted call', async () => {
    const plan = [file('a')];
    await expect(writeLayer(store, plan, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});

describe('a written layer', () => {
  test('reads as it was planned, with its index at hand', async () => {
    mkdirSync(join(folder, 'src'));
    const path = join(folder, 'src/ő');
    const content = Buffer.alloc(5_000_000, 'dobos');
    writeFileSync(path, content);
    const xattrs = new Map([
      ['user.z', Buffer.from('z')],
      ['user.overlay.opaque', Buffer.from('y')],
      ['security.selinux', Buffer.from('ctx')],
      ['security.capability', Buffer.of(1, 0, 255)],
    ]);
    const plan: PlannedEntry[] = [
      { ...dir(''), mode: 0o711 },
      { ...base, path: 'gone', kind: 'whiteout', mode: 0 },
      { ...base, path: 'o', kind: 'opaque', mode: 0 },
      { ...file('etc/passwd', 'root:x:0:0::/:\n'), mtime: -1 },
      {
        ...base,
        path: 'ő',
        kind: 'file',
        mode: 0o4755,
        content: { kind: 'disk', path, size: content.length },
        xattrs,
      },
      { ...base, path: 'part', kind: 'file', content: { kind: 'region', path, offset: 3, size: 10 } },
      { ...base, path: 'empty', kind: 'file', content: { kind: 'region', path, offset: 3, size: 0 } },
      { ...base, path: 'l', kind: 'hardlink', linkTo: 'ő' },
      { ...base, path: 's', kind: 'symlink', linkTo: '../x' },
      { ...base, path: 'c', kind: 'character', device: { major: 1, minor: 3 } },
      { ...base, path: 'p', kind: 'fifo' },
    ];
    const layer = await writeLayer(store, plan);
    expect(layer.blob).toEqual({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: layer.diffId,
      size: layer.blob.size,
    });
    const tar = await tarOf(layer);
    expect(sha256(tar)).toBe(layer.diffId);
    const entries = await entriesOf(layer);
    expect(entries.map(({ path: p, kind, mode, mtime }) => [p, kind, mode, mtime.seconds])).toEqual(
      plan.map(({ path: p, kind, mode, mtime }) => [p, kind, mode, mtime]),
    );
    const at = (p: string) => entries.find((entry) => entry.path === p)!;
    expect(at('ő').contentDigest).toBe(sha256(content));
    expect([...at('ő').xattrs!.keys()]).toEqual(['security.capability', 'user.z']);
    expect(tar.subarray(at('part').offset, at('part').offset + 10).toString()).toBe('osdobosdob');
    expect(at('c').device).toEqual({ major: 1, minor: 3 });
    const kept = await readLayerIndex(store, layer);
    expect([...kept.entries()]).toEqual(entries);
    expect(kept).toMatchObject({ count: plan.length, tarSize: tar.length, diffId: layer.diffId });
    expect(kept.accounts).toEqual({ passwd: { order: 3, text: 'root:x:0:0::/:\n' } });
  });

  test('has the same bytes made here and in a worker, and no plan of its own in the order', async () => {
    const many = Array.from({ length: 200 }, (_, i) => file(`d/f${i}`, 'x'.repeat(i * 37)));
    const layer = await writeLayer(store, many);
    const again = await writeLayer(createMemoryStore(), many);
    expect(again.diffId).toBe(layer.diffId);
    expect((await tarOf(again)).equals(await tarOf(layer))).toBe(true);
    expect([...(await readLayerIndex(store, layer)).entries()]).toEqual(await entriesOf(layer));
    expect((await writeLayer(store, [...many].reverse())).diffId).not.toBe(layer.diffId);
  });

  test('keeps the index that reading it would make', async () => {
    const name = fc
      .stringMatching(/^[a-ző]{1,8}(\/[a-z.]{3,9}){0,2}$/)
      .filter((path) => !path.includes('/.wh.'));
    const names = fc.uniqueArray(name, { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(names, fc.nat(3000), async (paths, size) => {
        const memory = createMemoryStore();
        const plan = paths.map((path, i) => file(path, 'y'.repeat((size * i) % 4000)));
        const layer = await writeLayer(memory, plan);
        const kept = await memory.notes.get('index', layer.diffId);
        await memory.notes.remove('index', layer.diffId);
        await readLayerIndex(memory, layer);
        expect(await memory.notes.get('index', layer.diffId)).toEqual(kept);
      }),
      { numRuns: 30 },
    );
  });

  test('of no entries is an empty archive', async () => {
    const layer = await writeLayer(store, []);
    expect((await tarOf(layer)).equals(Buffer.alloc(1024))).toBe(true);
    expect((await readLayerIndex(store, layer)).count).toBe(0);
  });
});

describe('reading an index', () => {
  const stored = async (blobBytes: Buffer, diffId: Layer['diffId'], into = store): Promise<Layer> => {
    const blob = await into.ingest(streamOf(blobBytes), 'application/vnd.oci.image.layer.v1.tar+zstd');
    return openLayer(into, blob, diffId);
  };
  const tarAndId = async (...plan: PlannedEntry[]) => {
    const memory = createMemoryStore();
    const layer = await writeLayer(memory, plan);
    return { tar: await tarOf(layer), diffId: layer.diffId };
  };

  test.each([
    ['in a folder', true],
    ['in memory', false],
  ])('a layer %s that is not its diffId is refused, compressed or not', async (_, onDisk) => {
    const into = onDisk ? store : createMemoryStore();
    const { tar } = await tarAndId(file('a'));
    const wrong = sha256('something else');
    for (const blob of [tar, gzipSync(tar)]) {
      const layer = await stored(blob, wrong, into);
      await expect(readLayerIndex(into, layer)).rejects.toMatchObject({
        code: 'LAYER_DIFF_ID',
        facts: { want: wrong, got: sha256(tar), blob: layer.blob.digest },
      });
      await expect(tarOf(layer)).rejects.toMatchObject({ code: 'LAYER_DIFF_ID' });
      expect(await into.notes.get('index', wrong)).toBeUndefined();
    }
  });

  test('the compression is told by content, whatever the media type says', async () => {
    const { tar, diffId } = await tarAndId(file('a', 'A'.repeat(100_000)), dir('d'));
    for (const blob of [tar, gzipSync(tar)]) {
      const layer = await stored(blob, diffId);
      await store.notes.remove('index', diffId);
      const index = await readLayerIndex(store, layer);
      expect([...index.entries()]).toEqual([...indexTar(tar).entries()]);
      expect((await tarOf(layer)).equals(tar)).toBe(true);
    }
  });

  test('happens once, and again when the note is damaged', async () => {
    const { tar, diffId } = await tarAndId(file('a'), file('b'));
    const layer = await stored(tar, diffId);
    let located = 0;
    const counting: LocalStore = {
      ...store,
      locate: (wanted, o) => {
        located++;
        return store.locate(wanted, o);
      },
    };
    const all = await readLayerIndexes(counting, [layer, layer, layer]);
    expect(all.map((index) => index.count)).toEqual([2, 2, 2]);
    await readLayerIndex(counting, layer);
    expect(located).toBe(1);
    const note = (await store.notes.get('index', diffId))!;
    await store.notes.put('index', diffId, note.subarray(0, note.length - 1));
    expect((await readLayerIndex(counting, layer)).find('b')).toMatchObject({ order: 1 });
    expect(located).toBe(2);
    expect(await store.notes.get('index', diffId)).toEqual(note);
  });

  test('a note of another layer is not believed', async () => {
    const one = await tarAndId(file('a'));
    const other = await tarAndId(file('b'));
    const layer = await stored(one.tar, one.diffId);
    await readLayerIndex(store, await stored(other.tar, other.diffId));
    await store.notes.put('index', one.diffId, (await store.notes.get('index', other.diffId))!);
    expect((await readLayerIndex(store, layer)).find('a')).toBeDefined();
  });
});
