import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteStream, collect, streamOf } from '../base/bytes.ts';
import { compress } from './compress.ts';
import { decompress } from './decompress.ts';

const LIMIT = 64 * 1024 * 1024;
const KINDS = ['gzip', 'zstd', 'none'] as const;
const BLOCK = 512 * 1024;

/** Bytes that compress somewhat, the same every time. */
function sample(size: number): Buffer {
  const out = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    out[i] = (state >>> 16) % 7 === 0 ? state >>> 24 : 97 + (i % 13);
  }
  return out;
}

test('a level that does not exist is refused', () => {
  expect(() => compress(streamOf(), 'gzip', { level: 10 })).toThrow('gzip has no level 10, want 0 to 9');
  expect(() => compress(streamOf(), 'zstd', { level: 0 })).toThrow('zstd has no level 0');
});

test('an error of the input comes out as it is', async () => {
  const input = async function* (): ByteStream {
    yield sample(3 * BLOCK);
    throw new TypeError('the line is dead');
  };
  for (const kind of KINDS) {
    await expect(collect(compress(input(), kind), LIMIT)).rejects.toThrow(new TypeError('the line is dead'));
  }
});

test('the input is closed when the consumer stops early', async () => {
  for (const kind of KINDS) {
    let closed = false;
    const input = async function* (): ByteStream {
      try {
        for (;;) yield sample(BLOCK / 4);
      } finally {
        closed = true;
      }
    };
    let chunks = 0;
    for await (const _ of compress(input(), kind)) if (++chunks === 2) break;
    expect(closed).toBe(true);
  }
});

describe.each(['gzip', 'zstd'] as const)('%s', (kind) => {
  test.each([0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7])(
    '%d bytes come back',
    async (size) => {
      const bytes = sample(size);
      const packed = await collect(compress(streamOf(bytes), kind), LIMIT);
      expect((await collect(decompress(streamOf(packed), kind), LIMIT)).equals(bytes)).toBe(true);
    },
  );

  test('the cut of the input does not change the result', async () => {
    const bytes = sample(2 * BLOCK + 1234);
    const want = await collect(compress(streamOf(bytes), kind), LIMIT);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (cuts) => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const parts = sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
        expect((await collect(compress(streamOf(...parts), kind), LIMIT)).equals(want)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test('every level gives its own content back', async () => {
    const bytes = sample(BLOCK + 99);
    for (const level of kind === 'gzip' ? [0, 1, 6, 9] : [1, 3, 19]) {
      const packed = await collect(compress(streamOf(bytes), kind, { level }), LIMIT);
      expect((await collect(decompress(streamOf(packed)), LIMIT)).equals(bytes)).toBe(true);
    }
  });
});

describe('gzip', () => {
  test('is one member with a fixed header and a right trailer', async () => {
    const bytes = sample(3 * BLOCK);
    const packed = await collect(compress(streamOf(bytes), 'gzip'), LIMIT);
    expect(packed.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
    expect(gunzipSync(packed).equals(bytes)).toBe(true);
    expect(packed.indexOf(Buffer.from('1f8b0800', 'hex'), 1)).toBe(-1);
  });

  test('blocks see the block before them: text that repeats across the cut stays small', async () => {
    const noise = createHash('sha512').update('seed').digest();
    const bytes = Buffer.concat(Array.from({ length: (4 * BLOCK) / 64 }, () => noise));
    const packed = await collect(compress(streamOf(bytes), 'gzip'), LIMIT);
    expect(packed.length).toBeLessThan(16_000);
  });

  test('the bytes are the same with one thread and with many', () => {
    const script = `
      import { createHash } from 'node:crypto';
      import { compress } from ${JSON.stringify(new URL('../../dist/compress/compress.js', import.meta.url).href)};
      async function* input() { for (let i = 0; i < 60; i++) yield Buffer.alloc(100_000 + i, 'line ' + i * i + ' of the text'); }
      const hash = createHash('sha256');
      for await (const chunk of compress(input(), 'gzip')) hash.update(chunk);
      process.stdout.write(hash.digest('hex'));`;
    const digest = (threads: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        env: { ...process.env, UV_THREADPOOL_SIZE: threads },
      });
    expect(digest('1')).toBe(digest('8'));
  });
});
