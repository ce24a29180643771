import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectClean, listNames, putImage, putText, toArray } from '../../src/store/contract-fixtures.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { runStoreScript } from '../support/store-child.ts';

describe('several processes in one store', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-processes-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lose no name when two of them write 200 each at once', async () => {
    const script = `
      const store = createDirectoryStore(folder);
      for (let at = 0; at < 200; at++) {
        const blob = await put(store, 'blob ' + at % 7);
        await store.tag(process.argv[2] + '-' + String(at).padStart(3, '0') + ':1', blob);
      }`;
    const ran = await Promise.all(['a', 'b'].map((name) => runStoreScript(folder, script, { args: [name] })));
    for (const { code, stderr } of ran) expect([code, stderr]).toEqual([0, '']);
    const names = (await toArray(createDirectoryStore(folder).list())).map(([name]) => name);
    const want = ['a', 'b'].flatMap((name) =>
      Array.from({ length: 200 }, (_, at) => `${name}-${String(at).padStart(3, '0')}:1`),
    );
    expect(names).toEqual(want);
    await expectClean(createDirectoryStore(folder));
  });

  it('keep what a lease protects while another collects without pause', async () => {
    const writer = `
      const store = createDirectoryStore(folder);
      for (let at = 0; at < 60; at++) {
        const lease = await store.lease();
        const image = await putImage(store, 'image ' + at % 10);
        for (const blob of Object.values(image)) {
          if (!(await store.has(blob))) throw new Error('lost ' + blob.mediaType + ' at ' + at);
          await collect(store.open(blob), 1000);
        }
        await store.tag('n' + at % 10 + ':1', image.manifest);
        await lease.release();
        for (const blob of Object.values(image)) {
          if (!(await store.has(blob))) throw new Error('lost after naming ' + at);
        }
        await store.remove('n' + at % 10 + ':1');
      }
      writeFileSync(folder + '/done', '');`;
    const collector = `
      const store = createDirectoryStore(folder);
      let freed = 0;
      const { existsSync } = await import('node:fs');
      while (!existsSync(folder + '/done')) {
        freed += (await store.collect()).blobs.length;
        await new Promise((resume) => setImmediate(resume));
      }
      console.log(freed);`;
    await createDirectoryStore(folder).lease();
    const [wrote, collected] = await Promise.all([
      runStoreScript(folder, writer),
      runStoreScript(folder, collector),
    ]);
    expect(wrote).toMatchObject({ code: 0, stderr: '' });
    expect(collected).toMatchObject({ code: 0, stderr: '' });
    expect(Number(collected.stdout)).toBeGreaterThan(0);
    await expectClean(createDirectoryStore(folder));
  });

  it('do not collect under the lease of a live process, and do under that of a dead one', async () => {
    const store = createDirectoryStore(folder);
    const held = `
      const store = createDirectoryStore(folder);
      await store.lease();
      await put(store, 'held');
      writeFileSync(1, 'ready');
      process.kill(process.pid, process.argv[2]);`;
    await runStoreScript(folder, held, { args: ['SIGKILL'] });
    expect((await store.collect()).blobs.length).toBe(1);
    const lease = await store.lease();
    const mine = await putText(store, 'mine');
    const other = await runStoreScript(
      folder,
      `console.log((await createDirectoryStore(folder).collect()).blobs.length)`,
    );
    expect(other.stdout.trim()).toBe('0');
    expect(await store.has(mine)).toBe(true);
    await lease.release();
  });

  it('load no native code when they only read, or name what has that name already', async () => {
    const store = createDirectoryStore(folder);
    const image = await putImage(store, 'image');
    await store.tag('docker.io/library/x:1', image.manifest);
    await store.roots.put({ kind: 'step', id: 'a', targets: [image.manifest] });
    const script = `
      const store = createDirectoryStore(folder);
      const lease = await store.lease();
      const found = await store.resolve('docker.io/library/x:1');
      if (!(await store.has(found))) throw new Error('not there');
      await collect(store.open(found), 10_000);
      await store.locate(found);
      await toArray(store.list());
      await store.roots.get('step', 'a');
      await store.roots.touch('step', 'a');
      await store.notes.put('k', 'n', Buffer.from('x'));
      await store.tag('docker.io/library/x:1', found);
      await store.collect({ dryRun: true });
      if ((await toArray(store.check())).length > 0) throw new Error('not clean');
      await store.roots.put({ kind: 'step', id: 'b', targets: [found] });
      await put(store, 'new');
      await lease.release();
      const native = () => /koffi/.test(readFileSync('/proc/self/maps', 'latin1'));
      const before = native();
      await store.tag('docker.io/library/y:1', found);
      console.log(before, native());`;
    const ran = await runStoreScript(folder, script);
    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: 'false true\n' });
    expect(await listNames(store)).toEqual(['docker.io/library/x:1', 'docker.io/library/y:1']);
  });

  it('leave no lease when they end in good order without releasing it', async () => {
    await runStoreScript(
      folder,
      `
      const store = createDirectoryStore(folder);
      for (let at = 0; at < 20; at++) await store.lease();
      process.exit(0);`,
    );
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
  });
});
