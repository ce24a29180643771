import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeBytes, expectClean, putImage, toArray } from '../../src/store/contract-fixtures.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { WRITE_POINTS } from '../../src/store/write-points.ts';
import { runStoreScript } from '../support/store-child.ts';

/** As in the script. */
const large = Buffer.alloc(2_000_000, 'y');

/** Everything that a build, a pull, a prune do to a store, and what must still be so afterwards is printed. */
const WORK = `
const killAt = Number(process.argv[2] ?? -1);
let passed = 0;
const store = createDirectoryStore(folder, {
  onWritePoint(point) {
    if (passed++ === killAt) process.kill(process.pid, 'SIGKILL');
    if (killAt < 0) console.log(point);
  },
});
const said = (text) => writeFileSync(1, killAt < 0 ? '' : text + '\\n');
const lease = await store.lease();
const image = await putImage(store, 'image');
await store.ingest(streamOf(Buffer.alloc(300_000, 'x')), BLOB);
const staged = await store.stage();
writeFileSync(staged.path, 'staged');
await staged.commit(describe('staged'));
await store.tag('docker.io/library/kept:1', image.manifest);
said('kept');
const large = Buffer.alloc(2_000_000, 'y');
const from = (end) => async function* (offset) {
  for (let at = offset; at < end; at += 500_000) yield large.subarray(at, at + 500_000);
  if (end < large.length) throw new Error('cut');
};
await store.put(describe(large), from(1_500_000)).catch(() => {});
await store.put(describe(large), from(2_000_000));
await store.roots.put({ kind: 'step', id: 'sha256:aa', targets: [image.manifest], data: 1 });
await store.notes.put('index', 'sha256:aa', Buffer.alloc(1000));
await store.tag('docker.io/library/moved:1', image.manifest);
await store.tag('docker.io/library/moved:1', describe('staged'));
await lease.release();
await put(store, 'nobody keeps this');
await store.collect();
await store.remove('docker.io/library/moved:1');
`;

describe('a store whose process is killed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-crash-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('works again after a kill at each write point, and shows nothing half made', async () => {
    const whole = await runStoreScript(join(folder, 'whole'), WORK);
    const points = whole.stdout.trim().split('\n');
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect([...new Set(points)].sort()).toEqual([...WRITE_POINTS].sort());

    for (const [at, point] of points.entries()) {
      const where = `killed at ${point} (${at})`;
      const store = join(folder, `killed-${at}`);
      const killed = await runStoreScript(store, WORK, { args: [String(at)] });
      expect(killed.signal, where).toBe('SIGKILL');
      const found = await toArray(createDirectoryStore(store).check());
      expect(
        found.filter(({ kind }) => kind !== 'leftover'),
        where,
      ).toEqual([]);

      const next = createDirectoryStore(store);
      if (killed.stdout.includes('kept')) {
        expect((await next.resolve('docker.io/library/kept:1')).size, where).toBeGreaterThan(0);
      }
      const lease = await next.lease();
      const image = await putImage(next, 'the next command');
      await next.tag('docker.io/library/next:1', image.manifest);
      const asked: number[] = [];
      await next.put(describeBytes(large), async function* (offset) {
        asked.push(offset);
        yield large.subarray(offset);
      });
      if (point === 'partial-kept' || point === 'partial-taken') expect(asked, where).toEqual([1_500_000]);
      await lease.release();
      await expectClean(next);
      expect(readdirSync(join(store, 'partial')), where).toEqual([]);
      for (const part of ['tmp', 'leases']) expect(readdirSync(join(store, part)), where).toEqual([]);
      await next.collect();
      expect((await next.resolve('docker.io/library/next:1')).digest, where).toBe(image.manifest.digest);
      await expectClean(next);
      rmSync(store, { recursive: true });
    }
  }, 180_000);

  it('reports what a dead process left, and repairs it', async () => {
    const script = `
      const store = createDirectoryStore(folder);
      const lease = await store.lease();
      await put(store, 'seen');
      const staged = await store.stage();
      writeFileSync(staged.path, 'half');
      process.kill(process.pid, 'SIGKILL');`;
    await runStoreScript(folder, script);
    const store = createDirectoryStore(folder);
    const kinds = (await toArray(store.check())).map(({ kind }) => kind);
    expect(kinds).toEqual(['leftover', 'leftover']);
    expect((await toArray(store.check({ repair: true }))).map(({ repaired }) => repaired)).toEqual([
      true,
      true,
    ]);
    await expectClean(store);
  });
});
