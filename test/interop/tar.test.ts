import { execFileSync } from 'node:child_process';
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeName, encodeName, fsPath } from '../../src/base/names.ts';
import { createTarDecoder } from '../../src/tar/decoder.ts';
import { encodeHeader, endOfArchive, padding } from '../../src/tar/encoder.ts';
import type { TarHeader } from '../../src/tar/header.ts';

interface Seen {
  readonly header: TarHeader;
  readonly content: Buffer;
}

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-tar-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function run(program: string, args: readonly string[], input?: string): string {
  return execFileSync(program, args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] });
}

function decode(bytes: Buffer): Seen[] {
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

const RAW_NAME = decodeName(Buffer.from('raw-\xff\xfe\xe9', 'latin1'));
const CAPABILITY = '0100000200200000000000000000000000000000';
const BINARY_XATTR = '00ff0a3d00';
const BIG_ID = 4_000_000_000;

interface Can {
  readonly long: boolean;
  readonly big: boolean;
  readonly devices: boolean;
  readonly fractions: boolean;
  readonly xattrs: boolean;
}

/** A folder with one of everything that the format can hold. */
function makeTree(folder: string, can: Can): void {
  const at = (name: string): string | Buffer => fsPath(join(folder, name));
  mkdirSync(folder);
  mkdirSync(at('dir'));
  chmodSync(at('dir'), 0o3775);
  writeFileSync(at('dir/file'), Buffer.alloc(100_000, 'content '));
  chmodSync(at('dir/file'), 0o4755);
  chownSync(at('dir/file'), 12, 345);
  chmodSync(at('dir/file'), 0o4755);
  writeFileSync(at('dir/empty'), '');
  writeFileSync(at('täst €'), 'non-ASCII');
  writeFileSync(at(RAW_NAME), 'not UTF-8');
  linkSync(at('dir/file'), at('zz-link'));
  symlinkSync('dir/file', at('symlink'));
  run('mkfifo', [join(folder, 'fifo')]);
  writeFileSync(at('dated'), '');
  lutimesSync(at('dated'), 1, 1_000_000_007);
  if (can.long) {
    mkdirSync(at('d'.repeat(90)));
    writeFileSync(at(`${'d'.repeat(90)}/${'f'.repeat(180)}`), 'long');
    symlinkSync('../'.repeat(90), at('long-symlink'));
    mkdirSync(at(`${`${'p'.repeat(70)}/`.repeat(5)}leaf`), { recursive: true });
  }
  if (can.big) {
    writeFileSync(at('big-owner'), '');
    chownSync(at('big-owner'), BIG_ID, BIG_ID + 1);
    writeFileSync(at('before-epoch'), '');
    run('touch', ['-d', '1965-05-05 05:05:05 UTC', join(folder, 'before-epoch')]);
  }
  if (can.devices) {
    run('mknod', [join(folder, 'character'), 'c', '5', '77']);
    run('mknod', [join(folder, 'block'), 'b', '259', '300']);
  }
  if (can.fractions) {
    run('touch', ['-d', '1969-12-31 23:59:58.250000001 UTC', at('dated') as string]);
    run('touch', ['-d', '2020-02-02 02:02:02.123456789 UTC', at('dir/empty') as string]);
  }
  if (can.xattrs) {
    run('setfattr', ['-n', 'security.capability', '-v', `0x${CAPABILITY}`, join(folder, 'dir/file')]);
    run('setfattr', ['-n', 'user.binary', '-v', `0x${BINARY_XATTR}`, join(folder, 'dir')]);
    run('setfattr', ['-n', 'user.a=b%', '-v', 'x', join(folder, 'dir/empty')]);
  }
}

/** What the header must say, from the file itself. */
function fromDisk(folder: string, header: TarHeader, can: Can) {
  const path = fsPath(join(folder, header.name));
  const stat = lstatSync(path, { bigint: true });
  const seconds = Number(
    stat.mtimeNs >= 0n ? stat.mtimeNs / 1_000_000_000n : (stat.mtimeNs - 999_999_999n) / 1_000_000_000n,
  );
  const isFile = header.kind === 'file';
  return {
    header: {
      kind: header.kind === 'hardlink' ? 'hardlink' : kindOf(stat),
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: isFile ? Number(stat.size) : 0,
      mtime: { seconds, nanos: can.fractions ? Number(stat.mtimeNs - BigInt(seconds) * 1_000_000_000n) : 0 },
      linkName: stat.isSymbolicLink() ? decodeName(readlinkSync(path, 'buffer')) : header.linkName,
      device: stat.isBlockDevice() || stat.isCharacterDevice() ? deviceOf(Number(stat.rdev)) : undefined,
    },
    content: isFile ? readFileSync(path) : Buffer.alloc(0),
  };
}

function kindOf(stat: BigIntStats): string {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  return stat.isBlockDevice() ? 'block' : 'character';
}

function deviceOf(rdev: number) {
  return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}

const FORMATS: Readonly<Record<string, Can>> = {
  v7: { long: false, big: false, devices: false, fractions: false, xattrs: false },
  ustar: { long: false, big: false, devices: true, fractions: false, xattrs: false },
  oldgnu: { long: true, big: true, devices: true, fractions: false, xattrs: false },
  gnu: { long: true, big: true, devices: true, fractions: false, xattrs: false },
  posix: { long: true, big: true, devices: true, fractions: true, xattrs: true },
};

describe('archives of GNU tar', () => {
  test.each(Object.keys(FORMATS))('format %s is read entry by entry', (format) => {
    const can = FORMATS[format]!;
    const folder = join(work, `gnu-${format}`);
    makeTree(folder, can);
    if (!can.devices) rmSync(join(folder, 'fifo'));
    const file = join(work, `${format}.tar`);
    run('tar', [
      `--format=${format}`,
      ...(can.xattrs ? ['--xattrs', '--xattrs-include=*'] : []),
      '-C',
      folder,
      '-cf',
      file,
      '.',
    ]);
    const seen = decode(readFileSync(file));
    const names = seen.map(({ header }) => header.name.replace(/^\.\//, '')).sort();
    const found = run('find', [folder, '-printf', '%P\\0']);
    expect(names.length).toBe(found.split('\0').length - 1);
    expect(names).toContain(RAW_NAME);
    if (can.long) expect(names).toContain(`${'d'.repeat(90)}/${'f'.repeat(180)}`);
    for (const { header, content } of seen) {
      const want = fromDisk(folder, header, can);
      expect({ name: header.name, header, content: content.toString('latin1') }).toMatchObject({
        name: header.name,
        header: want.header,
        content: want.content.toString('latin1'),
      });
    }
    const link = seen.find(({ header }) => header.kind === 'hardlink')!.header;
    expect([link.name, link.linkName].sort()).toEqual(['./dir/file', './zz-link']);
    if (can.xattrs) {
      const xattrs = new Map(seen.map(({ header }) => [header.name, header.xattrs]));
      const hex = (name: string, key: string): string =>
        Buffer.from(xattrs.get(name)!.get(key)!).toString('hex');
      expect(hex(link.linkName, 'security.capability')).toBe(CAPABILITY);
      expect(hex('./dir', 'user.binary')).toBe(BINARY_XATTR);
      expect(hex('./dir/empty', 'user.a=b%')).toBe('78');
    }
  });

  const SPARSE: readonly (readonly [string, readonly string[]])[] = [
    ['old GNU', ['--format=gnu', '--sparse']],
    ['0.0', ['--format=posix', '--sparse', '--sparse-version=0.0']],
    ['0.1', ['--format=posix', '--sparse', '--sparse-version=0.1']],
    ['1.0', ['--format=posix', '--sparse', '--sparse-version=1.0']],
  ];
  test.each(SPARSE)('sparse files of format %s are read through their holes', (_format, args) => {
    const folder = mkdtempSync(join(work, 'sparse-'));
    sparseFile(
      join(folder, 'few'),
      [
        [0, 10],
        [1_000_000, 5],
      ],
      1_000_005,
    );
    sparseFile(
      join(folder, 'many'),
      Array.from({ length: 300 }, (_, i) => [i * 16_384 + 4096, 100] as const),
      5_000_000,
    );
    sparseFile(join(folder, 'hole-at-end'), [[8192, 4096]], 3_000_000);
    sparseFile(join(folder, 'only-hole'), [], 777_777);
    sparseFile(join(folder, 'n'.repeat(150)), [[500_000, 1]], 600_000);
    writeFileSync(join(folder, 'zz-after'), 'after');
    const file = join(work, 'sparse.tar');
    run('tar', [...args, '--sort=name', '-C', folder, '-cf', file, '.']);
    expect(lstatSync(file).size).toBeLessThan(4_000_000);
    const seen = decode(readFileSync(file)).filter(({ header }) => header.kind === 'file');
    expect(seen).toHaveLength(6);
    expect(seen.filter(({ header }) => header.sparse !== undefined)).toHaveLength(5);
    for (const { header, content } of seen) {
      expect(header.size).toBe(content.length);
      expect(content.equals(readFileSync(join(folder, header.name)))).toBe(true);
    }
  });

  test('a label, a global header and a dumped directory of an incremental backup', () => {
    const folder = mkdtempSync(join(work, 'label-'));
    writeFileSync(join(folder, 'f'), 'x');
    for (const format of ['gnu', 'posix']) {
      const file = join(work, 'label.tar');
      run('tar', [`--format=${format}`, '--label=backup', '--mtime=@7', '-C', folder, '-cf', file, 'f']);
      expect(decode(readFileSync(file)).map(({ header }) => header.name)).toEqual(['f']);
    }
    const global = join(work, 'global.tar');
    run('tar', [
      '--format=posix',
      '--pax-option=globexthdr.name=g,comment=hi,uid=77',
      '-C',
      folder,
      '-cf',
      global,
      'f',
    ]);
    expect(decode(readFileSync(global))[0]!.header.uid).toBe(77);
  });
});

function sparseFile(path: string, pieces: readonly (readonly [number, number])[], size: number): void {
  const fd = openSync(path, 'w');
  for (const [at, length] of pieces) writeSync(fd, Buffer.alloc(length, 'data'), 0, length, at);
  closeSync(fd);
  truncateSync(path, size);
}

const BASE = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1_600_000_000, nanos: 0 },
  linkName: '',
  uname: '',
  gname: '',
};

/** One of everything, as we write it; `special` are things that not every reader knows. */
const OURS: readonly (TarHeader & { readonly text?: string })[] = [
  { ...BASE, name: 'dir', kind: 'directory', mode: 0o3775, mtime: { seconds: 5, nanos: 0 } },
  { ...BASE, name: 'dir/file', kind: 'file', mode: 0o4755, uid: 12, gid: 345, text: 'hello '.repeat(200) },
  { ...BASE, name: 'täst €', kind: 'file', text: 'non-ASCII' },
  { ...BASE, name: RAW_NAME, kind: 'file', text: 'not UTF-8' },
  { ...BASE, name: `${'p'.repeat(120)}/${'n'.repeat(90)}`, kind: 'file', text: 'prefix' },
  { ...BASE, name: `${'q'.repeat(200)}/${'n'.repeat(200)}`, kind: 'file', text: 'pax path' },
  { ...BASE, name: 'symlink', kind: 'symlink', mode: 0o777, linkName: '../'.repeat(80).concat(RAW_NAME) },
  { ...BASE, name: 'link', kind: 'hardlink', mode: 0o4755, uid: 12, gid: 345, linkName: 'dir/file' },
  { ...BASE, name: 'fifo', kind: 'fifo' },
  { ...BASE, name: 'character', kind: 'character', device: { major: 5, minor: 77 } },
  { ...BASE, name: 'block', kind: 'block', device: { major: 259, minor: 300 } },
  { ...BASE, name: 'big-owner', kind: 'file', uid: BIG_ID, gid: BIG_ID + 1 },
  { ...BASE, name: 'before-epoch', kind: 'file', mtime: { seconds: -1_000_000, nanos: 0 } },
  { ...BASE, name: 'fraction', kind: 'file', mtime: { seconds: -2, nanos: 250_000_001 } },
  {
    ...BASE,
    name: 'xattrs',
    kind: 'file',
    xattrs: new Map([
      ['security.capability', Buffer.from(CAPABILITY, 'hex')],
      ['user.binary', Buffer.from(BINARY_XATTR, 'hex')],
    ]),
  },
];

function writeOurs(file: string): void {
  const parts: Buffer[] = [];
  for (const { text = '', ...header } of OURS) {
    const content = Buffer.from(text);
    parts.push(
      encodeHeader({ ...header, size: content.length }),
      content,
      Buffer.alloc(padding(content.length)),
    );
  }
  writeFileSync(file, Buffer.concat([...parts, endOfArchive()]));
}

/** Asserts that the folder holds what OURS says. */
function expectOurs(folder: string): void {
  for (const { text = '', ...header } of OURS) {
    const path = fsPath(join(folder, header.name));
    const stat = lstatSync(path, { bigint: true });
    const nanos = BigInt(header.mtime.seconds) * 1_000_000_000n + BigInt(header.mtime.nanos);
    const got = {
      name: header.name,
      kind: kindOf(stat),
      mode: stat.isSymbolicLink() ? 0o777 : Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      device: stat.isBlockDevice() || stat.isCharacterDevice() ? deviceOf(Number(stat.rdev)) : undefined,
      linkName: stat.isSymbolicLink() ? decodeName(readlinkSync(path, 'buffer')) : '',
      mtime: header.kind === 'hardlink' ? nanos : stat.mtimeNs,
    };
    expect(got).toEqual({
      name: header.name,
      kind: header.kind === 'hardlink' ? 'file' : header.kind,
      mode: header.mode,
      uid: header.uid,
      gid: header.gid,
      device: header.device,
      linkName: header.kind === 'symlink' ? header.linkName : '',
      mtime: nanos,
    });
    if (header.kind === 'file') expect(readFileSync(path).toString()).toBe(text);
    for (const [key, value] of header.xattrs ?? []) {
      const hex = run('getfattr', ['--absolute-names', '-e', 'hex', '-n', key, join(folder, header.name)]);
      expect(hex).toContain(`${key}=0x${Buffer.from(value).toString('hex')}`);
    }
  }
  expect(lstatSync(join(folder, 'link')).ino).toBe(lstatSync(join(folder, 'dir/file')).ino);
}

describe('our archives', () => {
  test('GNU tar extracts them whole', () => {
    const file = join(work, 'ours.tar');
    const folder = mkdtempSync(join(work, 'gnu-out-'));
    writeOurs(file);
    run('tar', [
      '--xattrs',
      '--xattrs-include=*',
      '--numeric-owner',
      '--same-owner',
      '-xpf',
      file,
      '-C',
      folder,
    ]);
    expectOurs(folder);
  });

  test('umoci unpacks them as a layer', () => {
    const file = join(work, 'ours-umoci.tar');
    writeOurs(file);
    const layout = join(work, 'layout');
    const bundle = join(work, 'bundle');
    run('umoci', ['init', '--layout', layout]);
    run('umoci', ['new', '--image', `${layout}:t`]);
    run('umoci', ['raw', 'add-layer', '--image', `${layout}:t`, file]);
    run('umoci', ['unpack', '--image', `${layout}:t`, bundle]);
    expectOurs(join(bundle, 'rootfs'));
  });

  test("Python's tarfile reads every header and content", () => {
    const file = join(work, 'ours-python.tar');
    writeOurs(file);
    const got = JSON.parse(run('python3', ['-c', PYTHON_LIST, file])) as PythonEntry[];
    expect(got).toHaveLength(OURS.length);
    OURS.forEach(({ text = '', ...header }, i) => {
      expect(got[i]).toMatchObject({
        name: encodeName(header.name).toString('hex'),
        kind: header.kind,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        link: encodeName(header.linkName).toString('hex'),
        content: Buffer.from(text).toString('hex'),
        xattrs: Object.fromEntries(
          [...(header.xattrs ?? [])].map(([key, value]) => [key, Buffer.from(value).toString('hex')]),
        ),
      });
      expect(got[i]!.mtime).toBeCloseTo(header.mtime.seconds + header.mtime.nanos / 1e9, 5);
      if (header.device !== undefined)
        expect(got[i]!.device).toEqual([header.device.major, header.device.minor]);
    });
  });
});

interface PythonEntry {
  readonly name: string;
  readonly kind: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly link: string;
  readonly device: readonly number[];
  readonly content: string;
  readonly xattrs: Readonly<Record<string, string>>;
}

const PYTHON_LIST = `
import json, sys, tarfile
kinds = {b'0': 'file', b'1': 'hardlink', b'2': 'symlink', b'3': 'character', b'4': 'block', b'5': 'directory', b'6': 'fifo'}
raw = lambda text: text.encode('utf-8', 'surrogateescape').hex()
out = []
with tarfile.open(sys.argv[1], encoding='utf-8', errors='surrogateescape') as archive:
    for m in archive:
        out.append(dict(name=raw(m.name), kind=kinds[m.type], mode=m.mode, uid=m.uid, gid=m.gid, mtime=m.mtime, link=raw(m.linkname),
            device=[m.devmajor, m.devminor], content=archive.extractfile(m).read().hex() if m.isreg() else '',
            xattrs={k[13:]: raw(v) for k, v in m.pax_headers.items() if k.startswith('SCHILY.xattr.')}))
print(json.dumps(out))
`;

const PYTHON_WRITE = `
import io, json, sys, tarfile
raw = lambda text: bytes.fromhex(text).decode('utf-8', 'surrogateescape')
types = dict(file=b'0', hardlink=b'1', symlink=b'2', character=b'3', block=b'4', directory=b'5', fifo=b'6', contiguous=b'7')
with tarfile.open(sys.argv[1], 'w', format=int(sys.argv[2]), encoding='utf-8', errors='surrogateescape') as archive:
    for e in json.load(sys.stdin):
        m = tarfile.TarInfo(raw(e['name']))
        m.type, m.mode, m.uid, m.gid, m.mtime, m.linkname = types[e['kind']], e['mode'], e['uid'], e['gid'], e['mtime'], raw(e['link'])
        m.devmajor, m.devminor = e['device']
        m.pax_headers = {'SCHILY.xattr.' + k: raw(v) for k, v in e['xattrs'].items()}
        content = bytes.fromhex(e['content'])
        m.size = len(content)
        archive.addfile(m, io.BytesIO(content))
`;

test.each([
  ['USTAR', 0],
  ['GNU', 1],
  ['PAX', 2],
] as const)("archives of Python's tarfile in format %s are read", (name, format) => {
  const entries = OURS.filter(
    (header) =>
      (name !== 'USTAR' ||
        (header.uid < 2 ** 21 &&
          header.mtime.seconds >= 0 &&
          header.name.length < 250 &&
          header.linkName.length < 100)) &&
      (name === 'PAX' || (header.xattrs === undefined && header.mtime.nanos === 0)),
  );
  const file = join(work, 'python.tar');
  const input = entries.map(({ text = '', ...header }) => ({
    ...header,
    name: encodeName(header.name).toString('hex'),
    link: encodeName(header.linkName).toString('hex'),
    mtime: header.mtime.seconds + header.mtime.nanos / 1e9,
    device: [header.device?.major ?? 0, header.device?.minor ?? 0],
    content: Buffer.from(text).toString('hex'),
    xattrs: Object.fromEntries(
      [...(header.xattrs ?? [])].map(([key, value]) => [key, Buffer.from(value).toString('hex')]),
    ),
  }));
  run('python3', ['-c', PYTHON_WRITE, file, String(format)], JSON.stringify(input));
  const seen = decode(readFileSync(file));
  expect(seen.map(({ header }) => header.name)).toEqual(entries.map((header) => header.name));
  seen.forEach(({ header, content }, i) => {
    const { text = '', xattrs, mtime, size: _, ...want } = entries[i]!;
    expect(header).toMatchObject(want);
    expect(header.mtime.seconds).toBe(mtime.seconds);
    expect(Math.abs(header.mtime.nanos - mtime.nanos)).toBeLessThan(1000);
    expect(content.toString()).toBe(text);
    for (const [key, value] of xattrs ?? [])
      expect(Buffer.from(header.xattrs!.get(key)!).equals(value)).toBe(true);
  });
});
