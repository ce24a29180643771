import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeName } from '../base/names.ts';
import { createTarDecoder } from './decoder.ts';
import { encodeHeader, encodeHeaderInto, endOfArchive, padding } from './encoder.ts';
import type { TarHeader, TarKind } from './header.ts';

const PLAIN: TarHeader = {
  name: 'a',
  kind: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 0, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
};

function decode(bytes: Buffer): { header: TarHeader; content: Buffer }[] {
  const seen: { header: TarHeader; content: Buffer }[] = [];
  let parts: Buffer[] = [];
  const decoder = createTarDecoder({
    onEntry: (header) => void seen.push({ header, content: Buffer.alloc(0) }),
    onData: (chunk) => void parts.push(chunk),
    onEntryEnd() {
      seen.at(-1)!.content = Buffer.concat(parts);
      parts = [];
    },
  });
  decoder.write(bytes);
  decoder.end();
  return seen;
}

test.each([
  ['an empty name', { name: '' }, 'its name is empty'],
  ['a NUL in the name', { name: 'a\0b' }, 'NUL'],
  ['a NUL in the owner', { uname: 'a\0b' }, 'NUL'],
  ['a file with a slash at the end', { name: 'a/' }, 'ends in a slash'],
  ['a symlink to nothing', { kind: 'symlink' as const }, 'no link target'],
  ['a file with a target', { linkName: 'b' }, 'a file has no link target'],
  ['a directory with content', { kind: 'directory' as const, size: 1 }, 'no content'],
  ['a negative size', { size: -1 }, 'its size is -1'],
  ['a mode with a file type', { mode: 0o100644 }, 'its mode'],
  ['the id that means none', { uid: 0xffffffff }, 'its uid is 4294967295'],
  ['a fraction of an id', { gid: 1.5 }, 'its gid'],
  ['a fraction of a second', { mtime: { seconds: 0.5, nanos: 0 } }, 'its time'],
  ['a billion nanoseconds', { mtime: { seconds: 0, nanos: 1e9 } }, 'its time'],
  ['a device without number', { kind: 'block' as const }, 'device number'],
  ['a nameless xattr', { xattrs: new Map([['', Buffer.alloc(1)]]) }, 'usable name'],
  [
    'xattrs above the limit',
    { xattrs: new Map([['user.a', Buffer.alloc(2 ** 20)]]) },
    'extended attributes of',
  ],
  ['a name above the limit', { name: 'x'.repeat(70_000) }, 'longer than 65536'],
])('%s cannot be encoded', (_what, fields, problem) => {
  expect(() => encodeHeader({ ...PLAIN, ...fields })).toThrow(
    expect.objectContaining({ code: 'TAR_CANNOT_ENCODE', message: expect.stringContaining(problem) }),
  );
});

describe('one ustar block', () => {
  test('is all that is written for what fits it', () => {
    const block = encodeHeader({
      ...PLAIN,
      name: `${'p'.repeat(155)}/${'n'.repeat(100)}`,
      kind: 'symlink',
      linkName: 'l'.repeat(100),
      uid: 0o7777777,
      gid: 1,
      mode: 0o7777,
      mtime: { seconds: 0o77777777777, nanos: 0 },
      uname: 'u'.repeat(31),
    });
    expect(block).toHaveLength(512);
    expect(block.toString('latin1', 0, 100)).toBe('n'.repeat(100));
    expect(block.toString('latin1', 345, 500)).toBe('p'.repeat(155));
    expect(block.toString('latin1', 100, 148)).toBe(
      '0007777\x007777777\x000000001\x0000000000000\x0077777777777\0',
    );
    expect(block.toString('latin1', 257, 265)).toBe('ustar\x0000');
    expect(encodeHeader({ ...PLAIN, size: 0o77777777777 })).toHaveLength(512);
  });

  test('a directory gets its slash, once', () => {
    expect(encodeHeader({ ...PLAIN, kind: 'directory', name: 'd' }).toString('latin1', 0, 4)).toBe('d/\0\0');
    expect(encodeHeader({ ...PLAIN, kind: 'directory', name: 'd/' }).toString('latin1', 0, 4)).toBe('d/\0\0');
  });
});

describe('a pax header', () => {
  test('is written for each thing that does not fit, sorted, under a name of its own', () => {
    const bytes = encodeHeader({
      ...PLAIN,
      name: 'dir/é',
      uid: 3_000_000,
      mtime: { seconds: -2, nanos: 750_000_000 },
      xattrs: new Map([
        ['user.b', Buffer.from('2')],
        ['user.a=%3D', Buffer.from([0, 10, 255])],
      ]),
    });
    expect(bytes).toHaveLength(1536);
    expect(bytes.toString('utf8', 0, 20)).toBe('PaxHeaders/é\0\0\0\0\0\0\0');
    expect(bytes.toString('latin1', 156, 157)).toBe('x');
    expect(bytes.toString('latin1', 512, 1024).replaceAll('\0', '')).toBe(
      '35 SCHILY.xattr.user.a%3D%253D=\n\xff\n25 SCHILY.xattr.user.b=2\n15 mtime=-1.25\n15 path=dir/\xc3\xa9\n15 uid=3000000\n',
    );
  });

  test('names that are not UTF-8 go in as bytes and say so', () => {
    const bytes = encodeHeader({ ...PLAIN, name: decodeName(Buffer.from([0x61, 0xff])) });
    expect(bytes.toString('latin1', 512, 1024)).toContain('21 hdrcharset=BINARY\n11 path=a\xff\n');
  });

  test.each([
    ['a name that can only be cut at its first byte', { name: `/${'n'.repeat(100)}` }],
    ['a prefix of 156 bytes', { name: `${'p'.repeat(156)}/${'n'.repeat(90)}` }],
    ['a last part of 101 bytes', { name: `${'p'.repeat(50)}/${'n'.repeat(101)}` }],
    ['a link target of 101 bytes', { kind: 'symlink' as const, linkName: 'l'.repeat(101) }],
    ['an id of eight octal digits', { uid: 0o10000000 }],
    ['a group of eight octal digits', { gid: 0o10000000 }],
    ['a time of twelve octal digits', { mtime: { seconds: 0o1000000000000, nanos: 0 } }],
    ['an owner of 32 bytes', { uname: 'u'.repeat(32) }],
  ])('is needed for %s', (_what, fields) => {
    const bytes = encodeHeader({ ...PLAIN, ...fields });
    expect(bytes).toHaveLength(1536);
    expect(plain(decode(bytes)[0]!.header)).toEqual(plain({ ...PLAIN, ...fields }));
  });

  test('the length of a record counts its own digits, also where they grow', () => {
    for (let size = 60; size < 1200; size++) {
      const header = { ...PLAIN, name: 'x'.repeat(size) };
      expect(decode(encodeHeader(header))[0]!.header.name).toHaveLength(size);
    }
  });
});

test('encoding into a buffer gives the same bytes at its place, or nothing when they do not fit', () => {
  const header = { ...PLAIN, name: 'é' };
  const want = encodeHeader(header);
  const buffer = Buffer.alloc(2048, 0xaa);
  expect(encodeHeaderInto(buffer, 513, header)).toBe(0);
  expect(buffer.every((byte) => byte === 0xaa)).toBe(true);
  expect(encodeHeaderInto(buffer, 512, header)).toBe(1536);
  expect(buffer.subarray(512).equals(want)).toBe(true);
  expect(buffer.subarray(0, 512).every((byte) => byte === 0xaa)).toBe(true);
});

test('what is encoded decodes to the same headers and contents', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(headers(), fc.uint8Array({ maxLength: 1500 })), { maxLength: 6 }),
      (entries) => {
        const parts: Buffer[] = [];
        const want = entries.map(([header, bytes]) => {
          const content = header.kind === 'file' ? Buffer.from(bytes) : Buffer.alloc(0);
          const full = { ...header, size: content.length };
          parts.push(encodeHeader(full), content, Buffer.alloc(padding(content.length)));
          return { header: full, content };
        });
        parts.push(endOfArchive());
        const seen = decode(Buffer.concat(parts));
        expect(seen.length).toBe(want.length);
        seen.forEach((got, i) => {
          expect(got.content.equals(want[i]!.content)).toBe(true);
          expect(plain(got.header)).toEqual(plain(want[i]!.header));
        });
        const again = seen.flatMap(({ header, content }) => [
          encodeHeader(header),
          content,
          Buffer.alloc(padding(content.length)),
        ]);
        expect(Buffer.concat([...again, endOfArchive()]).equals(Buffer.concat(parts))).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('the longest fields and the largest numbers come back', () => {
  const header: TarHeader = {
    ...PLAIN,
    name: 'n/'.repeat(20_000).concat('x'),
    kind: 'character',
    uid: 0xfffffffe,
    gid: 0xfffffffe,
    mtime: { seconds: -Number.MAX_SAFE_INTEGER + 1, nanos: 999_999_999 },
    device: { major: 0xffffffff, minor: 0xffffffff },
    uname: 'ü'.repeat(3000),
    xattrs: new Map([['user.big', Buffer.alloc(65_536, 0x0a)]]),
  };
  expect(plain(decode(encodeHeader(header))[0]!.header)).toEqual(plain(header));
  const large = encodeHeader({ ...PLAIN, size: 2 ** 43 });
  const decoder = createTarDecoder({ onEntry: (got) => expect(got.size).toBe(2 ** 43) });
  decoder.write(large);
  decoder.skip(decoder.skippable);
  decoder.end();
});

/** A header as plain data: xattrs as sorted pairs, absent members left out. */
function plain(header: TarHeader) {
  const { xattrs, device, sparse: _, ...rest } = header;
  const pairs = [...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort();
  return { ...rest, pairs, device: device ?? 'none' };
}

function headers(): fc.Arbitrary<TarHeader> {
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map((raw) => decodeName(Buffer.from(raw.map((byte) => (byte === 0 ? 1 : byte)))));
  const word = fc.oneof(
    fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }),
    fc.string({ minLength: 1, maxLength: 40 }),
    bytes,
  );
  const clean = word.map((text) => decodeName(Buffer.from(text.replaceAll('\0', '?'), 'utf8')) || '?');
  const raw = fc.oneof(clean, bytes);
  const name = fc
    .array(raw, { minLength: 1, maxLength: 9 })
    .map((parts) => parts.join('/').replace(/\/+$/, '') || 'x');
  const id = fc.oneof(fc.nat(70_000), fc.integer({ min: 0, max: 0xfffffffe }));
  const seconds = fc.oneof(fc.integer(), fc.maxSafeInteger());
  const kind = fc.constantFrom<TarKind>(
    'file',
    'directory',
    'symlink',
    'hardlink',
    'character',
    'block',
    'fifo',
  );
  const xattrs = fc
    .array(
      fc.tuple(fc.oneof(raw, fc.constantFrom('%3D', '%25', '=', '%%3D=')), fc.uint8Array({ maxLength: 40 })),
      { maxLength: 4 },
    )
    .map((pairs) => (pairs.length === 0 ? undefined : new Map(pairs)));
  return fc
    .record({
      name,
      kind,
      mode: fc.nat(0o7777),
      uid: id,
      gid: id,
      mtime: fc.record({ seconds, nanos: fc.oneof(fc.constant(0), fc.nat(999_999_999)) }),
      link: name,
      uname: fc.oneof(fc.constant(''), raw),
      gname: fc.oneof(fc.constant(''), raw),
      device: fc.record({ major: fc.nat(4_000_000), minor: fc.nat(4_000_000) }),
      xattrs: fc.oneof(fc.constant(undefined), xattrs),
    })
    .map(({ link, device, ...rest }) => ({
      ...rest,
      size: 0,
      linkName: rest.kind === 'symlink' || rest.kind === 'hardlink' ? link : '',
      device: rest.kind === 'character' || rest.kind === 'block' ? device : undefined,
    }));
}
