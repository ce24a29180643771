import { describe, expect, it } from 'vitest';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { collect, sha256, streamOf } from '../base/bytes.ts';
import { compress } from '../compress/compress.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { openLayer } from './open-layer.ts';
import { readContent, readContents } from './read-contents.ts';
import { readLayerIndex } from './read-index.ts';
import type { LayerEntry } from './types.ts';

const file = (tarPath: string, content: string): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  tarPath,
});
const TAR = vectorTar([
  { path: 'd', type: 'dir', tarPath: 'd' },
  file('d/a', 'A'.repeat(5000)),
  file('b', ''),
  file('c', 'C'.repeat(70_000)),
  file('d/e', 'end'),
]);

async function layerOf(how: 'none' | 'gzip' | 'zstd') {
  const store = createMemoryStore();
  const blob = await store.ingest(
    compress(streamOf(TAR), how),
    `application/vnd.oci.image.layer.v1.tar+${how}`,
  );
  const layer = openLayer(store, blob, sha256(TAR));
  return { store, layer, index: await readLayerIndex(store, layer) };
}

describe.each(['none', 'gzip', 'zstd'] as const)('contents of a layer stored as %s', (how) => {
  it('are read one by one', async () => {
    const { store, layer, index } = await layerOf(how);
    const read = async (path: string) =>
      (await collect(readContent(store, layer, index.find(path)!), 100_000)).toString();
    expect(await read('c')).toBe('C'.repeat(70_000));
    expect(await read('b')).toBe('');
    expect(await read('d/e')).toBe('end');
  });

  it('come in the order of the tar, whatever is asked for and left unread', async () => {
    const { store, layer, index } = await layerOf(how);
    const wanted = ['d/e', 'c', 'd/a'].map((path) => index.find(path)!);
    const got: string[] = [];
    await readContents(store, layer, wanted, async ({ path }, content) => {
      if (path === 'c') {
        for await (const _ of content) break;
        got.push('c');
      } else got.push(`${path} ${(await collect(content, 10_000)).length}`);
    });
    expect(got).toEqual(['d/a 5000', 'c', 'd/e 3']);
  });

  it('are checked', async () => {
    const { store, layer, index } = await layerOf(how);
    const entry: LayerEntry = { ...index.find('d/a')!, contentDigest: sha256('other') };
    await expect(collect(readContent(store, layer, entry), 10_000)).rejects.toMatchObject({
      code: 'BYTES_MISMATCH',
    });
    const beyond: LayerEntry = { ...index.find('d/a')!, offset: TAR.length - 100 };
    await expect(collect(readContent(store, layer, beyond), 10_000)).rejects.toMatchObject({
      code: 'BYTES_MISMATCH',
    });
  });

  it('end with the signal', async () => {
    const { store, layer, index } = await layerOf(how);
    const signal = AbortSignal.abort();
    const never = async (): Promise<void> => expect.fail('was read');
    await expect(readContents(store, layer, [index.find('c')!], never, { signal })).rejects.toThrow();
  });
});
