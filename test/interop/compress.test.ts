import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { type ByteStream, collect, streamOf } from '../../src/base/bytes.ts';
import { compress } from '../../src/compress/compress.ts';
import { decompress } from '../../src/compress/decompress.ts';

const LIMIT = 64 * 1024 * 1024;
const open = (...parts: Uint8Array[]): Promise<Buffer> => collect(decompress(streamOf(...parts)), LIMIT);
const run = (program: string, args: readonly string[], input: Buffer): Buffer =>
  execFileSync(program, args, { input, maxBuffer: LIMIT, stdio: ['pipe', 'pipe', 'pipe'] });
const TEXT = Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(30));

/** Text and noise, the same every time: compresses to about half. */
const SAMPLE = Buffer.alloc(3_000_001);
for (let i = 0, state = 1; i < SAMPLE.length; i++) {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  SAMPLE[i] = (i >> 10) % 2 === 0 ? state >>> 24 : TEXT[i % TEXT.length]!;
}

const PACKERS: readonly (readonly [kind: string, program: string, args: readonly string[]])[] = [
  ['gzip', 'gzip', ['-c']],
  ['gzip -1', 'gzip', ['-1', '-c']],
  [
    'gzip of Python, with name and time',
    'python3',
    [
      '-c',
      "import gzip,sys; f=gzip.GzipFile('name','wb',9,sys.stdout.buffer,7); f.write(sys.stdin.buffer.read()); f.close()",
    ],
  ],
  ['zstd', 'zstd', ['-c']],
  ['zstd without checksum', 'zstd', ['-c', '--no-check']],
  ['zstd -19', 'zstd', ['-19', '-c']],
  ['zstd with long distances', 'zstd', ['--long=27', '-c']],
  ['zstd of threads', 'zstd', ['-T2', '-B524288', '-c']],
  ['xz', 'xz', ['-c']],
  ['xz of blocks', 'xz', ['-0', '--block-size=100000', '-c']],
  ['bzip2', 'bzip2', ['-c']],
];

describe.each(PACKERS)('%s', (_kind, program, args) => {
  test('is opened, by content, in any cut, also several one after the other', async () => {
    const one = run(program, args, SAMPLE);
    const two = run(program, args, TEXT);
    const empty = run(program, args, Buffer.alloc(0));
    expect((await open(one)).equals(SAMPLE)).toBe(true);
    expect((await open(empty)).length).toBe(0);
    const many = Buffer.concat([one, empty, two]);
    const want = Buffer.concat([SAMPLE, TEXT]);
    expect((await open(many)).equals(want)).toBe(true);
    for (const size of [1000, 65_536]) {
      const parts = Array.from({ length: Math.ceil(many.length / size) }, (_, i) =>
        many.subarray(i * size, (i + 1) * size),
      );
      expect((await open(...parts)).equals(want)).toBe(true);
    }
  });

  test('cut off or followed by garbage is refused', async () => {
    const whole = run(program, args, TEXT);
    const step = program === 'xz' || program === 'bzip2' ? 9 : 1;
    for (let size = 12; size < whole.length; size += step) {
      await expect(open(whole.subarray(0, size))).rejects.toMatchObject({ code: 'COMPRESS_TRUNCATED' });
    }
    for (const tail of [Buffer.from('garbage'), Buffer.from('\0\0\0\0\0\0\0garbage')]) {
      await expect(open(Buffer.concat([whole, tail]))).rejects.toMatchObject({
        code: expect.stringMatching(/^COMPRESS_(TRAILING|CORRUPT|TRUNCATED)$/),
      });
      await expect(open(whole, tail)).rejects.toMatchObject({
        code: expect.stringMatching(/^COMPRESS_(TRAILING|CORRUPT|TRUNCATED)$/),
      });
    }
  });

  test('a wrong byte in the middle is refused', async () => {
    const whole = run(program, args, SAMPLE);
    const bad = Buffer.from(whole);
    bad[bad.length >> 1]! ^= 0x55;
    if (args.includes('--no-check')) return;
    await expect(open(bad)).rejects.toMatchObject({ code: expect.stringMatching(/^COMPRESS_/) });
  });
});

test('zstd frames with skippable frames between them are opened', async () => {
  const frame = run('zstd', ['-c'], TEXT);
  const skippable = Buffer.concat([Buffer.from('5e2a4d1840420f00', 'hex'), Buffer.alloc(1_000_000, 0x28)]);
  const got = await open(skippable, frame, skippable, frame, skippable);
  expect(got.equals(Buffer.concat([TEXT, TEXT]))).toBe(true);
});

describe('what we compress', () => {
  test.each([
    ['gzip', 'gzip'],
    ['zstd', 'zstd'],
  ] as const)('%s opens and tests it', async (kind, program) => {
    for (const bytes of [Buffer.alloc(0), TEXT, SAMPLE, Buffer.alloc(8 * 1024 * 1024)]) {
      const packed = await collect(compress(streamOf(bytes), kind), LIMIT);
      run(program, ['-t'], packed);
      expect(run(program, ['-dc'], packed).equals(bytes)).toBe(true);
    }
  });

  test("is as small as gzip's own, within a hundredth", async () => {
    const packed = await collect(compress(streamOf(SAMPLE), 'gzip'), LIMIT);
    expect(packed.length).toBeLessThan(run('gzip', ['-6', '-c'], SAMPLE).length * 1.01);
  });
});

describe('xz and bzip2 through their programs', () => {
  const PATH = process.env.PATH;
  afterEach(() => {
    process.env.PATH = PATH;
  });

  test.each(['xz', 'bzip2'] as const)(
    '%s that is not installed is named, with its package',
    async (program) => {
      const packed = run(program, ['-c'], TEXT);
      process.env.PATH = '/nonexistent';
      await expect(open(packed)).rejects.toMatchObject({
        code: 'COMPRESS_PROGRAM_MISSING',
        message: `the program ${program} is not on this machine, and ${program} data needs it`,
        hint: `install the package ${program === 'xz' ? 'xz-utils' : 'bzip2'}`,
      });
    },
  );

  test.each(['xz', 'bzip2'] as const)(
    '%s ends when the consumer stops, and the input is closed',
    async (program) => {
      const packed = run(program, ['-c'], Buffer.alloc(60_000_000));
      let closed = false;
      const input = async function* (): ByteStream {
        try {
          for (;;) yield packed;
        } finally {
          closed = true;
        }
      };
      for await (const chunk of decompress(input())) if (chunk.length > 0) break;
      expect(closed).toBe(true);
      expect(children(program)).toBe('');
    },
  );

  test.each(['xz', 'bzip2'] as const)('%s is killed by an abort', async (program) => {
    const packed = run(program, ['-c'], SAMPLE);
    const stop = new AbortController();
    const input = async function* (): ByteStream {
      yield packed.subarray(0, 100_000);
      setImmediate(() => stop.abort(new Error('enough')));
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
      yield packed.subarray(100_000);
    };
    await expect(collect(decompress(input(), undefined, { signal: stop.signal }), LIMIT)).rejects.toThrow(
      'enough',
    );
    expect(children(program)).toBe('');
  });

  test('an error of the input comes out as it is', async () => {
    const input = async function* (): ByteStream {
      yield run('xz', ['-c'], SAMPLE).subarray(0, 1000);
      throw new TypeError('the line is dead');
    };
    await expect(collect(decompress(input()), LIMIT)).rejects.toThrow(new TypeError('the line is dead'));
  });

  test('xz that wants more memory than its limit is refused', async () => {
    const packed = run('xz', ['-c', '--lzma2=dict=512MiB'], TEXT);
    await expect(open(packed)).rejects.toMatchObject({
      code: 'COMPRESS_CORRUPT',
      message: expect.stringMatching(/memory/i),
    });
  });
});

/** Children of this process that run the program. */
function children(program: string): string {
  const list = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'comm='], { encoding: 'utf8' });
  return list
    .split('\n')
    .filter((name) => name.trim() === program)
    .join();
}
