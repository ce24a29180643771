import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indexTar } from '../../test/support/layer-index.ts';
import { layerStacks } from '../../test/support/random-layers.ts';
import { type VectorEntry, vectorTar } from '../../test/support/vector-tar.ts';
import { type FileRegion, sha256 } from '../base/bytes.ts';
import { encodeHeader, endOfArchive } from '../tar/encoder.ts';
import type { ColumnarIndex } from './load-layer-index.ts';
import { readHeaderIndex } from './read-headers.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-headers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The tar in a file between bytes that are not its own. */
function regionOf(tar: Buffer, size = tar.length): FileRegion {
  const path = join(folder, 'archive');
  writeFileSync(path, Buffer.concat([Buffer.alloc(700, 'before'), tar, Buffer.alloc(4096, 'behind')]));
  return { path, offset: 700, size };
}

const quick = (tar: Buffer, size?: number): ColumnarIndex =>
  readHeaderIndex(regionOf(tar, size), sha256(tar));

function sameAs(full: ColumnarIndex, index: ColumnarIndex): void {
  expect(index.unproven).toBe(true);
  expect([index.diffId, index.tarSize, index.count, index.fileBytes, index.accounts]).toEqual([
    full.diffId,
    full.tarSize,
    full.count,
    full.fileBytes,
    full.accounts,
  ]);
  expect([...index.entries()].map((entry) => ({ ...entry }))).toEqual([...full.entries()]);
  for (let order = 0; order < full.count; order++) {
    expect(index.digestAt(order)).toBe(full.digestAt(order));
    for (const word of [0, 7]) expect(index.digestHeadAt(order, word)).toBe(full.digestHeadAt(order, word));
    const { path, kind } = full.at(order);
    const asked = kind === 'whiteout' || kind === 'opaque' ? kind : undefined;
    expect(index.find(path, asked)?.contentDigest).toBe(full.find(path, asked)?.contentDigest);
  }
  expect(index.find('nothing/like/it')).toBeUndefined();
}

const VECTORS = ['layer-vectors.json', 'layer-vectors-own.json'].flatMap(
  (name) =>
    JSON.parse(readFileSync(join('test', 'fixtures', name), 'utf8')) as {
      name: string;
      layers: VectorEntry[][];
    }[],
);

describe('an index by headers alone is the whole one', () => {
  test.each(VECTORS)('vector $name', ({ layers }) => {
    for (const layer of layers) {
      const tar = vectorTar(layer);
      sameAs(indexTar(tar), quick(tar));
    }
  });

  test('for random layers', () => {
    fc.assert(
      fc.property(layerStacks, (layers) => {
        for (const layer of layers) {
          const tar = vectorTar(layer);
          sameAs(indexTar(tar), quick(tar));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('with files longer than what is read at once', () => {
    const long = 'x'.repeat(300_000);
    const tar = vectorTar([
      { path: 'a', type: 'file', content: long, tarPath: 'a' },
      { path: 'etc/passwd', type: 'file', content: long, tarPath: 'etc/passwd' },
      { path: 'b', type: 'file', content: `${long}y`, tarPath: 'b' },
      { path: 'c', type: 'hardlink', target: 'b', tarPath: 'c' },
    ]);
    sameAs(indexTar(tar), quick(tar));
  });

  test('with sparse files, whose holes are zeros', () => {
    const map = { 'GNU.sparse.size': '100000', 'GNU.sparse.map': '10,2,90000,1' };
    const records = Object.entries(map).map(([key, value]) => record(key, value));
    const pax = Buffer.from(records.join(''));
    const tar = Buffer.concat([
      header('PaxHeaders/holes', 'x', pax.length),
      padded(pax),
      header('holes', '0', 3),
      padded(Buffer.from('abc')),
      endOfArchive(),
    ]);
    const index = quick(tar);
    expect(index.sizeAt(0)).toBe(100_000);
    sameAs(indexTar(tar), index);
  });
});

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

function record(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return `${length}${body}`;
}

/** A plain header with another type flag. */
function header(name: string, flag: string, size: number): Buffer {
  const bytes = Buffer.from(
    encodeHeader({
      ...{ name, kind: 'file', mode: 0o644, uid: 0, gid: 0, size },
      ...{ mtime: { seconds: 0, nanos: 0 }, linkName: '', uname: '', gname: '' },
    }),
  );
  bytes.write(flag, 156, 'latin1');
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}

test('contents are not read until their digest is asked for', () => {
  const tar = vectorTar([
    { path: 'a', type: 'file', content: 'first', tarPath: 'a' },
    { path: 'b', type: 'file', content: 'second', tarPath: 'b' },
  ]);
  const region = regionOf(tar);
  const index = readHeaderIndex(region, sha256(tar));
  writeFileSync(region.path, readFileSync(region.path).subarray(0, region.offset + 512 + 5));
  expect(index.sizeAt(1)).toBe(6);
  expect(index.at(0).contentDigest).toBe(sha256(Buffer.from('first')));
  expect(() => index.digestAt(1)).toThrow(expect.objectContaining({ code: 'BYTES_SHORT_FILE' }));
});

test('a layer that is cut off is told of as ever', () => {
  const tar = vectorTar([
    { path: 'a', type: 'file', content: 'x'.repeat(2000), tarPath: 'a' },
    { path: `${'d/'.repeat(100)}b`, type: 'file', content: 'y'.repeat(700), tarPath: `${'d/'.repeat(100)}b` },
  ]);
  const outcome = (index: () => ColumnarIndex): unknown => {
    try {
      return index().count;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const whole: unknown[] = [];
  const heads: unknown[] = [];
  for (let size = 0; size <= tar.length; size += 100) {
    whole.push(outcome(() => indexTar(tar.subarray(0, size), Math.max(size, 1))));
    heads.push(outcome(() => quick(tar, size)));
  }
  expect(heads).toEqual(whole);
  expect(whole).toContain('TAR_TRUNCATED');
});
