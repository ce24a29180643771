import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import { MAX_MANIFEST_BYTES } from '../oci/limits.ts';
import type { Descriptor } from '../oci/types.ts';
import type { BlobSource, BytesFrom, LocalStore, OpenOptions } from './contract.ts';
import {
  CONFIG,
  describeBytes,
  expectClean,
  expectCode,
  INDEX,
  LAYER,
  MANIFEST,
  putImage,
  putJson,
  putText,
} from './contract-fixtures.ts';
import { type CopyEvent, copy } from './copy.ts';
import { createDirectoryStore } from './directory-store.ts';
import { createMemoryStore } from './memory-store.ts';

/** A store that counts, and notes the order of what it was given. */
function counting(store: LocalStore): LocalStore & { readonly puts: string[]; most(): number } {
  const puts: string[] = [];
  let running = 0;
  let most = 0;
  return {
    ...store,
    puts,
    most: () => most,
    async put(expected: Descriptor, bytes: ByteStream | BytesFrom, o) {
      most = Math.max(most, ++running);
      await new Promise((resume) => setImmediate(resume));
      await store.put(expected, bytes, o);
      running--;
      puts.push(expected.digest);
    },
  };
}

describe('copy', () => {
  it('moves an image, children before parents, and nothing the second time', async () => {
    const from = createMemoryStore();
    const to = counting(createMemoryStore());
    const image = await putImage(from, 'image');
    await copy(from, to, image.manifest);
    expect(to.puts.length).toBe(3);
    expect(to.puts.at(-1)).toBe(image.manifest.digest);
    await to.tag('x:1', image.manifest);
    await expectClean(to);
    await copy(from, to, image.manifest);
    expect(to.puts.length).toBe(3);
  });

  it('moves nested indexes, a shared blob once, at most three blobs at a time', async () => {
    const from = createMemoryStore();
    const to = counting(createMemoryStore());
    const layers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => putText(from, `layer ${at}`, LAYER)),
    );
    const config = await putJson(from, CONFIG, {});
    const one = await putJson(from, MANIFEST, { schemaVersion: 2, config, layers });
    const two = await putJson(from, MANIFEST, { schemaVersion: 2, config, layers: layers.slice(3) });
    const inner = await putJson(from, INDEX, { schemaVersion: 2, manifests: [two, one] });
    const odd = await putText(from, '<xml/>', 'application/xml');
    const root = await putJson(from, INDEX, { schemaVersion: 2, manifests: [one, inner, odd] });
    await copy(from, to, root);
    expect(to.puts.length).toBe(new Set(to.puts).size);
    expect(to.puts.length).toBe(12 + 1 + 2 + 2 + 1);
    expect(to.puts.indexOf(inner.digest)).toBeGreaterThan(to.puts.indexOf(two.digest));
    expect(to.puts.at(-1)).toBe(root.digest);
    expect(to.most()).toBe(3);
    await to.tag('x:1', root);
    await expectClean(to);
  });

  it('completes an index of which the destination has one platform only', async () => {
    const from = createMemoryStore();
    const to = counting(createMemoryStore());
    const [one, two] = [await putImage(from, 'one'), await putImage(from, 'two')];
    const root = await putJson(from, INDEX, { schemaVersion: 2, manifests: [one.manifest, two.manifest] });
    await copy(from, to, one.manifest);
    await putJson(to, INDEX, { schemaVersion: 2, manifests: [one.manifest, two.manifest] });
    to.puts.length = 0;
    await copy(from, to, root);
    expect([...to.puts].sort()).toEqual(two.all.map(({ digest }) => digest).sort());
  });

  it('goes on where it was cut', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobos-copy-'));
    try {
      const from = createMemoryStore();
      const to = createDirectoryStore(folder);
      const text = 'a layer, not compressed; '.repeat(200_000);
      const image = await putImage(from, text);
      const asked: (number | undefined)[] = [];
      let breaks = true;
      const breaking: BlobSource = {
        has: from.has,
        async *open(wanted, o) {
          if (wanted.digest !== image.layer.digest) return yield* from.open(wanted, o);
          asked.push(o?.range?.offset);
          const { offset, size } = o?.range ?? { offset: 0, size: wanted.size };
          const whole = await collect(from.open(wanted, { range: { offset, size } }), text.length);
          for (let at = 0; at < whole.length; at += 50_000) {
            if (breaks && offset + at >= 3_000_000) throw new Error('cut');
            yield whole.subarray(at, at + 50_000);
          }
        },
      };
      await expect(copy(breaking, to, image.manifest)).rejects.toThrow('cut');
      breaks = false;
      const done: number[] = [];
      await copy(breaking, to, image.manifest, {
        onEvent: (event) =>
          event.kind === 'moved' && event.blob.digest === image.layer.digest && done.push(event.done),
      });
      expect(asked).toEqual([undefined, 3_000_000]);
      expect([done[0], done.at(-1)]).toEqual([3_000_000, text.length]);
      await to.tag('x:1', image.manifest);
      await expectClean(to);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what it does', async () => {
    const from = createMemoryStore();
    const to = createMemoryStore();
    const image = await putImage(from, 'image');
    await copy(from, to, image.layer);
    const events: CopyEvent[] = [];
    await copy(from, to, image.manifest, { onEvent: (event) => events.push(event) });
    const of = (blob: Descriptor) =>
      events.filter((event) => event.blob.digest === blob.digest).map(({ kind }) => kind);
    expect(of(image.layer)).toEqual(['skipped']);
    expect(of(image.manifest)).toEqual(['started', 'moved', 'finished']);
    expect(events).toContainEqual({ kind: 'moved', blob: image.manifest, done: image.manifest.size });
  });

  it('leaves out layers that may not be passed on, unless they are there', async () => {
    const from = createMemoryStore();
    const to = createMemoryStore();
    const type = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const config = await putJson(from, CONFIG, {});
    const absent = describeBytes('absent', type);
    const present = await putText(from, 'present', type);
    const root = await putJson(from, MANIFEST, { schemaVersion: 2, config, layers: [absent, present] });
    await copy(from, to, root);
    expect([await to.has(absent), await to.has(present), await to.has(root)]).toEqual([false, true, true]);
  });

  it('fails when the source lacks a blob, and then the destination lacks the parents', async () => {
    const from = createMemoryStore();
    const to = createMemoryStore();
    const config = await putJson(from, CONFIG, {});
    const root = await putJson(from, MANIFEST, {
      schemaVersion: 2,
      config,
      layers: [describeBytes('absent', LAYER)],
    });
    await expectCode(copy(from, to, root), 'STORE_NOT_FOUND');
    expect(await to.has(root)).toBe(false);
  });

  it.each([
    ['not JSON', 'x', 'STORE_FORMAT'],
    ['a manifest and an index at once', '{"layers":[],"manifests":[{}]}', 'STORE_FORMAT'],
    ['larger than manifests may be', ' '.repeat(MAX_MANIFEST_BYTES + 1), 'BYTES_TOO_MANY'],
  ])('refuses a manifest that is %s', async (_, text, code) => {
    const from = createMemoryStore();
    await expectCode(copy(from, createMemoryStore(), await putText(from, text, MANIFEST)), code);
  });

  it('refuses indexes nested too deep', async () => {
    const from = createMemoryStore();
    let root = (await putImage(from, 'image')).manifest;
    for (let depth = 0; depth < 20; depth++) {
      root = await putJson(from, INDEX, { schemaVersion: 2, manifests: [root], depth });
    }
    await expectCode(copy(from, createMemoryStore(), root), 'STORE_TOO_DEEP');
  });

  it('refuses bytes that the source changed', async () => {
    const from = createMemoryStore();
    const to = createMemoryStore();
    const image = await putImage(from, 'image');
    const lying = {
      ...from,
      open: (wanted: Descriptor) =>
        wanted.digest === image.layer.digest ? streamOf(Buffer.from('imagE')) : from.open(wanted),
    };
    await expectCode(copy(lying, to, image.manifest), 'BYTES_MISMATCH');
    expect([await to.has(image.layer), await to.has(image.manifest)]).toEqual([false, false]);
  });

  it('asks a source with another place for a wrong blob once more', async () => {
    const from = createMemoryStore();
    const image = await putImage(from, 'image');
    const wrong = (wanted: Descriptor) => streamOf(Buffer.alloc(wanted.size));
    /** Blobs as each place has them; a blob is read from the next place once it is distrusted. */
    const mirrored = (...places: readonly ((wanted: Descriptor) => ByteStream)[]) => {
      const at = new Map<string, number>();
      return {
        ...from,
        open: (wanted: Descriptor, o?: OpenOptions) =>
          o?.unverified === true ? places[at.get(wanted.digest) ?? 0]!(wanted) : from.open(wanted, o),
        distrust: ({ digest }: Descriptor) => {
          at.set(digest, (at.get(digest) ?? 0) + 1);
          return at.get(digest)! < places.length;
        },
      };
    };
    const to = createMemoryStore();
    await copy(mirrored(wrong, from.open), to, image.manifest);
    expect(await to.has(image.manifest)).toBe(true);
    await expectCode(copy(mirrored(wrong, wrong), createMemoryStore(), image.manifest), 'BYTES_MISMATCH');
  });

  it('stops when told to', async () => {
    const from = createMemoryStore();
    const image = await putImage(from, 'image');
    const control = new AbortController();
    const onEvent = () => control.abort();
    await expect(
      copy(from, createMemoryStore(), image.manifest, { signal: control.signal, onEvent }),
    ).rejects.toThrow(/abort/);
  });
});
