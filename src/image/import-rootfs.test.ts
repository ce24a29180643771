import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectEmpty, LAYER, useStore } from '../../test/support/archives.ts';
import { sha256, streamOf } from '../base/bytes.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { importRootfs } from './import-rootfs.ts';

const at = useStore();

describe('importRootfs', () => {
  const platform = { os: 'linux', architecture: 'amd64' };

  it.each<[string, Buffer]>([
    ['no bytes', Buffer.alloc(0)],
    ['text', Buffer.from('hello'.repeat(300))],
    ['a cut tar', LAYER.subarray(0, 600)],
    ['an empty tar', Buffer.alloc(1024)],
  ])('refuses %s', async (_, bytes) => {
    await expect(importRootfs(at.store, streamOf(bytes), { platform })).rejects.toMatchObject({
      code: 'IMPORT_NOT_TAR',
    });
    await expectEmpty(at.store);
  });

  it('makes one layer of the tar as it is, also when it comes compressed', async () => {
    const o = { platform, created: '2026-01-01T00:00:00Z', config: { Cmd: ['sh'] } };
    const image = await importRootfs(at.store, streamOf(gzipSync(LAYER)), o);
    expect(image.layers.map((layer) => layer.diffId)).toEqual([sha256(LAYER)]);
    expect(image.config).toMatchObject({
      created: o.created,
      config: { Cmd: ['sh'] },
      history: [{ created: o.created, comment: 'Imported from -' }],
    });
    expect((await importRootfs(createMemoryStore(), streamOf(LAYER), o)).descriptor).toEqual(
      image.descriptor,
    );
  });
});
