import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, streamOf } from '../base/bytes.ts';
import type { Descriptor } from '../oci/types.ts';
import { blobPath } from './blob-path.ts';
import {
  BLOB,
  describeBytes,
  expectClean,
  expectCode,
  listNames,
  MANIFEST,
  putImage,
  putText,
  readText,
  toArray,
} from './contract-fixtures.ts';
import { storeContract } from './contract-suite.ts';
import { createDirectoryStore } from './directory-store.ts';
import { ownerId } from './owner.ts';
import { recover } from './recover.ts';

storeContract('a directory store', () => {
  const parent = mkdtempSync(join(tmpdir(), 'dobos-store-'));
  const folder = join(parent, 'store');
  return {
    store: createDirectoryStore(folder),
    again: () => createDirectoryStore(folder),
    dispose: () => rmSync(parent, { recursive: true }),
  };
});

describe('a directory store', () => {
  let parent: string;
  let folder: string;
  const open = () => createDirectoryStore(folder);
  const blobFile = ({ digest }: Descriptor) => join(folder, blobPath(digest));
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'dobos-store-'));
    folder = join(parent, 'deep', 'store');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it('clears away what dead processes left also where all that is written is a name, or would be', async () => {
    const image = await putImage(createDirectoryStore(folder), 'seen');
    const [pid, start, namespace, boot] = ownerId().split('-');
    const left = join(
      folder,
      'leases',
      `${[pid, Number(start) + 1, namespace, boot].join('-')}.0123456789abcdef`,
    );
    writeFileSync(left, '');
    const store = createDirectoryStore(folder);
    const lease = await store.lease();
    await store.tag('docker.io/library/next:1', image.manifest);
    expect(existsSync(left)).toBe(false);
    writeFileSync(left, '');
    await createDirectoryStore(folder).tag('docker.io/library/next:1', image.manifest);
    expect(existsSync(left)).toBe(false);
    await lease.release();
  });

  it('touches nothing until it is written to, and then is private', async () => {
    const store = open();
    expect(await store.has(describeBytes('x'))).toBe(false);
    expect(await listNames(store)).toEqual([]);
    expect(await toArray(store.check())).toEqual([]);
    expect(await store.collect()).toEqual({ blobs: [], bytes: 0 });
    await expectCode(store.resolve('x:1'), 'STORE_NAME_UNKNOWN');
    expect(existsSync(join(parent, 'deep'))).toBe(false);
    const blob = await putText(store, 'x');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(blobFile(blob)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(folder, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    expect(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests).toEqual([]);
  });

  it('takes over a layout that others made, and keeps the rest of it', async () => {
    mkdirSync(join(folder, 'blobs', 'sha256'), { recursive: true });
    const blob = describeBytes('one', MANIFEST);
    writeFileSync(blobFile(blob), 'one');
    writeFileSync(join(folder, 'oci-layout'), '{ "imageLayoutVersion": "1.0.0" }');
    writeFileSync(join(folder, 'manifest.json'), '[]');
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    writeFileSync(
      join(folder, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...blob, annotations }], custom: 1 }),
    );
    const store = open();
    expect(await store.resolve('latest')).toEqual(blob);
    await store.tag('other', blob);
    expect(await listNames(store)).toEqual(['latest', 'other']);
    expect(JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).custom).toBe(1);
    expect(existsSync(join(folder, 'manifest.json'))).toBe(true);
    expect((await store.collect()).blobs).toEqual([]);
  });

  it('refuses blobs that are links, folders or pipes', async () => {
    const store = open();
    const blob = await putText(store, 'x');
    renameSync(blobFile(blob), join(parent, 'elsewhere'));
    symlinkSync(join(parent, 'elsewhere'), blobFile(blob));
    expect(await store.has(blob)).toBe(false);
    expect(await store.locate(blob)).toBeUndefined();
    await expectCode(readText(store, blob), 'STORE_NOT_FOUND');
    expect(await toArray(store.check())).toMatchObject([{ kind: 'corrupt', digest: blob.digest }]);
    await putText(store, 'x');
    expect(await readText(store, blob)).toBe('x');
    expect(readFileSync(join(parent, 'elsewhere'), 'utf8')).toBe('x');
    const other = describeBytes('y');
    mkdirSync(blobFile(other));
    expect(await store.has(other)).toBe(false);
  });

  it('finds a corrupt blob when it is read and when it is checked, and repairs it by removing it', async () => {
    const store = open();
    const image = await putImage(store, 'layer');
    await store.tag('x:1', image.manifest);
    writeFileSync(blobFile(image.layer), 'Layer');
    await expect(collect(store.open(image.layer), 100)).rejects.toMatchObject({
      code: 'BYTES_MISMATCH',
      hint: expect.stringContaining('is damaged'),
    });
    const problem = { kind: 'corrupt', digest: image.layer.digest };
    expect(await toArray(store.check())).toMatchObject([{ ...problem, repaired: false }]);
    const repaired = await toArray(store.check({ repair: true }));
    expect(repaired).toMatchObject([{ ...problem, repaired: true }, { kind: 'missing' }]);
    expect((await toArray(store.check())).map(({ kind }) => kind)).toEqual(['missing']);
    await putText(store, 'layer');
    await expectClean(store);
  });

  it.each([
    ['shorter', ''],
    ['longer', 'longer than it was'],
  ])('does not have a blob whose file is %s, and stores it again', async (_, text) => {
    const store = open();
    const blob = await putText(store, 'right');
    writeFileSync(blobFile(blob), text);
    expect(await store.has(blob)).toBe(false);
    await expectCode(readText(store, blob), 'BYTES_MISMATCH');
    await putText(store, 'right');
    expect(await readText(store, blob)).toBe('right');
  });

  it('notices that a blob grows while it is read', async () => {
    const store = open();
    const bytes = Buffer.alloc(2_000_000);
    const blob = describeBytes(bytes);
    await store.put(blob, streamOf(bytes));
    const reading = store.open(blob)[Symbol.asyncIterator]();
    await reading.next();
    appendFileSync(blobFile(blob), 'x');
    await reading.next();
    await expectCode(Promise.resolve(reading.next()), 'BYTES_MISMATCH');
  });

  it.each([
    ['{"schemaVersion":2,', 'STORE_FORMAT'],
    ['[]', 'STORE_FORMAT'],
  ])('says that index.json is broken (%s) and still has its blobs', async (text, code) => {
    const store = open();
    const blob = await putText(store, 'x', MANIFEST);
    await store.tag('x:1', blob);
    writeFileSync(join(folder, 'index.json'), text);
    await expectCode(store.resolve('x:1'), code);
    await expectCode(store.tag('y:1', blob), code);
    await expectCode(store.collect(), code);
    expect(await store.has(blob)).toBe(true);
    expect((await toArray(store.check())).map(({ kind }) => kind)).toEqual(['broken-index']);
    expect(readFileSync(join(folder, 'index.json'), 'utf8')).toBe(text);
  });

  it('refuses a layout of another version', async () => {
    await open().tag('x:1', await putText(open(), 'x', MANIFEST));
    writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    await expect(open().resolve('x:1')).rejects.toThrow('oci-layout says "2.0.0", want "1.0.0"');
  });

  it('reads a broken root as none, reports it, and collects it', async () => {
    const store = open();
    await store.roots.put({ kind: 'step', id: 'sha256:aa', targets: [] });
    const [file] = readdirSync(join(folder, 'roots', 'step'));
    for (const text of ['', '{"targets":[{}]}', '{"targets":1}', 'null', '{"targets":[],"onlyWith":"x"}']) {
      writeFileSync(join(folder, 'roots', 'step', file!), text);
      expect(await store.roots.get('step', 'sha256:aa')).toBeUndefined();
      expect(await toArray(store.roots.list())).toEqual([]);
    }
    expect((await toArray(store.check())).map(({ kind }) => kind)).toEqual(['broken-root']);
    await store.collect();
    await expectClean(store);
    expect(readdirSync(join(folder, 'roots', 'step'))).toEqual([]);
  });

  it('writes nothing when a name points there already', async () => {
    const store = open();
    const blob = await putText(store, 'x', MANIFEST);
    await store.tag('docker.io/library/x:1', blob);
    const before = statSync(join(folder, 'index.json'), { bigint: true });
    await store.tag('docker.io/library/x:1', blob);
    await open().tag('docker.io/library/x:1', blob);
    const after = statSync(join(folder, 'index.json'), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  });

  it('sees at once what another store of the folder named', async () => {
    const [one, two] = [open(), open()];
    const [a, b] = [await putText(one, 'a', MANIFEST), await putText(one, 'b', MANIFEST)];
    for (const target of [a, b, a]) {
      await one.tag('x:1', target);
      expect(await two.resolve('x:1')).toEqual(target);
    }
  });

  it('leaves the files of live and unknown processes, and of unknown ones for a day', async () => {
    const store = open();
    const staged = await store.stage();
    const [pid, start, namespace, boot] = ownerId().split('-');
    const unknown = join(folder, 'tmp', `${pid}-${start}-${Number(namespace) + 1}-${boot}.00`);
    const dead = join(folder, 'tmp', `${pid}-${Number(start) + 1}-${namespace}-${boot}.00`);
    writeFileSync(unknown, '');
    writeFileSync(dead, '');
    expect(await recover(folder)).toEqual([`tmp/${dead.slice(dead.lastIndexOf('/') + 1)}`]);
    expect([existsSync(staged.path), existsSync(unknown)]).toEqual([true, true]);
    const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
    utimesSync(unknown, twoDaysAgo, twoDaysAgo);
    await recover(folder);
    expect([existsSync(staged.path), existsSync(unknown)]).toEqual([true, false]);
  });

  it('does not count an unfinished file of this process as a problem', async () => {
    const store = open();
    const staged = await store.stage();
    const lease = await store.lease();
    await expectClean(store);
    await store.collect();
    expect(existsSync(staged.path)).toBe(true);
    await lease.release();
  });

  it('reads the last use of a root from the time of its file too', async () => {
    const store = open();
    await store.roots.put({ kind: 'step', id: 'a', targets: [] });
    const later = Math.floor(Date.now() / 1000) + 100;
    utimesSync(join(folder, 'roots', 'step', 'a.json'), later, later);
    expect((await store.roots.get('step', 'a'))?.usedAt).toBe(later * 1000);
  });

  it('keeps working under a lease whose last line a full disk cut', async () => {
    const store = open();
    const lease = await store.lease();
    const [name] = readdirSync(join(folder, 'leases'));
    appendFileSync(join(folder, 'leases', name!), 'sha256:01');
    const blob = await putText(store, 'x');
    expect((await open().collect()).blobs).toEqual([]);
    await lease.release();
    expect((await open().collect()).blobs.map(({ digest }) => digest)).toEqual([blob.digest]);
    expect(await store.ingest(streamOf(Buffer.from('x')), BLOB)).toEqual(blob);
  });

  it('makes the holder of a lease wait for a collection that cannot see its lease any more', async () => {
    const holder = open();
    const [blob, kept] = [await putText(holder, 'unseen'), await putText(holder, 'seen in time')];
    const lease = await holder.lease();
    await holder.has(kept);
    let asked: Promise<boolean> | undefined;
    let answered = false;
    const collector = createDirectoryStore(folder, {
      async onWritePoint(point) {
        if (point !== 'collect-marked') return;
        asked = holder.has(blob).finally(() => {
          answered = true;
        });
        for (let turn = 0; turn < 50; turn++) await new Promise((resume) => setImmediate(resume));
        expect(answered).toBe(false);
      },
    });
    expect((await collector.collect()).blobs.map(({ digest }) => digest)).toEqual([blob.digest]);
    expect(await asked).toBe(false);
    expect(await holder.has(kept)).toBe(true);
    await lease.release();
  });

  it('does not collect what was stored after it began, nor a name given meanwhile', async () => {
    const store = open();
    const image = await putImage(store, 'image');
    const late: Descriptor[] = [];
    let tagged: Promise<void> | undefined;
    const collector = createDirectoryStore(folder, {
      async onWritePoint(point) {
        if (point !== 'collect-marked') return;
        late.push(await putText(store, 'late'));
        tagged = store.tag('x:1', image.manifest);
        tagged.catch(() => {});
        for (let turn = 0; turn < 50; turn++) await new Promise((resume) => setImmediate(resume));
      },
    });
    expect((await collector.collect()).blobs.length).toBe(3);
    expect(await store.has(late[0]!)).toBe(true);
    await expectCode(tagged!, 'STORE_NOT_FOUND');
    expect(await listNames(store)).toEqual([]);
  });
});
