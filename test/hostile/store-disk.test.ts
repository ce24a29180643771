import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChildResult, runStoreScript } from '../support/store-child.ts';

/** In a mount namespace of its own: nothing is left mounted, however the test ends. */
function onTmpfs(mountPoint: string, options: string, script: string): Promise<ChildResult> {
  const wrap = [
    'unshare',
    '-m',
    'sh',
    '-c',
    `mount -t tmpfs -o ${options} dobos-test "$0" && exec "$@"`,
    mountPoint,
  ];
  return runStoreScript(mountPoint, script, { wrap });
}

const CODES = `
const code = (work) => work.then(() => 'fine', (error) => error.code + ': ' + error.message + ' / ' + error.hint);
const problems = async () => (await toArray(store.check())).map(({ kind, what }) => kind + ' ' + what);
`;

describe('a store on a disk that fails', () => {
  let mountPoint: string;
  beforeEach(() => {
    mountPoint = mkdtempSync(join(tmpdir(), 'dobos-disk-'));
  });
  afterEach(() => rmSync(mountPoint, { recursive: true, force: true }));

  it('frees the beginning of a blob that fills the disk, and keeps that of one that is cut', async () => {
    const script = `${CODES}
      const { readdirSync } = await import('node:fs');
      const store = createDirectoryStore(folder);
      const large = Buffer.alloc(3_000_000, 'x');
      const from = (breakAt) => async function* (offset) {
        for (let at = offset; at < large.length; at += 65_536) {
          if (at >= breakAt) throw new Error('the line broke');
          yield large.subarray(at, at + 65_536);
        }
      };
      const out = { cut: await code(store.put(describe(large), from(500_000))) };
      out.kept = readdirSync(folder + '/partial').length;
      out.full = await code(store.put(describe(large), from(9_000_000)));
      out.left = readdirSync(folder + '/partial').length + readdirSync(folder + '/tmp').length;
      out.small = await code(put(store, 'y'.repeat(600_000)));
      console.log(JSON.stringify(out));`;
    const ran = await onTmpfs(mountPoint, 'size=1m', script);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      cut: expect.stringContaining('the line broke'),
      kept: 1,
      full: expect.stringMatching(/^STORE_FULL: /),
      left: 0,
      small: 'fine',
    });
  });

  it('says that the disk is full, shows nothing half made, and works once there is space', async () => {
    const script = `${CODES}
      const { readdirSync } = await import('node:fs');
      const store = createDirectoryStore(folder);
      const kept = await putImage(store, 'kept');
      await store.tag('kept:1', kept.manifest);
      const sure = await put(store, 'x'.repeat(100_000));
      let failure = '';
      const stored = [];
      for (let at = 0; failure === ''; at++) {
        const blob = describe(at + 'y'.repeat(30_000));
        const result = await code(store.put(blob, streamOf(Buffer.from(at + 'y'.repeat(30_000)))));
        if (result === 'fine') stored.push(blob);
        else {
          failure = result;
          if (await store.has(blob)) throw new Error('half a blob is visible');
        }
      }
      const big = Buffer.alloc(1_000_000);
      const out = { failure, big: await code(store.ingest(streamOf(big), BLOB)) };
      // Every page that is left, so that not even a name fits.
      for (let at = 0; ; at++) {
        const text = at + 'z'.repeat(3000);
        if ((await code(store.put(describe(text), streamOf(Buffer.from(text))))) !== 'fine') break;
      }
      out.name = await code(store.tag('other:1', kept.manifest));
      out.note = await code(store.notes.put('k', 'a', Buffer.alloc(5000)));
      out.root = await code(store.roots.put({ kind: 'k', id: 'a', targets: [] }));
      out.temps = readdirSync(folder + '/tmp').length;
      out.problems = await problems();
      out.resolve = await code(store.resolve('kept:1'));
      out.freed = (await store.collect()).blobs.length > stored.length;
      out.again = await code(putImage(store, 'again').then(({ manifest }) => store.tag('again:1', manifest)));
      out.clean = await problems();
      console.log(JSON.stringify(out));`;
    const ran = await onTmpfs(mountPoint, 'size=512k', script);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const out = JSON.parse(ran.stdout);
    const full = /^STORE_FULL: .* failed: no space left for .* \(\d+ bytes free\) \/ free space on that disk/;
    for (const key of ['failure', 'big', 'name', 'note', 'root']) expect(out[key], key).toMatch(full);
    expect(out).toMatchObject({
      temps: 0,
      problems: [],
      resolve: 'fine',
      freed: true,
      again: 'fine',
      clean: [],
    });
  });

  it('says that a store cannot be written, and reads from it', async () => {
    const script = `${CODES}
      const { execFileSync } = await import('node:child_process');
      const writable = createDirectoryStore(folder + '/store');
      const image = await putImage(writable, 'image');
      await writable.tag('x:1', image.manifest);
      await writable.roots.put({ kind: 'step', id: 'a', targets: [image.manifest] });
      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const store = createDirectoryStore(folder + '/store');
      const lease = await store.lease();
      const read = {
        resolve: await code(store.resolve('x:1')),
        has: await store.has(image.layer),
        open: await code(collect(store.open(image.layer), 100)),
        locate: await code(store.locate(image.layer)),
        same: await code(store.tag('x:1', image.manifest)),
        there: await code(putImage(store, 'image')),
        touch: await code(store.roots.touch('step', 'a')),
        dryRun: await code(store.collect({ dryRun: true })),
        problems: await problems(),
        release: await code(lease.release()),
      };
      const written = {
        put: await code(put(store, 'new')),
        ingest: await code(store.ingest(streamOf(Buffer.from('new')), BLOB)),
        stage: await code(store.stage()),
        tag: await code(store.tag('y:1', image.manifest)),
        remove: await code(store.remove('x:1')),
        root: await code(store.roots.put({ kind: 'step', id: 'b', targets: [] })),
        removeRoot: await code(store.roots.remove('step', 'a')),
        note: await code(store.notes.put('k', 'b', Buffer.alloc(1))),
        collect: await code(store.collect()),
        fresh: await code(put(createDirectoryStore(folder + '/none'), 'x')),
      };
      console.log(JSON.stringify({ read, written }));`;
    const ran = await onTmpfs(mountPoint, 'size=4m', script);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { read, written } = JSON.parse(ran.stdout);
    for (const [what, result] of Object.entries(read)) {
      expect([what, result]).toEqual([what, what === 'has' ? true : what === 'problems' ? [] : 'fine']);
    }
    for (const [what, result] of Object.entries(written)) {
      expect(result, what).toMatch(
        /^STORE_READ_ONLY: .* failed: .* cannot be written \(EROFS\) \/ name a folder/,
      );
    }
  });

  it('says that a store belongs to another user', async () => {
    const folder = join(mountPoint, 'private');
    mkdirSync(folder, { mode: 0o700 });
    const script = `${CODES}
      process.setgid(65534);
      process.setuid(65534);
      const store = createDirectoryStore(folder);
      console.log(JSON.stringify([await code(store.resolve('x:1')), await code(put(store, 'x'))]));`;
    const [resolved, stored] = JSON.parse((await runStoreScript(folder, script)).stdout);
    expect(resolved).toMatch(/^STORE_SYSTEM: reading the names in .* failed: EACCES \/ name a folder/);
    expect(stored).toMatch(/^STORE_READ_ONLY: .* cannot be written \(EACCES\)/);
  });
});
