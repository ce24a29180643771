import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteStream } from '../base/bytes.ts';
import type { Descriptor } from '../oci/types.ts';
import type { BytesFrom } from './contract.ts';
import { describeBytes, expectClean, expectCode, toArray } from './contract-fixtures.ts';
import { createDirectoryStore } from './directory-store.ts';
import { ownerId } from './owner.ts';
import { PARTIAL_AGE_MS } from './partial-files.ts';

const SIZE = 3 * 1024 * 1024;
const CHUNK = 64 * 1024;
const bytes = Buffer.alloc(SIZE, 'the bytes of a layer, not compressed; ');
const blob: Descriptor = describeBytes(bytes);
const name = blob.digest.replace(':', '-');
/** An owner of this boot and pid namespace whose process cannot be: pids end below 2^22. */
const deadOwner = (): string => ['9999999', '1', ...ownerId().split('-').slice(2)].join('-');

/** A source that notes what it was asked for, and breaks before this byte. */
function source(o: { breakAt?: number; of?: Buffer; error?: unknown; onChunk?: () => void } = {}): {
  asked: number[];
  from: BytesFrom;
} {
  const asked: number[] = [];
  async function* from(offset: number): ByteStream {
    asked.push(offset);
    const of = o.of ?? bytes;
    for (let at = offset; at < of.length; at += CHUNK) {
      if (at + CHUNK > (o.breakAt ?? Number.POSITIVE_INFINITY)) throw o.error ?? new Error('the line broke');
      o.onChunk?.();
      yield of.subarray(at, at + CHUNK);
    }
  }
  return { asked, from };
}

describe('a put that is cut', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-partial-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const partials = (): string[] =>
    existsSync(join(folder, 'partial')) ? readdirSync(join(folder, 'partial')) : [];
  const open = () => createDirectoryStore(folder);
  const cutAt = async (breakAt: number): Promise<void> => {
    await expect(open().put(blob, source({ breakAt }).from)).rejects.toThrow('the line broke');
  };
  const plant = (file: string, content: Buffer): void => {
    writeFileSync(join(folder, 'partial', file), content, { mode: 0o600 });
  };
  const expectStored = (): void => {
    expect(readFileSync(join(folder, 'blobs', blob.digest.replace(':', '/'))).equals(bytes)).toBe(true);
    expect(partials()).toEqual([]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  };

  it('keeps what came, which is no blob, and the next put asks for the rest only', async () => {
    await cutAt(2 * 1024 * 1024);
    expect(partials()).toEqual([name]);
    expect(statSync(join(folder, 'partial', name))).toMatchObject({ size: 2 * 1024 * 1024 });
    expect(statSync(join(folder, 'partial', name)).mode & 0o777).toBe(0o600);
    expect(await open().has(blob)).toBe(false);
    await expectClean(open());
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([2 * 1024 * 1024]);
    expectStored();
  });

  it('grows with every try', async () => {
    await cutAt(CHUNK);
    await cutAt(5 * CHUNK);
    expect(statSync(join(folder, 'partial', name)).size).toBe(5 * CHUNK);
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([5 * CHUNK]);
    expectStored();
  });

  it('keeps what came when it is told to stop', async () => {
    const control = new AbortController();
    let chunks = 0;
    const stopping = source({ onChunk: () => ++chunks === 10 && control.abort() });
    await expect(open().put(blob, stopping.from, { signal: control.signal })).rejects.toThrow(/abort/);
    const kept = statSync(join(folder, 'partial', name)).size;
    expect(kept).toBeGreaterThanOrEqual(9 * CHUNK);
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([kept]);
    expectStored();
  });

  it('asks for nothing if only the end of the work was missing', async () => {
    await cutAt(CHUNK);
    plant(name, bytes);
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([]);
    expectStored();
  });

  it.each([
    ['of other bytes', Buffer.alloc(1024 * 1024, 'x'), [1024 * 1024, 0]],
    ['whole and wrong', Buffer.alloc(SIZE, 'x'), [0]],
    ['longer than the blob', Buffer.alloc(SIZE + 1, 'x'), [0]],
    ['empty', Buffer.alloc(0), [0]],
  ])('throws away a beginning that is %s, and asks once more from 0', async (_, content, asked) => {
    await cutAt(CHUNK);
    plant(name, content);
    const again = source();
    await open().put(blob, again.from);
    expect(again.asked).toEqual(asked);
    expectStored();
  });

  it('leaves nothing when the bytes are wrong from 0', async () => {
    const wrong = source({ of: Buffer.alloc(SIZE, 'y') });
    await expectCode(open().put(blob, wrong.from), 'BYTES_MISMATCH');
    expect(wrong.asked).toEqual([0]);
    await cutAt(CHUNK);
    const stillWrong = source({ of: Buffer.alloc(SIZE, 'y') });
    await expectCode(open().put(blob, stillWrong.from), 'BYTES_MISMATCH');
    expect(stillWrong.asked).toEqual([CHUNK, 0]);
    await expectCode(
      open().put(blob, source({ of: Buffer.alloc(SIZE + CHUNK, 'y') }).from),
      'BYTES_MISMATCH',
    );
    await expectCode(open().put(blob, source({ of: bytes.subarray(0, SIZE - 1) }).from), 'BYTES_MISMATCH');
    expect(partials()).toEqual([]);
    expect(await open().has(blob)).toBe(false);
  });

  it('leaves nothing when the source itself says that the bytes are wrong', async () => {
    const error = Object.assign(new Error('wrong'), { name: 'BYTES_MISMATCH' });
    await expect(open().put(blob, source({ breakAt: 5 * CHUNK, error }).from)).rejects.toThrow('wrong');
    expect(partials()).toEqual([name]);
    const { bytesError } = await import('../base/bytes.ts');
    const mismatch = bytesError('BYTES_MISMATCH', { ...blob, gotDigest: 'x', gotSize: 1 });
    await expectCode(
      open().put(blob, source({ breakAt: 5 * CHUNK, error: mismatch }).from),
      'BYTES_MISMATCH',
    );
    expect(partials()).toEqual([]);
  });

  it('goes on with the longest of what dead processes left, and removes the others', async () => {
    await cutAt(CHUNK);
    plant(`${name}.${deadOwner()}.0123456789abcdef`, bytes.subarray(0, 7 * CHUNK));
    plant(`${name}.${deadOwner()}.0123456789abcde0`, bytes.subarray(0, 2 * CHUNK));
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([7 * CHUNK]);
    expectStored();
  });

  it('leaves alone what a live process writes, and begins its own', async () => {
    let go = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    const first = source();
    async function* slow(offset: number): ByteStream {
      for await (const part of first.from(offset)) {
        yield part;
        await waiting;
      }
    }
    await cutAt(CHUNK);
    const one = open().put(blob, slow);
    while (first.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = source();
    await open().put(blob, second.from);
    go();
    await one;
    expect([first.asked, second.asked]).toEqual([[CHUNK], [0]]);
    expectStored();
  });

  it('keeps the longer of two that are cut', async () => {
    const long = source({ breakAt: 20 * CHUNK });
    const short = source({ breakAt: 10 * CHUNK });
    const store = open();
    await Promise.allSettled([store.put(blob, long.from), store.put(blob, short.from)]);
    expect(partials()).toEqual([name]);
    expect(statSync(join(folder, 'partial', name)).size).toBe(20 * CHUNK);
  });

  it('does not follow a link, nor read a folder, that takes its place', async () => {
    await cutAt(CHUNK);
    rmSync(join(folder, 'partial', name));
    const outside = join(folder, 'outside');
    writeFileSync(outside, bytes.subarray(0, CHUNK));
    symlinkSync(outside, join(folder, 'partial', name));
    const again = source();
    await open().put(blob, again.from);
    expect(again.asked).toEqual([0]);
    expect(readFileSync(outside).length).toBe(CHUNK);
  });

  it('begins small blobs again', async () => {
    const small = describeBytes(bytes.subarray(0, 256 * 1024 - 1));
    const cut = source({ breakAt: 3 * CHUNK });
    await expect(open().put(small, cut.from)).rejects.toThrow('the line broke');
    expect(partials()).toEqual([]);
  });

  it('is no leftover until it is old or its blob is there', async () => {
    await cutAt(CHUNK);
    plant(`${name}.${deadOwner()}.0123456789abcdef`, bytes.subarray(0, 2 * CHUNK));
    await expectClean(open());
    await open().collect();
    expect(partials().length).toBe(2);
    const then = (Date.now() - PARTIAL_AGE_MS - 60_000) / 1000;
    utimesSync(join(folder, 'partial', name), then, then);
    expect(await toArray(open().check())).toMatchObject([{ kind: 'leftover', repaired: false }]);
    await open().collect();
    expect(partials().length).toBe(1);
    await open().put(
      blob,
      (async function* () {
        yield bytes;
      })(),
    );
    await open().collect();
    expect(partials()).toEqual([]);
  });

  it('goes with a collection that is told so, which says how much', async () => {
    await cutAt(5 * CHUNK);
    plant(`${name}.${ownerId()}.0123456789abcdef`, bytes.subarray(0, 2 * CHUNK));
    expect((await open().collect()).bytes).toBe(0);
    expect((await open().collect({ partials: true, dryRun: true })).bytes).toBe(5 * CHUNK);
    expect((await open().collect({ partials: true })).bytes).toBe(5 * CHUNK);
    expect(partials().length).toBe(1);
  });

  it('starts again when the file became shorter than its name was found', async () => {
    await cutAt(5 * CHUNK);
    truncateSync(join(folder, 'partial', name), CHUNK - 1);
    const rest = source();
    await open().put(blob, rest.from);
    expect(rest.asked).toEqual([CHUNK - 1]);
    expectStored();
  });
});
