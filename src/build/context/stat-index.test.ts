import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatStatIndex, isRacy, parseStatIndex, type StatRow } from './stat-index.ts';

const row: StatRow = {
  dev: 1,
  ino: 42,
  size: 7,
  mtimeNs: 1.6e18,
  ctimeNs: 1.7e18,
  digest: 'ab'.repeat(32),
};

describe('the index of known contents', () => {
  it('reads what is no index, or half of one, as empty', () => {
    const bytes = formatStatIndex([row, { ...row, ino: 43 }]);
    for (const broken of [
      undefined,
      Buffer.alloc(0),
      Buffer.from('hello'),
      bytes.subarray(0, bytes.length - 1),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.concat([Buffer.from('X'), bytes.subarray(1)]),
    ]) {
      expect(parseStatIndex(broken).count).toBe(0);
      expect(parseStatIndex(broken).find(row)).toBeUndefined();
    }
  });

  it.each(['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const)(
    'does not know a file with another %s',
    (key) => {
      const index = parseStatIndex(formatStatIndex([row]));
      expect(index.find(row)).toBe(row.digest);
      expect(index.find({ ...row, [key]: row[key] + 1024 })).toBeUndefined();
    },
  );

  it('is read from any place in a buffer', () => {
    const bytes = Buffer.concat([Buffer.from('odd'), formatStatIndex([row])]).subarray(3);
    expect(parseStatIndex(bytes).find(row)).toBe(row.digest);
  });

  it('holds every file, of one inode the last', () => {
    const rows = fc.array(
      fc.record({
        dev: fc.nat(3),
        ino: fc.integer({ min: 0, max: 50 }),
        size: fc.maxSafeNat(),
        mtimeNs: fc.maxSafeNat(),
        ctimeNs: fc.maxSafeNat(),
        digest: fc
          .uint8Array({ minLength: 32, maxLength: 32 })
          .map((bytes) => Buffer.from(bytes).toString('hex')),
      }),
    );
    fc.assert(
      fc.property(rows, rows, (before, given) => {
        const old = parseStatIndex(formatStatIndex(before));
        const index = parseStatIndex(formatStatIndex(given, old));
        const last = new Map([...before, ...given].map((each) => [each.ino, each]));
        expect(new Map([...index.rows()].map((each) => [each.ino, each]))).toEqual(last);
        expect(index.count).toBe(last.size);
        for (const each of last.values()) expect(index.find(each)).toBe(each.digest);
        const alone = parseStatIndex(formatStatIndex(given));
        expect([...alone.rows()]).toEqual([...new Map(given.map((each) => [each.ino, each])).values()]);
      }),
    );
  });

  it('calls a file racy that changed within a tick of being read, or within two seconds where there are no fractions', () => {
    const read = 1.7e18;
    expect(isRacy({ ...row, ctimeNs: read + 5e6 }, read)).toBe(true);
    expect(isRacy({ ...row, ctimeNs: read - 5e6 }, read)).toBe(true);
    expect(isRacy({ ...row, ctimeNs: read - 50e6 + 256 }, read)).toBe(false);
    expect(isRacy({ ...row, ctimeNs: read - 1e9 }, read)).toBe(true);
    expect(isRacy({ ...row, ctimeNs: read - 3e9 }, read)).toBe(false);
    // The mtime is anybody's to set, and says nothing.
    expect(isRacy({ ...row, mtimeNs: read + 1e12, ctimeNs: read - 3e9 }, read)).toBe(false);
  });
});
