import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDobosError } from '../../src/base/errors.ts';
import { createTarDecoder, type TarDecodeOptions } from '../../src/tar/decoder.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';
import type { TarHeader } from '../../src/tar/header.ts';

/** What became of an archive: 'accepted', or the code of the error; anything but our errors fails the test. */
interface Outcome {
  readonly code: string;
  readonly names: readonly string[];
  readonly bytes: number;
  readonly largest: number;
}

function outcome(chunks: Iterable<Buffer>, o: TarDecodeOptions = {}): Outcome {
  const names: string[] = [];
  let bytes = 0;
  let largest = 0;
  let open = 0;
  const decoder = createTarDecoder(
    {
      onEntry(header, place) {
        names.push(header.name);
        open++;
        expect(place.offset).toBeGreaterThan(place.start);
        expect(place.end).toBeGreaterThanOrEqual(place.offset);
      },
      onData(chunk) {
        bytes += chunk.length;
        largest = Math.max(largest, chunk.length);
      },
      onEntryEnd: () => void open--,
    },
    { maxHoleBytes: 1e7, ...o },
  );
  try {
    for (const chunk of chunks) decoder.write(chunk);
    decoder.end();
    expect(open).toBe(0);
  } catch (error) {
    if (!isDobosError(error)) throw error;
    expect(error.code).toMatch(/^TAR_/);
    expect(error.message.length).toBeLessThan(1000);
    return { code: error.code, names, bytes, largest };
  }
  return { code: 'accepted', names, bytes, largest };
}

const PLAIN: TarHeader = {
  name: 'a',
  kind: 'file',
  mode: 0o644,
  uid: 1,
  gid: 2,
  size: 0,
  mtime: { seconds: 3, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
};

function entry(fields: Partial<TarHeader>, content = ''): Buffer {
  const bytes = Buffer.from(content, 'latin1');
  const header = encodeHeader({ ...PLAIN, ...fields, size: bytes.length });
  return Buffer.concat([header, bytes, Buffer.alloc(padding(bytes.length))]);
}

function patch(block: Buffer, fields: Readonly<Record<number, string | Buffer>>): Buffer {
  const out = Buffer.from(block);
  for (const [at, value] of Object.entries(fields)) {
    (typeof value === 'string' ? Buffer.from(value, 'latin1') : value).copy(out, Number(at));
  }
  return resum(out, 0);
}

function resum(out: Buffer, at: number): Buffer {
  out.fill(0x20, at + 148, at + 156);
  const sum = out.subarray(at, at + 512).reduce((a, b) => a + b, 0);
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  return out;
}

function meta(flag: string, content: string): Buffer {
  const bytes = Buffer.from(content, 'latin1');
  const size = bytes.length.toString(8).padStart(11, '0');
  const head = patch(encodeHeader(PLAIN), { 124: size, 156: flag });
  return Buffer.concat([head, bytes, Buffer.alloc(padding(bytes.length))]);
}

function record(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + 1;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;

/** An archive with every construct the decoder knows. */
const RICH = Buffer.concat([
  entry({ name: 'dir', kind: 'directory' }),
  entry({ name: 'é', uid: 3_000_000, xattrs: new Map([['user.a', Buffer.from([0, 10, 61])]]) }, 'hello'),
  meta('L', `${'l'.repeat(200)}\0`),
  meta('K', `${'k'.repeat(200)}\0`),
  entry({ kind: 'symlink', linkName: 'x' }),
  meta('g', record('comment', 'hi') + record('uid', '5')),
  Buffer.concat([
    patch(entry({}, 'abc'), {
      156: 'S',
      257: 'ustar  \0',
      386: octal(2) + octal(1) + octal(5) + octal(2),
      483: octal(9),
    }),
  ]),
  meta(
    'x',
    record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0') + record('GNU.sparse.realsize', '4'),
  ),
  entry({}, `${'1\n2\n1\n'.padEnd(512, '\0')}z`),
  entry({ name: 'dev', kind: 'block', device: { major: 8, minor: 1 } }),
  endOfArchive(),
]);

describe('sizes that lie', () => {
  test.each([
    ['larger than the archive', octal(1_000_000), 'TAR_TRUNCATED'],
    ['the largest octal', '77777777777\0', 'TAR_TRUNCATED'],
    ['negative', Buffer.from('ffffffffffffffffffffffff', 'hex'), 'TAR_BAD_HEADER'],
    ['the largest base-256', Buffer.from('bfffffffffffffffffffffff', 'hex'), 'TAR_BAD_HEADER'],
    ['one below 2^53', Buffer.from('80000000001fffffffffffff', 'hex'), 'TAR_BAD_HEADER'],
    ['2^53', Buffer.from('800000000020000000000000', 'hex'), 'TAR_BAD_HEADER'],
    ['2^64 + 1', Buffer.from('800000010000000000000001', 'hex'), 'TAR_BAD_HEADER'],
    ['decimal', '999999999999', 'TAR_BAD_HEADER'],
    ['with a sign', '-0000000001\0', 'TAR_BAD_HEADER'],
    ['with a NUL inside', '0000\x000000001', 'TAR_BAD_HEADER'],
  ])('%s', (_what, size, code) => {
    const bytes = Buffer.concat([patch(encodeHeader(PLAIN), { 124: size }), Buffer.alloc(2048, 'x')]);
    expect(outcome([bytes]).code).toBe(code);
  });

  test('smaller than the content: what follows is no header', () => {
    const bytes = Buffer.concat([patch(encodeHeader({ ...PLAIN, size: 1 }), {}), Buffer.alloc(1024, 'x')]);
    expect(outcome([bytes])).toMatchObject({ code: 'TAR_BAD_HEADER', names: ['a'], bytes: 1 });
  });

  test('a pax size that differs from the header wins, as in every reader of pax', () => {
    const bytes = Buffer.concat([
      meta('x', record('size', '600')),
      entry({}, 'x'.repeat(10)),
      Buffer.alloc(512, 'y'),
    ]);
    expect(outcome([bytes])).toMatchObject({ code: 'accepted', bytes: 600 });
  });

  test('a header hidden in content stays content', () => {
    const inner = entry({ name: 'hidden' }).toString('latin1');
    expect(outcome([entry({ name: 'outer' }, inner)]).names).toEqual(['outer']);
    const lying = Buffer.concat([
      patch(encodeHeader({ ...PLAIN, kind: 'directory' }), { 124: octal(512) }),
      entry({ name: 'seen' }),
    ]);
    expect(outcome([lying]).names).toEqual(['a', 'seen']);
  });
});

describe('bombs', () => {
  test('an endless pax header, long name or chain of them takes no memory', () => {
    const claims = patch(encodeHeader(PLAIN), { 124: '77777777777', 156: 'x' });
    expect(outcome([claims]).code).toBe('TAR_LIMIT');
    const before = process.memoryUsage().rss;
    const chain = Buffer.concat(
      Array.from({ length: 3 }, () => meta('x', record('comment', 'c'.repeat(1_000_000)))),
    );
    expect(outcome(repeat(chain, 300)).code).toBe('TAR_TRUNCATED');
    const names = Buffer.concat(Array.from({ length: 20 }, () => meta('L', 'n'.repeat(65_000))));
    expect(outcome(repeat(names, 300)).code).toBe('TAR_TRUNCATED');
    // Of 1.3 GB that pass by: what a collector leaves lying about, not what the archive claims.
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  });

  test('global headers that pile up are limited together', () => {
    function* globals(): Generator<Buffer> {
      for (let i = 0; i < 10_000; i++) yield meta('g', record(`SCHILY.xattr.user.${i}`, 'v'.repeat(1000)));
    }
    expect(outcome(globals()).code).toBe('TAR_LIMIT');
    expect(outcome(globals(), { globals: 'ignore' }).code).toBe('accepted');
  });

  test('a million records in one header are read once', () => {
    const records = record('a', '')
      .repeat(200_000)
      .slice(0, 1_000_000 - (1_000_000 % 5));
    expect(outcome([meta('x', records), entry({})])).toMatchObject({ code: 'accepted', names: ['a'] });
    const xattrs = Array.from({ length: 4096 }, (_, i) => record(`SCHILY.xattr.u${i}`, 'v'.repeat(200))).join(
      '',
    );
    expect(outcome([meta('x', xattrs), entry({})]).code).toBe('accepted');
  });

  test('holes end at the limit and come in small pieces', () => {
    const hole = (size: number): Buffer =>
      Buffer.concat([
        meta('x', record('GNU.sparse.size', String(size)) + record('GNU.sparse.map', '0,0')),
        entry({}),
      ]);
    expect(outcome([hole(9_000_000)])).toMatchObject({ code: 'accepted', bytes: 9_000_000 });
    expect(outcome([hole(9_000_000)]).largest).toBeLessThanOrEqual(1024 * 1024);
    expect(outcome([hole(11_000_000)])).toMatchObject({ code: 'TAR_LIMIT', bytes: 0 });
    expect(outcome(repeat(hole(1_000_000), 50))).toMatchObject({ code: 'TAR_LIMIT', bytes: 10_000_000 });
    expect(outcome([hole(Number.MAX_SAFE_INTEGER)]).code).toBe('TAR_LIMIT');
  });

  test('a sparse map that never ends is limited', () => {
    const extension = Buffer.alloc(512);
    for (let i = 0; i < 21; i++) extension.write(octal(0) + octal(0), i * 24, 'latin1');
    extension[504] = 1;
    const head = patch(encodeHeader(PLAIN), {
      156: 'S',
      257: 'ustar  \0',
      386: octal(0) + octal(0),
      482: '\x01',
      483: octal(5),
    });
    function* endless(): Generator<Buffer> {
      yield head;
      for (let i = 0; i < 1_000_000; i++) yield extension;
    }
    expect(outcome(endless()).code).toBe('TAR_LIMIT');
    const map = Array.from({ length: 200_000 }, (_, i) => `${i},0`)
      .join(',')
      .slice(0, 900_000);
    expect(
      outcome([meta('x', record('GNU.sparse.size', '9') + record('GNU.sparse.map', map)), entry({})]).code,
    ).toMatch(/TAR_(LIMIT|BAD_HEADER)/);
  });
});

describe('sparse maps of old GNU that lie', () => {
  const old = (map: string, realSize: string, content: string): Buffer =>
    patch(entry({}, content), { 156: 'S', 257: 'ustar  \0', 386: map, 483: realSize });
  const negative = Buffer.from('ffffffffffffffffffffffff', 'hex').toString('latin1');
  const large = Buffer.from('80000000001fffffffffffff', 'hex').toString('latin1');
  test.each([
    ['overlapping pieces', old(octal(0) + octal(2) + octal(1) + octal(1), octal(5), 'abc')],
    ['pieces beyond the end', old(octal(4) + octal(2), octal(5), 'ab')],
    ['a negative offset', old(negative + octal(1), octal(5), 'a')],
    ['a negative size', old(octal(0) + negative, octal(5), '')],
    ['a negative file size', old(octal(0) + octal(1), negative, 'a')],
    ['an overflowing sum', old(large + large, large, 'a')],
    ['more than is stored', old(octal(0) + octal(100), octal(100), 'a')],
    ['less than is stored', old(octal(0) + octal(1), octal(100), 'abc')],
  ])('%s', (_what, bytes) => {
    expect(outcome([bytes])).toMatchObject({ code: 'TAR_BAD_HEADER', bytes: 0 });
  });
});

test('names are given as they are: nothing is joined, followed or dropped', () => {
  const names = [
    '../../etc/passwd',
    '/etc/passwd',
    './.',
    '..',
    'a//b',
    'a\nb',
    '.wh..wh..opq',
    '\x1b[2J',
    'a\\b',
  ];
  expect(outcome(names.map((name) => entry({ name }))).names).toEqual(names);
});

test('the same name twice, of any kinds, is two entries', () => {
  const twice = [
    entry({}, '1'),
    entry({}, '22'),
    entry({ kind: 'directory' }),
    entry({ kind: 'symlink', linkName: 'a' }),
  ];
  expect(outcome(twice)).toMatchObject({ code: 'accepted', names: ['a', 'a', 'a', 'a'], bytes: 3 });
});

test('garbage after the end, and garbage where a header should be', () => {
  const end = Buffer.concat([entry({}, 'x'), endOfArchive()]);
  expect(outcome([end, Buffer.alloc(4096)]).code).toBe('accepted');
  expect(outcome([end, Buffer.from('garbage')]).code).toBe('TAR_TRAILING');
  expect(outcome([end, entry({ name: 'second archive' })]).code).toBe('TAR_TRAILING');
  expect(outcome([end, entry({ name: 'second archive' })], { trailing: 'ignore' })).toMatchObject({
    code: 'accepted',
    names: ['a'],
  });
  expect(outcome([entry({}), Buffer.alloc(512, 'garbage ')]).code).toBe('TAR_BAD_HEADER');
  expect(outcome([entry({}), Buffer.from('garbage')]).code).toBe('TAR_TRUNCATED');
  expect(outcome([Buffer.from('#!/bin/sh\necho this is no tar\n'.padEnd(2048))]).code).toBe('TAR_BAD_HEADER');
});

test('an archive cut at any byte is accepted or truncated, never anything else', () => {
  expect(outcome([RICH])).toMatchObject({ code: 'accepted' });
  const got = new Set<string>();
  for (let size = 0; size < RICH.length; size++) {
    const { code } = outcome([RICH.subarray(0, size)]);
    if (size % 512 !== 0 && size < RICH.length - 1024)
      expect(`${size} ${code}`).toBe(`${size} TAR_TRUNCATED`);
    got.add(code);
  }
  expect([...got].sort()).toEqual(['TAR_TRUNCATED', 'accepted']);
});

describe('mutated archives', () => {
  const mutations = fc.array(fc.tuple(fc.nat(RICH.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });

  test('raw mutations give an outcome of ours, the same in any cut', () => {
    fc.assert(
      fc.property(mutations, fc.integer({ min: 1, max: 2000 }), (changes, size) => {
        const bytes = Buffer.from(RICH);
        for (const [at, value] of changes) bytes[at] = value;
        const { largest: _, ...whole } = outcome([bytes]);
        expect(outcome(cut(bytes, size))).toMatchObject(whole);
      }),
      { numRuns: 1500 },
    );
  });

  test('mutated headers with right checksums too', () => {
    const blocks = RICH.length / 512;
    fc.assert(
      fc.property(
        mutations,
        fc.array(fc.nat(blocks - 1), { maxLength: 3 }),
        fc.integer({ min: 1, max: 2000 }),
        (changes, moved, size) => {
          const bytes = Buffer.from(RICH);
          for (const [at, value] of changes) bytes[at] = value;
          for (const block of moved)
            bytes.copyWithin(
              512 * block,
              512 * ((block * 7 + 3) % blocks),
              512 * (((block * 7 + 3) % blocks) + 1),
            );
          for (let at = 0; at < bytes.length; at += 512) {
            if (bytes.toString('latin1', at + 257, at + 262) === 'ustar') resum(bytes, at);
          }
          const { largest: _, ...whole } = outcome([bytes]);
          expect(outcome(cut(bytes, size))).toMatchObject(whole);
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('pax records of any bytes', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }).map((value) => Buffer.from(value).toString('latin1')),
      fc.constantFrom('0', '-1', '1.5', '99999999999999999999', '', '1,2,3,4'),
    );
    const key = fc.constantFrom(
      'path',
      'linkpath',
      'size',
      'uid',
      'gid',
      'mtime',
      'uname',
      'GNU.sparse.map',
      'GNU.sparse.size',
      'GNU.sparse.major',
      'GNU.sparse.offset',
      'GNU.sparse.numbytes',
      'GNU.sparse.name',
      'SCHILY.xattr.',
      'SCHILY.xattr.user.x',
      'LIBARCHIVE.xattr.a%',
      'SCHILY.devmajor',
      'other',
    );
    const records = fc.array(
      fc.oneof(
        fc.tuple(key, text).map(([k, v]) => record(k, v)),
        text,
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.constantFrom('x', 'g', 'X', 'L', 'K'), records, (flag, lines) => {
        outcome([meta(flag, lines.join('')), entry({}, 'abc'), entry({ name: 'b' }), endOfArchive()]);
      }),
      { numRuns: 2000 },
    );
  });
});

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function* repeat(bytes: Buffer, times: number): Generator<Buffer> {
  for (let i = 0; i < times; i++) yield bytes;
}
