import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTarDecoder, type TarDecodeOptions } from './decoder.ts';
import { encodeHeader, endOfArchive, padding } from './encoder.ts';
import type { TarHeader, TarPlace } from './header.ts';

interface Seen {
  readonly header: TarHeader;
  readonly place: TarPlace;
  readonly content: string;
}

function decode(bytes: Buffer, o: TarDecodeOptions = {}, cuts: readonly number[] = []): Seen[] {
  const seen: Seen[] = [];
  let current: { header: TarHeader; place: TarPlace } | undefined;
  let parts: Buffer[] = [];
  const decoder = createTarDecoder(
    {
      onEntry(header, place) {
        expect(current).toBeUndefined();
        current = { header, place };
        parts = [];
      },
      onData: (chunk) => void parts.push(Buffer.from(chunk)),
      onEntryEnd() {
        seen.push({ ...current!, content: Buffer.concat(parts).toString('latin1') });
        current = undefined;
      },
    },
    o,
  );
  const sorted = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < sorted.length; i++) decoder.write(bytes.subarray(sorted[i - 1], sorted[i]));
  decoder.end();
  return seen;
}

const NAMES = (bytes: Buffer, o?: TarDecodeOptions): string[] =>
  decode(bytes, o).map((entry) => entry.header.name);

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
  const size = Buffer.byteLength(content, 'latin1');
  return Buffer.concat([
    encodeHeader({ ...PLAIN, ...fields, size }),
    Buffer.from(content, 'latin1'),
    Buffer.alloc(padding(size)),
  ]);
}

/** A block with fields overwritten and the checksum made right again. */
function patch(block: Buffer, fields: Readonly<Record<number, string | Buffer>>): Buffer {
  const out = Buffer.from(block);
  for (const [at, value] of Object.entries(fields))
    Buffer.from(value as string, 'latin1').copy(out, Number(at));
  out.fill(0x20, 148, 156);
  const sum = out.subarray(0, 512).reduce((a, b) => a + b, 0);
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return out;
}

function meta(flag: string, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string, 'latin1');
  const size = bytes.length.toString(8).padStart(11, '0');
  return Buffer.concat([
    patch(encodeHeader(PLAIN), { 124: size, 156: flag }),
    bytes,
    Buffer.alloc(padding(bytes.length)),
  ]);
}

function record(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + 1;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

describe('the end of an archive', () => {
  test('zero bytes, only zero blocks, one zero block, none at all and long padding are fine', () => {
    expect(NAMES(Buffer.alloc(0))).toEqual([]);
    expect(NAMES(Buffer.alloc(512))).toEqual([]);
    expect(NAMES(Buffer.alloc(1024))).toEqual([]);
    expect(NAMES(Buffer.alloc(10240))).toEqual([]);
    expect(NAMES(entry({}))).toEqual(['a']);
    expect(NAMES(Buffer.concat([entry({}), Buffer.alloc(700)]))).toEqual(['a']);
  });

  test('data after the end blocks is refused, or ignored when asked', () => {
    const tail = Buffer.concat([entry({}), endOfArchive(), Buffer.alloc(100), Buffer.from('x')]);
    expect(() => decode(tail)).toThrow(
      expect.objectContaining({ code: 'TAR_TRAILING', facts: { offset: 1636 } }),
    );
    expect(NAMES(tail, { trailing: 'ignore' })).toEqual(['a']);
  });

  test('a header after a lone zero block is refused', () => {
    const bytes = Buffer.concat([entry({}), Buffer.alloc(512), entry({ name: 'b' })]);
    expect(() => decode(bytes)).toThrow(/byte 1024: a lone zero block/);
  });

  test('an archive cut anywhere but between entries is truncated, and says inside what', () => {
    const bytes = Buffer.concat([entry({ name: `${'long/'.repeat(40)}é` }, 'content'), entry({ name: 'b' })]);
    const whole = new Set([0, 2048, 2560]);
    for (let size = 0; size < bytes.length; size++) {
      if (whole.has(size)) expect(decode(bytes.subarray(0, size))).toHaveLength(size === 0 ? 0 : 1);
      else {
        expect(() => decode(bytes.subarray(0, size))).toThrow(
          expect.objectContaining({
            code: 'TAR_TRUNCATED',
            facts: expect.objectContaining({ offset: size }),
          }),
        );
      }
    }
    expect(() => decode(bytes.subarray(0, 1538))).toThrow(
      /inside the content of "long.*…", 5 bytes before its end/,
    );
  });

  test('an extension header without its entry is refused', () => {
    const bytes = meta('x', record('path', 'b'));
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'TAR_TRUNCATED' }));
    expect(() => decode(Buffer.concat([bytes, endOfArchive()]))).toThrow(
      expect.objectContaining({ code: 'TAR_BAD_HEADER' }),
    );
    expect(NAMES(Buffer.concat([meta('g', record('comment', 'b')), endOfArchive()]))).toEqual([]);
  });
});

describe('bad headers', () => {
  test('garbage, a wrong checksum and unreadable numbers are named with their offset', () => {
    const good = entry({});
    expect(() => decode(Buffer.concat([good, Buffer.alloc(512, 'garbage')]))).toThrow(
      /header at byte 512: checksum is/,
    );
    const flipped = Buffer.from(good);
    flipped[0] = 0x62;
    expect(() => decode(flipped)).toThrow(/checksum is \d+, the header says \d+/);
    expect(() => decode(patch(good, { 124: 'hello world' }))).toThrow(/"a"\): size is not a number/);
    expect(() => decode(patch(good, { 108: '12 34 5\0' }))).toThrow(/uid is not a number/);
    expect(() => decode(patch(good, { 124: Buffer.from('ffffffffffffffffffffffff', 'hex') }))).toThrow(
      /size is -1, which is out of range/,
    );
    expect(() => decode(patch(good, { 124: Buffer.from('80ffffffffffffffffffffff', 'hex') }))).toThrow(
      /size is not a number that fits/,
    );
    expect(() => decode(patch(good, { 124: Buffer.from('80000000001fffffffffffff', 'hex') }))).toThrow(
      /no archive can hold/,
    );
    expect(() => decode(patch(good, { 108: Buffer.from('80000000ffffffff', 'hex') }))).toThrow(
      /uid is 4294967295/,
    );
  });

  test('a kind nobody knows is unsupported, by name', () => {
    expect(() => decode(patch(entry({}), { 156: 'M' }))).toThrow(
      /entry "a" at byte 0: type 'M' is not supported/,
    );
    expect(() => decode(patch(entry({}), { 156: '\x01' }))).toThrow(/type 1 is not supported/);
  });

  test('after an error the decoder stays failed', () => {
    const decoder = createTarDecoder({ onEntry() {} });
    expect(() => decoder.write(Buffer.alloc(512, 1))).toThrow('checksum');
    expect(() => decoder.write(entry({}))).toThrow('checksum');
    expect(() => decoder.end()).toThrow('checksum');
  });

  test.each([
    ['no length', 'path=b\n'],
    ['a length that is too long', '99 path=b\n'],
    ['a length that is too short', '4 path=b\n'],
    ['a length of 0', '0 path=b\n'],
    ['no newline', '10 path=bb'],
    ['no equals', '8 pathb\n'],
    ['no key', '5 =b\n'],
    ['a NUL in the path', record('path', 'b\0c')],
    ['a size that is no number', record('size', '1e3')],
    ['a negative size', record('size', '-1')],
    ['a size beyond 53 bits', record('size', '9007199254740993')],
    ['a time that is none', record('mtime', '12:30')],
    ['a time with two points', record('mtime', '1.2.3')],
    ['a sparse map of odd length', record('GNU.sparse.map', '1,2,3')],
    ['a sparse file without size', record('GNU.sparse.map', '0,0')],
  ])('a pax header with %s is refused', (_what, text) => {
    const bytes = Buffer.concat([meta('x', text), entry({})]);
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'TAR_BAD_HEADER' }));
  });

  test('extension headers above their limits are refused before they are read', () => {
    const huge = (flag: string): Buffer => patch(encodeHeader(PLAIN), { 124: '77777777777', 156: flag });
    for (const flag of ['x', 'g', 'L', 'K', 'X']) {
      expect(() => decode(huge(flag))).toThrow(expect.objectContaining({ code: 'TAR_LIMIT' }));
    }
    const many = Array.from({ length: 5000 }, (_, i) => record(`SCHILY.xattr.user.${i}`, 'v')).join('');
    expect(() => decode(Buffer.concat([meta('x', many), entry({})]))).toThrow(/extended attributes: 4097/);
    const path = record('path', 'p'.repeat(70_000));
    expect(() => decode(Buffer.concat([meta('x', path), entry({})]))).toThrow(/bytes of pax path: 70000/);
    const globals = Array.from({ length: 3 }, (_, i) =>
      meta('g', Array.from({ length: 30 }, (_, j) => record(`SCHILY.xattr.user.${i}.${j}`, 'v')).join('')),
    );
    expect(() => decode(Buffer.concat(globals))).toThrow(/global extended attributes: 90, want at most 64/);
  });
});

describe('old headers', () => {
  const v7 = (fields: Readonly<Record<number, string>>): Buffer =>
    patch(encodeHeader(PLAIN), { 156: '\0', 257: '\0'.repeat(8), 329: '\0'.repeat(16), ...fields });

  test('a v7 file, and a directory known by its slash', () => {
    const [file, directory] = decode(Buffer.concat([v7({ 0: 'f\0' }), v7({ 0: 'd/\0' })]));
    expect(file!.header).toMatchObject({ name: 'f', kind: 'file', uname: '' });
    expect(directory!.header).toMatchObject({ name: 'd', kind: 'directory' });
  });

  test('what stands in the prefix field of a v7 or GNU header is no prefix', () => {
    expect(NAMES(v7({ 345: 'prefix' }))).toEqual(['a']);
    expect(NAMES(patch(encodeHeader(PLAIN), { 257: 'ustar  \0', 345: 'prefix' }))).toEqual(['a']);
    expect(NAMES(patch(encodeHeader(PLAIN), { 345: 'prefix' }))).toEqual(['prefix/a']);
    const star = patch(encodeHeader(PLAIN), {
      345: 'p'.repeat(131),
      476: '00000000001 00000000001 ',
      508: 'tar\0',
    });
    expect(NAMES(star)).toEqual([`${'p'.repeat(131)}/a`]);
  });

  test('a checksum over signed bytes is accepted', () => {
    const block = patch(encodeHeader({ ...PLAIN, name: 'x' }), { 0: '\xe9' });
    const signed = block.reduce(
      (sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte > 127 ? byte - 256 : byte),
      0,
    );
    block.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(NAMES(block)).toEqual(['\udce9']);
  });

  test('numbers may be padded with spaces or be base-256, and negative times too', () => {
    const block = patch(encodeHeader(PLAIN), {
      100: '   644 \0',
      108: Buffer.from('80000000fffffffe', 'hex').toString('latin1'),
      136: Buffer.from('ffffffffffffffffffffff00', 'hex').toString('latin1'),
    });
    expect(decode(block)[0]!.header).toMatchObject({
      mode: 0o644,
      uid: 0xfffffffe,
      mtime: { seconds: -256, nanos: 0 },
    });
  });

  test('file type bits in the mode are dropped', () => {
    expect(decode(patch(encodeHeader(PLAIN), { 100: '0104755\0' }))[0]!.header.mode).toBe(0o4755);
  });

  test('a contiguous file is a file, a volume label is nothing', () => {
    const contiguous = patch(entry({}, 'abc'), { 156: '7' });
    const label = patch(entry({ name: 'label' }), { 156: 'V' });
    expect(decode(Buffer.concat([label, contiguous]))).toMatchObject([
      { header: { kind: 'file' }, content: 'abc' },
    ]);
  });

  test('kinds without content have none, whatever their size field says', () => {
    const lying = ['1', '2', '3', '4', '5', '6'].map((flag) =>
      patch(encodeHeader(PLAIN), { 124: '00000001000', 156: flag, 157: 't' }),
    );
    const seen = decode(Buffer.concat([...lying, entry({ name: 'last' }, 'x')]));
    expect(seen.map(({ header }) => [header.kind, header.size])).toEqual([
      ['hardlink', 0],
      ['symlink', 0],
      ['character', 0],
      ['block', 0],
      ['directory', 0],
      ['fifo', 0],
      ['file', 1],
    ]);
  });
});

describe('extension headers', () => {
  test('GNU long names and links are for the next entry only', () => {
    const long = 'n'.repeat(300);
    const bytes = Buffer.concat([
      meta('K', `${'t'.repeat(200)}\0`),
      meta('L', `${long}\0`),
      entry({ kind: 'symlink', linkName: 'x' }),
      entry({ name: 'after' }),
      meta('L', 'other\0'),
      entry({ kind: 'symlink', linkName: 'x' }),
    ]);
    const seen = decode(bytes);
    expect(seen[2]!.header).toMatchObject({ name: 'other', linkName: 'x' });
    expect(seen[0]!.header).toMatchObject({ name: long, linkName: 't'.repeat(200) });
    expect(seen[0]!.place).toEqual({ start: 0, offset: 2560, end: 2560 });
    expect(seen[1]!.header.name).toBe('after');
    expect(seen[1]!.place.start).toBe(2560);
  });

  test('a pax size is for the entry, not for a long name header in between', () => {
    const bytes = Buffer.concat([
      meta('x', record('size', '3')),
      meta('L', 'longer-name\0'),
      patch(entry({}, 'abc'), { 124: '00000000000' }),
      entry({ name: 'after' }),
    ]);
    expect(decode(bytes)).toMatchObject([
      { header: { name: 'longer-name', size: 3 }, content: 'abc' },
      { header: { name: 'after' } },
    ]);
  });

  test('global records hold until overridden, an empty value takes one back, and ignoring them is possible', () => {
    const bytes = Buffer.concat([
      meta('g', record('uid', '77') + record('mtime', '-1.25') + record('SCHILY.xattr.user.g', 'G')),
      entry({}),
      meta('x', record('uid', '') + record('SCHILY.xattr.user.x', 'X')),
      entry({}),
      meta('g', record('uid', '78')),
      entry({}),
    ]);
    const seen = decode(bytes).map(({ header }) => header);
    expect(seen.map((header) => header.uid)).toEqual([77, 1, 78]);
    expect(seen[0]!.mtime).toEqual({ seconds: -2, nanos: 750_000_000 });
    expect(seen.map((header) => [...header.xattrs!.keys()])).toEqual([
      ['user.g'],
      ['user.g', 'user.x'],
      ['user.g'],
    ]);
    expect(decode(bytes, { globals: 'ignore' }).map(({ header }) => header.uid)).toEqual([1, 1, 1]);
  });

  test('xattr values are bytes, names may hold what GNU tar escapes, libarchive says them in base64', () => {
    const text =
      record('LIBARCHIVE.xattr.user.a%20b', Buffer.from([0, 255]).toString('base64')) +
      record('LIBARCHIVE.xattr.user.twice', 'AAAA') +
      record('SCHILY.xattr.user.twice', 'S') +
      record('SCHILY.xattr.security.capability', '\x01\0\0\x02=\n\xff') +
      record('SCHILY.xattr.user.%3D%25', '');
    const { xattrs } = decode(Buffer.concat([meta('x', text), entry({})]))[0]!.header;
    expect([...xattrs!].map(([name, value]) => [name, Buffer.from(value).toString('hex')])).toEqual([
      ['user.a b', '00ff'],
      ['user.twice', '53'],
      ['security.capability', '010000023d0aff'],
      ['user.=%', ''],
    ]);
  });

  test('the bytes of an attribute win over its base64, also when they come first', () => {
    const text = record('SCHILY.xattr.user.a', 'S') + record('LIBARCHIVE.xattr.user.a', 'AAAA');
    const { xattrs } = decode(Buffer.concat([meta('x', text), entry({})]))[0]!.header;
    expect(Buffer.from(xattrs!.get('user.a')!).toString()).toBe('S');
  });

  test('digits of a time after the ninth are dropped, and missing ones are zeros', () => {
    const times = ['1.12345678987', '-1.12345678987', '3.5', '4.'];
    const bytes = times.flatMap((time) => [meta('x', record('mtime', time)), entry({})]);
    expect(decode(Buffer.concat(bytes)).map(({ header }) => header.mtime)).toEqual([
      { seconds: 1, nanos: 123_456_789 },
      { seconds: -2, nanos: 876_543_211 },
      { seconds: 3, nanos: 500_000_000 },
      { seconds: 4, nanos: 0 },
    ]);
  });

  test('device numbers come from SCHILY records when they are given', () => {
    const text = record('SCHILY.devmajor', '4000000') + record('SCHILY.devminor', '5');
    const bytes = Buffer.concat([meta('x', text), entry({ kind: 'block', device: { major: 1, minor: 1 } })]);
    expect(decode(bytes)[0]!.header.device).toEqual({ major: 4_000_000, minor: 5 });
  });
});

describe('sparse files', () => {
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;
  const old = (
    pieces: readonly (readonly [number, number])[],
    realSize: number,
    content: string,
    more = false,
  ): Buffer =>
    patch(entry({}, content), {
      156: 'S',
      257: 'ustar  \0',
      386: pieces.map(([at, size]) => octal(at) + octal(size)).join(''),
      482: more ? '\x01' : '\0',
      483: octal(realSize),
    });

  test('old GNU, with and without extension block, is read through its holes', () => {
    const one = old(
      [
        [2, 1],
        [5, 2],
      ],
      9,
      'abc',
    );
    const [header] = [one.subarray(0, 512)];
    const longer = old([[0, 1]], 4, 'xy', true);
    const extension = Buffer.alloc(512);
    extension.write(octal(2) + octal(1), 0, 'latin1');
    const two = Buffer.concat([longer.subarray(0, 512), extension, longer.subarray(512)]);
    expect(header).toBeDefined();
    expect(decode(Buffer.concat([one, two, entry({ name: 'after' })]))).toMatchObject([
      { header: { size: 9 }, content: '\0\0a\0\0bc\0\0' },
      { header: { size: 4 }, content: 'x\0y\0', place: { start: 1024, offset: 2048, end: 2560 } },
      { header: { name: 'after' } },
    ]);
  });

  const pax = (records: string, content: string): Buffer =>
    Buffer.concat([
      meta('x', records),
      entry({ name: 'GNUSparseFile.1/a' }, content),
      entry({ name: 'after' }),
    ]);

  test('0.0, 0.1 and 1.0 are read through their holes', () => {
    const zero =
      record('GNU.sparse.size', '6') +
      record('GNU.sparse.numblocks', '2') +
      record('GNU.sparse.offset', '1') +
      record('GNU.sparse.numbytes', '2') +
      record('GNU.sparse.offset', '6') +
      record('GNU.sparse.numbytes', '0');
    expect(decode(pax(zero, 'ab'))[0]).toMatchObject({ content: '\0ab\0\0\0' });
    const one =
      record('GNU.sparse.size', '6') +
      record('GNU.sparse.name', 'real') +
      record('GNU.sparse.map', '0,1,4,1');
    expect(decode(pax(one, 'ab'))[0]).toMatchObject({
      header: { name: 'real', size: 6 },
      content: 'a\0\0\0b\0',
    });
    const head = record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0');
    const names = record('GNU.sparse.name', 'real') + record('GNU.sparse.realsize', '4');
    const map = '1\n2\n1\n'.padEnd(512, '\0');
    const seen = decode(pax(head + names, `${map}z`));
    expect(seen[0]).toMatchObject({
      header: { name: 'real', size: 4, sparse: [{ offset: 2, size: 1 }] },
      content: '\0\0z\0',
    });
    expect(seen[1]!.header.name).toBe('after');
  });

  test('a file that is one hole needs no stored byte', () => {
    const records = record('GNU.sparse.size', '1000000') + record('GNU.sparse.map', '1000000,0');
    expect(decode(pax(records, ''))[0]!.content).toHaveLength(1_000_000);
  });

  test.each([
    ['overlap', '0,2,1,1', '4', 'abc'],
    ['are out of order', '2,1,0,1', '4', 'ab'],
    ['go beyond the file', '3,2', '4', 'ab'],
    ['are more than is stored', '0,2', '4', 'a'],
    ['are less than is stored', '0,1', '4', 'ab'],
    ['overflow', '9007199254740991,9007199254740991', '9007199254740991', 'a'],
  ])('pieces that %s are refused', (_what, map, size, content) => {
    const bytes = pax(record('GNU.sparse.size', size) + record('GNU.sparse.map', map), content);
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'TAR_BAD_HEADER' }));
  });

  test('holes are limited over the whole archive, so that zeros cannot go on forever', () => {
    const hole = record('GNU.sparse.size', '9007199254740000') + record('GNU.sparse.map', '0,0');
    expect(() => decode(pax(hole, ''))).toThrow(expect.objectContaining({ code: 'TAR_LIMIT' }));
    const small = pax(record('GNU.sparse.size', '60') + record('GNU.sparse.map', '0,0'), '');
    expect(() => decode(Buffer.concat([small, small]), { maxHoleBytes: 100 })).toThrow(
      /bytes of holes: 120, want at most 100/,
    );
  });

  test('a 1.0 map that is no map, or that does not end, is refused', () => {
    const records =
      record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0') + record('GNU.sparse.realsize', '4');
    expect(() => decode(pax(records, 'x'.repeat(512)))).toThrow(/sparse map holds no number/);
    expect(() => decode(pax(records, '1\n'.padEnd(512, '1')))).toThrow(/sparse map holds no number/);
    expect(() => decode(pax(records, `${'9\n'}${'0\n'.repeat(10)}`.padEnd(300, '\0')))).toThrow(
      /does not fit/,
    );
    expect(() => decode(pax(records, '999999999\n'.concat('0\n'.repeat(251))))).toThrow(/does not fit/);
    const later = record('GNU.sparse.major', '2') + record('GNU.sparse.realsize', '4');
    expect(() => decode(pax(later, ''))).toThrow(/sparse format 2.0 is not supported/);
  });
});

describe('jumping over content', () => {
  const bytes = Buffer.concat([
    entry({ name: 'a' }, 'x'.repeat(5000)),
    entry({ name: 'n'.repeat(200) }, 'y'.repeat(512)),
    entry({ name: 'c' }, 'z'),
    endOfArchive(),
  ]);

  test('headers alone are read when every content is skipped', () => {
    const names: string[] = [];
    let ends = 0;
    const decoder = createTarDecoder({
      onEntry: (header) => void names.push(header.name),
      onEntryEnd: () => void ends++,
    });
    let read = 0;
    for (let at = 0; at < bytes.length; ) {
      const skip = decoder.skippable;
      decoder.skip(skip);
      at += skip;
      expect(decoder.offset).toBe(at);
      decoder.write(bytes.subarray(at, at + 512));
      read += 512;
      at += 512;
    }
    decoder.end();
    expect(names).toEqual(['a', 'n'.repeat(200), 'c']);
    expect(ends).toBe(3);
    expect(read).toBe(bytes.length - 5120 - 512 - 512);
  });

  test('only the wanted content comes, and what is skipped may be cut in pieces', () => {
    const parts: string[] = [];
    const decoder = createTarDecoder({
      onEntry() {},
      onData: (chunk) => void parts.push(chunk.toString()),
      wantsContent: (header) => header.name === 'c',
    });
    decoder.write(bytes.subarray(0, 600));
    expect(decoder.skippable).toBe(5120 - 88);
    decoder.skip(5000 - 88);
    expect(decoder.skippable).toBe(120);
    decoder.skip(20);
    expect(() => decoder.skip(101)).toThrow(RangeError);
    decoder.write(bytes.subarray(5532));
    decoder.end();
    expect(parts).toEqual(['z']);
  });

  test('an archive that ends inside skipped content is truncated', () => {
    const decoder = createTarDecoder({ onEntry() {} });
    decoder.write(bytes.subarray(0, 512));
    decoder.skip(100);
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'TAR_TRUNCATED' }));
  });
});

test('the events do not depend on how the input is cut', () => {
  const sparse =
    record('GNU.sparse.major', '1') + record('GNU.sparse.minor', '0') + record('GNU.sparse.realsize', '4');
  const bytes = Buffer.concat([
    entry({ name: 'é'.repeat(99), mtime: { seconds: -5, nanos: 1 } }, 'abc'),
    meta('L', 'long\0'),
    entry({}, 'q'.repeat(1500)),
    meta('x', sparse),
    entry({}, `${'1\n2\n1\n'.padEnd(512, '\0')}z`),
    entry({ kind: 'directory', name: 'd' }),
    Buffer.alloc(3000),
  ]);
  const want = decode(bytes);
  expect(want).toHaveLength(4);
  expect(decode(bytes, {}, Array.from(bytes.keys()))).toEqual(want);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
      expect(decode(bytes, {}, cuts)).toEqual(want);
    }),
  );
});
