import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type ByteStream, collect, sha256, streamOf } from '../base/bytes.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from './contract.ts';
import {
  BLOB,
  describeBytes,
  expectClean,
  expectCode,
  LAYER,
  putText,
  readText,
} from './contract-fixtures.ts';

/** The part of the contract suite on blobs. */
export function blobTests(get: () => LocalStore): void {
  it('gives back what was put', async () => {
    const store = get();
    const blob = describeBytes('hello');
    expect(await store.has(blob)).toBe(false);
    await store.put(blob, streamOf(Buffer.from('he'), Buffer.from('llo')));
    expect(await store.has(blob)).toBe(true);
    expect(await readText(store, blob)).toBe('hello');
  });

  it('stores the empty blob', async () => {
    const blob = describeBytes('');
    await get().put(blob, streamOf());
    expect(await readText(get(), blob)).toBe('');
  });

  it('stores large blobs in chunks of any size', async () => {
    const bytes = Buffer.alloc(3_000_000, 'abcdefghijk');
    const blob = describeBytes(bytes);
    await get().put(
      blob,
      streamOf(bytes.subarray(0, 10), bytes.subarray(10, 2_000_000), bytes.subarray(2_000_000)),
    );
    expect(sha256(await collect(get().open(blob), bytes.length))).toBe(blob.digest);
  });

  it('stores blobs named by sha512', async () => {
    const digest =
      'sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043';
    const blob: Descriptor = { mediaType: BLOB, digest, size: 5 };
    await get().put(blob, streamOf(Buffer.from('hello')));
    expect(await readText(get(), blob)).toBe('hello');
  });

  it.each([
    ['other bytes of the same length', 'hellO'],
    ['too few bytes', 'hell'],
    ['too many bytes', 'hello!'],
    ['no bytes', ''],
  ])('refuses %s and shows nothing', async (_, text) => {
    const blob = describeBytes('hello');
    await expectCode(get().put(blob, streamOf(Buffer.from(text))), 'BYTES_MISMATCH');
    expect(await get().has(blob)).toBe(false);
    expect(await get().has(describeBytes(text))).toBe(false);
    await get().put(blob, streamOf(Buffer.from('hello')));
    expect(await get().has(blob)).toBe(true);
  });

  it('stops reading a stream that is longer than it says', async () => {
    const blob = describeBytes('hello');
    let pulled = 0;
    async function* endless(): ByteStream {
      for (;;) {
        pulled++;
        yield Buffer.alloc(1000);
      }
    }
    await expectCode(get().put(blob, endless()), 'BYTES_MISMATCH');
    expect(pulled).toBeLessThan(3);
  });

  it('passes on the error of the stream and shows nothing', async () => {
    const blob = describeBytes('hello');
    async function* failing(): ByteStream {
      yield Buffer.from('hel');
      throw Object.assign(new Error('source broke'), { code: 'EACCES', syscall: 'read' });
    }
    await expect(get().put(blob, failing())).rejects.toThrow('source broke');
    await expect(get().ingest(failing(), BLOB)).rejects.toThrow('source broke');
    expect(await get().has(blob)).toBe(false);
    expect((await get().collect()).blobs).toEqual([]);
  });

  it('takes a blob that is there without reading the stream, and ends the stream', async () => {
    const blob = await putText(get(), 'hello');
    let pulled = 0;
    let returned = 0;
    const stream: ByteStream = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          pulled++;
          return { done: true, value: undefined };
        },
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    await get().put(blob, stream);
    expect([pulled, returned]).toEqual([0, 1]);
  });

  it('takes bytes by their offset, also after a cut, and asks for none if the blob is there', async () => {
    const bytes = Buffer.alloc(2_500_000, 'abcdefghijk');
    const blob = describeBytes(bytes);
    const asked: number[] = [];
    const from = (breakAt: number) =>
      async function* (offset: number): ByteStream {
        asked.push(offset);
        for (let at = offset; at < bytes.length; at += 50_000) {
          if (at >= breakAt) throw new Error('cut');
          yield bytes.subarray(at, at + 50_000);
        }
      };
    await expect(get().put(blob, from(2_000_000))).rejects.toThrow('cut');
    expect(await get().has(blob)).toBe(false);
    await get().put(blob, from(9_000_000));
    expect(asked[0]).toBe(0);
    expect(asked.length).toBe(2);
    expect(asked[1] === 0 || asked[1] === 2_000_000).toBe(true);
    expect(sha256(await collect(get().open(blob), bytes.length))).toBe(blob.digest);
    await get().put(blob, from(9_000_000));
    expect(asked.length).toBe(2);
  });

  it('stores one blob put by many at once', async () => {
    const bytes = Buffer.alloc(200_000, 'x');
    const blob = describeBytes(bytes);
    const put = () => get().put(blob, streamOf(bytes.subarray(0, 150_000), bytes.subarray(150_000)));
    await Promise.all(Array.from({ length: 10 }, put));
    expect((await collect(get().open(blob), 300_000)).equals(bytes)).toBe(true);
  });

  it('does not have a blob by another size, and does not open it', async () => {
    const blob = await putText(get(), 'hello');
    expect(await get().has({ ...blob, size: 4 })).toBe(false);
    expect(await get().locate({ ...blob, size: 4 })).toBeUndefined();
    await expect(readText(get(), { ...blob, size: 4 })).rejects.toThrow();
  });

  it('says which blob is not there', async () => {
    await expectCode(readText(get(), describeBytes('hello')), 'STORE_NOT_FOUND');
    expect(await get().locate(describeBytes('hello'))).toBeUndefined();
  });

  it('reads a part', async () => {
    const blob = await putText(get(), 'hello world');
    const part = async (offset: number, size: number) =>
      (await collect(get().open(blob, { range: { offset, size } }), 100)).toString();
    expect(await part(6, 5)).toBe('world');
    expect(await part(0, 2)).toBe('he');
    expect(await part(9, 100)).toBe('ld');
    expect(await part(11, 5)).toBe('');
    expect(await part(50, 5)).toBe('');
  });

  it('locates a blob on disk or nowhere', async () => {
    const blob = await putText(get(), 'hello');
    const region = await get().locate(blob);
    if (region === undefined) expect(get().folder).toBeUndefined();
    else
      expect(
        readFileSync(region.path)
          .subarray(region.offset, region.offset + region.size)
          .toString(),
      ).toBe('hello');
  });

  it('ingests bytes and says what they are', async () => {
    const blob = await get().ingest(streamOf(Buffer.from('hello')), LAYER);
    expect(blob).toEqual({ ...describeBytes('hello'), mediaType: LAYER });
    expect(await get().ingest(streamOf(Buffer.from('hello')), LAYER)).toEqual(blob);
    expect(await readText(get(), blob)).toBe('hello');
  });

  it.each([
    'sha256:../../../../etc/passwd',
    `sha256:${'A'.repeat(64)}`,
    `sha256:${'a'.repeat(63)}`,
    `sha256:${'a'.repeat(65)}`,
    `sha256:${'a'.repeat(64)}\n`,
    `sha512:${'a'.repeat(64)}`,
    `md5:${'a'.repeat(32)}`,
    `blake3:${'a'.repeat(64)}`,
    'sha256',
    '',
  ])('refuses the digest %j before it becomes a path', async (text) => {
    const blob: Descriptor = { mediaType: BLOB, digest: text as Digest, size: 0 };
    await expectCode(get().put(blob, streamOf()), 'STORE_BAD_DIGEST');
    await expectCode(readText(get(), blob), 'STORE_BAD_DIGEST');
    await expectCode(get().has(blob), 'STORE_BAD_DIGEST');
    await expectCode(get().locate(blob), 'STORE_BAD_DIGEST');
    await expectCode(get().tag('a', blob), 'STORE_BAD_DIGEST');
    const staged = await get().stage();
    await expectCode(staged.commit(blob), 'STORE_BAD_DIGEST');
    await staged.abort();
  });

  it('honours a signal before and during a put, and shows nothing after', async () => {
    const blob = describeBytes('hello');
    const control = new AbortController();
    async function* aborting(): ByteStream {
      yield Buffer.from('hel');
      control.abort();
      yield Buffer.from('lo');
    }
    await expect(get().put(blob, aborting(), { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().put(blob, streamOf(), { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().ingest(streamOf(), BLOB, { signal: control.signal })).rejects.toThrow(/abort/);
    await expect(get().has(blob, { signal: control.signal })).rejects.toThrow(/abort/);
    expect(await get().has(blob)).toBe(false);
    expect((await get().collect()).blobs).toEqual([]);
    await expectClean(get());
  });
}
