import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMIT, NAME, useStore } from '../../test/support/archives.ts';
import { putImage, putLayer } from '../../test/support/images.ts';
import { collect, streamOf } from '../base/bytes.ts';
import type { LocalStore } from '../store/contract.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { compressLayers } from './compress-layers.ts';
import { appendLayer } from './edit-config.ts';
import { imageId } from './image-id.ts';
import { loadArchive } from './load-archive.ts';
import { saveImages, saveToFile } from './save-images.ts';
import type { Image } from './types.ts';
import { writeImage } from './write-image.ts';

const at = useStore();

describe('an archive that dobos saves', () => {
  const memberNames = (tar: Buffer): string[] => {
    const names: string[] = [];
    for (let at = 0; tar[at] !== 0; ) {
      names.push(tar.toString('latin1', at, at + 100).replace(/\0.*/s, ''));
      const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
      at += 512 + Math.ceil(size / 512) * 512;
    }
    return names;
  };
  const save = (from: LocalStore, image: Image, layers?: 'plain' | 'stored') =>
    collect(saveImages(from, [{ image, name: NAME }], { layers }), LIMIT);

  it('is an OCI layout and a docker archive at once, and the same each time', async () => {
    const image = await putImage(at.store, NAME);
    const tar = await save(at.store, image);
    expect(memberNames(tar).slice(0, 4)).toEqual([
      'oci-layout',
      'index.json',
      'manifest.json',
      'repositories',
    ]);
    expect(
      memberNames(tar)
        .slice(4)
        .every((name) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name)),
    ).toBe(true);
    expect(await save(at.store, image)).toEqual(tar);
    await saveToFile(at.store, [{ image, name: NAME }], join(at.folder, 'x.tar'));
    expect(readFileSync(join(at.folder, 'x.tar')).equals(tar)).toBe(true);
    expect(statSync(join(at.folder, 'x.tar')).mode & 0o777).toBe(0o600);
    const memory = createMemoryStore();
    expect(await save(memory, await putImage(memory, NAME))).toEqual(tar);
  });

  it('comes back as the same image, manifest included', async () => {
    const image = await putImage(at.store, NAME);
    const other = createDirectoryStore(join(at.folder, 'other'));
    const events: string[] = [];
    const [loaded] = await loadArchive(other, streamOf(await save(at.store, image)), {
      onEvent: (event) => events.push(event.kind),
    });
    expect(loaded).toEqual({ names: [NAME], id: imageId(image), target: image.descriptor });
    expect(events).toEqual(['layer', 'layer', 'image']);
    const problems: unknown[] = [];
    for await (const problem of other.check()) problems.push(problem);
    expect(problems).toEqual([]);
  });

  it('has compressed layers unpacked, or as they are when asked', async () => {
    const image = await putImage(at.store, NAME);
    const packed = await compressLayers(image, 'gzip', at.store);
    expect(await save(at.store, packed)).toEqual(await save(at.store, image));
    const stored = await save(at.store, packed, 'stored');
    const other = createMemoryStore();
    const [loaded] = await loadArchive(other, streamOf(stored));
    expect(loaded!.target).toEqual(packed.descriptor);
    expect(readdirSync(join(at.store.folder!, 'tmp'))).toEqual([]);
    const again: boolean[] = [];
    await loadArchive(other, streamOf(stored), {
      onEvent: (event) => event.kind === 'layer' && again.push(event.present),
    });
    expect(again).toEqual([true, true]);
  });

  it('holds several images and several names, each blob once', async () => {
    const [one, two] = [await putImage(at.store, NAME), await putImage(at.store, undefined, 'two')];
    const selections = [{ image: one, name: NAME }, { image: two }, { image: one, name: 'ghcr.io/x/y:2' }];
    const tar = await collect(saveImages(at.store, selections), LIMIT);
    const names = memberNames(tar);
    expect(new Set(names).size).toBe(names.length);
    const loaded = await loadArchive(createMemoryStore(), streamOf(tar));
    expect(loaded.map((each) => [each.names, each.id])).toEqual([
      [[NAME, 'ghcr.io/x/y:2'], imageId(one)],
      [[], imageId(two)],
    ]);
  });

  it('has large layers copied by worker threads, to the same bytes', async () => {
    const text = Array.from({ length: 400_000 }, (_, i) => `${i} line of a large file`).join('\n');
    const layers = [await putLayer(at.store, { a: text }), await putLayer(at.store, { b: `${text}b` })];
    const base = await putImage(at.store);
    const image = layers.reduce((below, layer) => appendLayer(below, layer, {}), base);
    await writeImage(at.store, image);
    const packed = await compressLayers(image, 'gzip', at.store);
    const [plain, unpacked, stored] = ['plain', 'unpacked', 'stored'].map((name) =>
      join(at.folder, name),
    ) as [string, string, string];
    await saveToFile(at.store, [{ image }], plain);
    await saveToFile(at.store, [{ image: packed }], unpacked);
    await saveToFile(at.store, [{ image: packed }], stored, { layers: 'stored' });
    expect(readFileSync(unpacked).equals(readFileSync(plain))).toBe(true);
    for (const [path, want] of [
      [plain, image],
      [stored, packed],
    ] as const) {
      const [loaded] = await loadArchive(createDirectoryStore(`${path}-store`), path);
      expect(loaded!.target).toEqual(want.descriptor);
    }
  });

  it('is not left half written when it is cancelled', async () => {
    const image = await putImage(at.store, NAME);
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const path = join(at.folder, 'x.tar');
    await expect(saveToFile(at.store, [{ image }], path, { signal: stop.signal })).rejects.toThrow('enough');
    expect(readdirSync(at.folder)).toEqual(['store']);
  });

  it('is not written when a layer is missing or corrupt, and what stood there stays', async () => {
    const image = await putImage(at.store, NAME);
    const path = join(at.folder, 'x.tar');
    writeFileSync(path, 'before');
    const blob = join(at.store.folder!, 'blobs/sha256', image.layers[0]!.blob.digest.slice(7));
    const bytes = readFileSync(blob);
    bytes[0]! ^= 1;
    rmSync(blob);
    await expect(saveToFile(at.store, [{ image }], path)).rejects.toMatchObject({
      code: 'IMAGE_LAYER_ABSENT',
    });
    writeFileSync(blob, bytes);
    await expect(saveToFile(at.store, [{ image }], path)).rejects.toMatchObject({ code: 'BYTES_MISMATCH' });
    await expect(save(at.store, image)).rejects.toMatchObject({ code: 'BYTES_MISMATCH' });
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(at.folder).sort()).toEqual(['store', 'x.tar']);
    await expect(saveToFile(at.store, [{ image }], join(at.folder, 'no', 'x.tar'))).rejects.toMatchObject({
      code: 'ARCHIVE_WRITE',
    });
    await expect(saveToFile(at.store, [{ image }], at.folder)).rejects.toThrow('it is a directory');
  });
});
