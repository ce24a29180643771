import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { compress } from './compress.ts';
import { decompress } from './decompress.ts';

const LIMIT = 64 * 1024 * 1024;
const open = (bytes: Uint8Array): Promise<Buffer> => collect(decompress(streamOf(bytes)), LIMIT);
const codeOf = async (bytes: Uint8Array): Promise<string> => {
  try {
    await open(bytes);
  } catch (error) {
    return isDobosError(error) ? error.code : `not ours: ${error}`;
  }
  return 'accepted';
};
const pack = (bytes: Uint8Array, kind: 'gzip' | 'zstd'): Promise<Buffer> =>
  collect(compress(streamOf(bytes), kind), LIMIT);
const SKIPPABLE = Buffer.from('512a4d1803000000abcdef', 'hex');
const TEXT = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(40));

describe.each(['gzip', 'zstd'] as const)('%s', (kind) => {
  test('cut off at any byte is refused', async () => {
    const whole = await pack(TEXT, kind);
    expect(await codeOf(whole)).toBe('accepted');
    for (let size = 1; size < whole.length; size++) {
      const got = await collect(decompress(streamOf(whole.subarray(0, size)), kind), LIMIT).catch(
        (e) => e.code,
      );
      expect(`${size} ${got}`).toBe(`${size} COMPRESS_TRUNCATED`);
    }
    expect(await collect(decompress(streamOf(), kind), LIMIT).catch((e) => e.code)).toBe(
      'COMPRESS_TRUNCATED',
    );
  });

  test('a second member cut off at any byte is refused', async () => {
    const whole = await pack(Buffer.from('abc'), kind);
    for (let size = 1; size < whole.length; size++) {
      expect(await codeOf(Buffer.concat([whole, whole.subarray(0, size)]))).toBe('COMPRESS_TRUNCATED');
    }
  });

  test('bytes after the end are refused, zeros too, in the same chunk or a later one', async () => {
    const whole = await pack(TEXT, kind);
    for (const tail of [
      Buffer.alloc(8),
      Buffer.from('garbage!'),
      Buffer.alloc(512),
      Buffer.from('\0gz garbage'),
    ]) {
      expect(await codeOf(Buffer.concat([whole, tail]))).toBe('COMPRESS_TRAILING');
      const later = collect(decompress(streamOf(whole, tail)), LIMIT);
      await expect(later).rejects.toMatchObject({ code: 'COMPRESS_TRAILING' });
    }
    expect(await codeOf(Buffer.concat([whole, Buffer.alloc(1)]))).not.toBe('accepted');
  });

  test('a flipped bit is refused or changes nothing that the format protects', async () => {
    const whole = await pack(TEXT, kind);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
        const bad = Buffer.from(whole);
        bad[bit >> 3]! ^= 1 << (bit & 7);
        const code = await collect(decompress(streamOf(bad), kind), LIMIT).then(
          () => 'accepted',
          (e) => e.code as string,
        );
        expect(code).toMatch(/^(accepted|COMPRESS_(TRUNCATED|TRAILING|CORRUPT|WINDOW))$/);
      }),
      { numRuns: 200 },
    );
  });

  test('several members are one content, and the cut of the input does not matter', async () => {
    const members = Buffer.concat([
      await pack(TEXT, kind),
      await pack(Buffer.alloc(0), kind),
      await pack(TEXT, kind),
    ]);
    const want = Buffer.concat([TEXT, TEXT]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(members.length), { maxLength: 12 }), async (cuts) => {
        const got = await collect(decompress(streamOf(...split(members, cuts))), LIMIT);
        expect(got.equals(want)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('the input is closed when the consumer stops early', async () => {
    const whole = await pack(Buffer.alloc(32 * 1024 * 1024), kind);
    let closed = false;
    const input = async function* (): ByteStream {
      try {
        for (let at = 0; ; at = (at + 1024) % whole.length) yield whole.subarray(at, at + 1024);
      } finally {
        closed = true;
      }
    };
    for await (const _ of decompress(input())) break;
    expect(closed).toBe(true);
  });

  test('an error of the input comes out as it is', async () => {
    const whole = await pack(TEXT, kind);
    const input = async function* (): ByteStream {
      yield whole.subarray(0, 20);
      throw new TypeError('the line is dead');
    };
    await expect(collect(decompress(input()), LIMIT)).rejects.toThrow(new TypeError('the line is dead'));
  });

  test('an abort ends it with the reason given', async () => {
    const whole = await pack(Buffer.alloc(8 * 1024 * 1024), kind);
    const stop = new AbortController();
    const input = async function* (): ByteStream {
      yield whole.subarray(0, 100);
      stop.abort(new Error('enough'));
      yield whole.subarray(100);
    };
    const reading = collect(decompress(input(), undefined, { signal: stop.signal }), LIMIT);
    await expect(reading).rejects.toThrow('enough');
  });

  test('a bomb comes out in small pieces, so that a limit bites', async () => {
    const bomb = await pack(Buffer.alloc(48 * 1024 * 1024), kind);
    expect(bomb.length).toBeLessThan(100_000);
    let largest = 0;
    for await (const chunk of decompress(streamOf(bomb))) largest = Math.max(largest, chunk.length);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
    await expect(collect(decompress(streamOf(bomb)), 1000)).rejects.toMatchObject({ code: 'BYTES_TOO_MANY' });
  });
});

describe('gzip', () => {
  test('a wrong checksum or length is refused', async () => {
    const whole = gzipSync(TEXT);
    for (const back of [1, 4, 5, 8]) {
      const bad = Buffer.from(whole);
      bad[bad.length - back]! ^= 0xff;
      expect(await codeOf(bad)).toBe('COMPRESS_CORRUPT');
    }
  });

  test('data that is no gzip is corrupt when gzip was said', async () => {
    await expect(collect(decompress(streamOf(TEXT), 'gzip'), LIMIT)).rejects.toMatchObject({
      code: 'COMPRESS_CORRUPT',
    });
  });

  test('a member with every optional header field is read', async () => {
    const raw = deflateRawSync(TEXT, { finishFlush: constants.Z_FINISH });
    const head = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 4 + 8 + 16, 1, 2, 3, 4, 0, 3, 2, 0, 9, 9]),
      Buffer.from('name\0comment\0'),
    ]);
    const plain = gzipSync(TEXT);
    const whole = Buffer.concat([head, raw, plain.subarray(plain.length - 8)]);
    expect((await open(whole)).equals(TEXT)).toBe(true);
  });
});

describe('zstd', () => {
  test('skippable frames before, between and after are passed over', async () => {
    const frame = await pack(TEXT, 'zstd');
    const whole = Buffer.concat([SKIPPABLE, frame, SKIPPABLE, SKIPPABLE, frame, SKIPPABLE]);
    for (let size = 1; size <= whole.length; size += 7) {
      const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, i * size + size),
      );
      expect((await collect(decompress(streamOf(...parts)), LIMIT)).equals(Buffer.concat([TEXT, TEXT]))).toBe(
        true,
      );
    }
    expect((await open(SKIPPABLE)).length).toBe(0);
    expect(await codeOf(SKIPPABLE.subarray(0, 9))).toBe('COMPRESS_TRUNCATED');
  });

  test('a window above the limit, a dictionary, a reserved bit or block is refused before anything is allocated', async () => {
    const frame = (hex: string): Buffer => Buffer.from(`28b52ffd${hex}`, 'hex');
    expect(await codeOf(frame('00f8'))).toBe('COMPRESS_WINDOW');
    expect(await codeOf(frame('e0ffffffffffffff00'))).toBe('COMPRESS_WINDOW');
    expect(await codeOf(frame('015807'))).toBe('COMPRESS_CORRUPT');
    expect(await codeOf(frame('0858'))).toBe('COMPRESS_CORRUPT');
    expect(await codeOf(frame('0058070000'))).toBe('COMPRESS_CORRUPT');
    expect(await codeOf(frame('0058f9ffff'))).toBe('COMPRESS_CORRUPT');
  });

  test('a million repeat blocks in one chunk come out bounded', async () => {
    // Each block of 4 bytes stands for 128 KiB.
    const block = Buffer.from('02001061', 'hex');
    const bomb = Buffer.concat([
      Buffer.from('28b52ffd0058', 'hex'),
      ...Array.from({ length: 50_000 }, () => block),
    ]);
    const before = process.memoryUsage().arrayBuffers;
    for await (const _ of decompress(streamOf(bomb))) {
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
      break;
    }
    let total = 0;
    for await (const chunk of decompress(streamOf(bomb))) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024);
      total += chunk.length;
      if (total > 256 * 1024 * 1024) break;
    }
    expect(total).toBeGreaterThan(256 * 1024 * 1024);
  });
});

test('nothing is nothing, and what is not compressed passes unchanged', async () => {
  expect((await open(Buffer.alloc(0))).length).toBe(0);
  expect((await open(TEXT)).equals(TEXT)).toBe(true);
  expect((await open(Buffer.from('ab'))).toString()).toBe('ab');
});

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const sorted = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}
