import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indexTar } from '../../test/support/layer-index.ts';
import type { PlannedEntry } from './types.ts';
import { packTar } from './write-layer.ts';

const common = { mode: 0o644, uid: 0, gid: 0, mtime: 5 };
/** Above what is written by a second thread, and no multiple of anything. */
const LARGE = 70 * 1024 * 1024 + 13;

let folder: string;
let large: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-sink-'));
  large = join(folder, 'large');
  const bytes = Buffer.alloc(LARGE);
  for (let at = 0; at < LARGE; at += 1000) bytes.writeUInt32LE(at, Math.min(at, LARGE - 4));
  writeFileSync(large, bytes);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const onDisk = (path: string, file: string, size = statSync(file).size): PlannedEntry => ({
  ...common,
  path,
  kind: 'file',
  content: { kind: 'disk', path: file, size },
});
const inMemory = (path: string, text: string): PlannedEntry => ({
  ...common,
  path,
  kind: 'file',
  content: { kind: 'bytes', bytes: Buffer.from(text) },
});
const out = (): string => {
  const path = join(folder, 'out');
  writeFileSync(path, '');
  return path;
};

describe('a layer that is written by a second thread', () => {
  test('has the bytes and the digests of any other', async () => {
    const parts = Array.from({ length: 40 }, (_, at) =>
      inMemory(`part-${String(at).padStart(2, '0')}`, 'x'.repeat(at * 7)),
    );
    const path = out();
    const packed = await packTar(path, [
      inMemory('etc/passwd', 'root:x:0:0::/:'),
      onDisk('large', large),
      ...parts,
    ]);
    const tar = readFileSync(path);
    expect(packed.size).toBe(tar.length);
    expect(packed.diffId).toBe(`sha256:${createHash('sha256').update(tar).digest('hex')}`);
    const index = indexTar(tar);
    const digest = createHash('sha256').update(readFileSync(large)).digest('hex');
    expect(index.find('large')).toMatchObject({ size: LARGE, contentDigest: `sha256:${digest}` });
    expect([...index.entries()].map(({ path: name, size }) => [name, size])).toEqual([
      ['etc/passwd', 14],
      ['large', LARGE],
      ...parts.map(({ path: name }, at) => [name, at * 7]),
    ]);
  });

  test('ends with the reason when a file is not what was planned, and the next one is whole', async () => {
    const wrong = packTar(out(), [onDisk('large', large, LARGE + 1)]);
    await expect(wrong).rejects.toMatchObject({ code: 'LAYER_FILE_CHANGED' });
    const path = out();
    const { size } = await packTar(path, [onDisk('large', large)]);
    expect(statSync(path).size).toBe(size);
  });

  test.runIf(process.platform === 'linux')('ends with the reason when the disk is full', async () => {
    await expect(packTar('/dev/full', [onDisk('large', large)])).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  test('is given up at an abort', async () => {
    const abort = new AbortController();
    const packing = packTar(out(), [onDisk('large', large)], { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(packing).rejects.toThrow('enough');
    const path = out();
    const { size } = await packTar(path, [onDisk('large', large)]);
    expect(statSync(path).size).toBe(size);
  });
});
