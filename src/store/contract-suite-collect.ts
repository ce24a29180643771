import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { streamOf } from '../base/bytes.ts';
import type { LocalStore } from './contract.ts';
import {
  BLOB,
  CONFIG,
  describeBytes,
  expectClean,
  INDEX,
  LAYER,
  MANIFEST,
  putImage,
  putJson,
  putText,
  readText,
  toArray,
} from './contract-fixtures.ts';

/** The part of the contract suite on leases and collection. */
export function collectTests(get: () => LocalStore, again: () => LocalStore): void {
  it('collects what nothing reaches and keeps what a name reaches', async () => {
    const store = get();
    const kept = await putImage(store, 'kept');
    const index = await putJson(store, INDEX, {
      schemaVersion: 2,
      manifests: [(await putImage(store, 'nested')).manifest],
    });
    const gone = await putImage(store, 'gone');
    await store.tag('kept:1', kept.manifest);
    await store.tag('index:1', index);
    const planned = await store.collect({ dryRun: true });
    expect(await store.has(gone.layer)).toBe(true);
    const freed = await store.collect();
    expect(freed).toEqual(planned);
    expect(freed.blobs.map(({ digest }) => digest).sort()).toEqual(
      gone.all.map(({ digest }) => digest).sort(),
    );
    expect(freed.bytes).toBe(gone.all.reduce((sum, { size }) => sum + size, 0));
    for (const blob of kept.all) expect(await store.has(blob)).toBe(true);
    expect(await store.collect()).toEqual({ blobs: [], bytes: 0 });
    await expectClean(store);
  });

  it('keeps what a root reaches, until the root is removed', async () => {
    const store = get();
    const image = await putImage(store, 'one');
    await store.roots.put({ kind: 'container', id: 'c1', targets: [image.manifest] });
    expect((await store.collect()).blobs).toEqual([]);
    await store.roots.remove('container', 'c1');
    expect((await store.collect()).blobs.length).toBe(3);
  });

  it('counts a root with `onlyWith` only while something else reaches that blob', async () => {
    const store = get();
    const [a, b, c] = [await putImage(store, 'a'), await putImage(store, 'b'), await putImage(store, 'c')];
    // b lives with a, c lives with b: a chain that is followed to its end; d lives only with itself.
    const d = await putImage(store, 'd');
    await store.roots.put({ kind: 'step', id: 'c', targets: [c.manifest], onlyWith: b.manifest.digest });
    await store.roots.put({ kind: 'step', id: 'b', targets: [b.manifest], onlyWith: a.manifest.digest });
    await store.roots.put({ kind: 'step', id: 'd', targets: [d.manifest], onlyWith: d.manifest.digest });
    await store.tag('a:1', a.manifest);
    expect((await store.collect()).blobs.length).toBe(3);
    expect((await toArray(store.roots.list())).map(({ id }) => id)).toEqual(['b', 'c']);
    expect(await store.has(c.layer)).toBe(true);
    await store.remove('a:1');
    expect((await store.collect()).blobs.length).toBe(9);
    expect(await toArray(store.roots.list())).toEqual([]);
  });

  it('keeps what a lease has seen or written, until it is released', async () => {
    const store = get();
    const seen = await putImage(store, 'seen');
    await store.tag('seen:1', seen.manifest);
    const opened = await putText(store, 'opened');
    const unseen = await putText(store, 'unseen');
    const lease = await store.lease();
    await store.resolve('seen:1');
    await readText(store, opened);
    const put = await putText(store, 'put under the lease');
    const ingested = await store.ingest(streamOf(Buffer.from('ingested')), BLOB);
    const staged = await store.stage();
    writeFileSync(staged.path, 'staged');
    const committed = await staged.commit(describeBytes('staged'));
    const open = await store.stage();
    await store.remove('seen:1');
    expect((await again().collect()).blobs.map(({ digest }) => digest)).toEqual([unseen.digest]);
    for (const blob of [...seen.all, opened, put, ingested, committed])
      expect(await store.has(blob)).toBe(true);
    writeFileSync(open.path, 'x');
    await open.commit(describeBytes('x'));
    await lease.release();
    await lease.release();
    expect((await again().collect()).blobs.length).toBe(8);
  });

  it('never takes a live blob while others put, name and remove', async () => {
    const store = get();
    const other = again();
    let stop = false;
    let collections = 0;
    const collecting = (async () => {
      while (!stop) {
        await other.collect();
        collections++;
        await new Promise((resume) => setImmediate(resume));
      }
    })();
    try {
      for (let round = 0; round < 20; round++) {
        const lease = await store.lease();
        const image = await putImage(store, `image ${round % 5}`);
        for (const blob of image.all) expect(await store.has(blob)).toBe(true);
        await store.tag(`n${round % 5}:1`, image.manifest);
        await lease.release();
        for (const blob of image.all) expect(await store.has(blob)).toBe(true);
        if (round % 3 === 0) await store.remove(`n${round % 5}:1`);
      }
    } finally {
      stop = true;
      await collecting;
    }
    expect(collections).toBeGreaterThan(0);
    await expectClean(store);
  });

  it('stands an index of which one image is there only', async () => {
    const store = get();
    const { manifest, all } = await putImage(store, 'image');
    const absent = describeBytes('{"other":1}', MANIFEST);
    const index = await putJson(store, INDEX, { schemaVersion: 2, manifests: [absent, manifest] });
    await store.tag('x:1', index);
    await expectClean(store);
    expect((await store.collect()).blobs).toEqual([]);
    for (const blob of [index, ...all]) expect(await store.has(blob)).toBe(true);
    const lost = describeBytes('{"lost":1}', MANIFEST);
    const empty = await putJson(store, INDEX, { schemaVersion: 2, manifests: [lost] });
    await store.tag('x:2', empty);
    expect(await toArray(store.check())).toMatchObject([{ kind: 'missing', digest: lost.digest }]);
  });

  it('finds references to blobs that are missing', async () => {
    const store = get();
    const layer = describeBytes('not there', LAYER);
    const config = await putText(store, '{}', CONFIG);
    const manifest = await putJson(store, MANIFEST, { schemaVersion: 2, config, layers: [layer] });
    await store.tag('x:1', manifest);
    const problems = await toArray(store.check());
    expect(problems).toMatchObject([{ kind: 'missing', digest: layer.digest }]);
  });
}
