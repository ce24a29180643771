import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeHeader, encodeHeaderInto, endOfArchive } from '../../src/tar/encoder.ts';
import { createSandbox, type Ran, type Sandbox, tarEntry } from '../support/built-command.ts';
import { tarOf } from '../support/images.ts';
import { writeLayout } from '../support/oci-layout.ts';

/** What a terminal would obey, and the way out of a line. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const ESCAPES = '\u001b[2J\u001b]0;owned\u0007\r\u009b31m\u0001\u007f';

let work: string;
let sandbox: Sandbox;
const at = (name: string): string => join(work, name);

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-explore-'));
  sandbox = createSandbox();
});
afterAll(async () => {
  rmSync(work, { recursive: true, force: true });
  await sandbox.remove();
});

function layoutOf(name: string, tars: readonly Buffer[]): string {
  writeLayout(at(name), tars);
  return at(name);
}

/** Ended by itself, in a heap that no image may fill, and without anything that a terminal would obey. */
function expectTame(ran: Ran, code = 0): void {
  expect([ran.code, ran.signal, ran.stderr.slice(0, 500)]).toEqual([code, null, expect.any(String)]);
  expect(ran.stdout.replaceAll('\n', '')).not.toMatch(CONTROL);
  expect(ran.stderr.replaceAll('\n', '')).not.toMatch(CONTROL);
  expect(ran.stderr).not.toMatch(/\n\s+at /);
}

const run = (args: readonly string[], heap = 400): Promise<Ran> =>
  sandbox.run(args, { node: [`--max-old-space-size=${heap}`] });

describe('an image', () => {
  it('with escapes in its names, links and contents reaches no terminal with them', async () => {
    const name = `d/${ESCAPES}file`;
    const image = layoutOf('escapes', [
      tarOf([
        ['d/', 'folder/'],
        [name, `text ${ESCAPES} more`],
        [`d/${ESCAPES}link`, { symlink: `${ESCAPES}target` }],
        ['twin', 'same bytes'],
        [`${ESCAPES}twin`, 'same bytes'],
      ]),
      tarOf([[`d/.wh.${ESCAPES}file`, '']]),
    ]);
    for (const args of [
      ['explore', image],
      ['explore', '--json', '-', image],
      ['explore', '--find', '**', image],
      ['explore', '--grep', 'text', image],
      ['explore', '--packages', image],
      ['ls', '-lRa', image],
      ['ls', '--json', '-R', image],
      ['compare', image, image],
      ['extract', image, '/d', at('taken')],
    ])
      expectTame(await run(args));
    expectTame(await run(['cat', image, name]), 1);
    expectTame(await run(['cat', image, `/${ESCAPES}`]), 1);
    const other = layoutOf('plain', [tarOf([['a', 'b']])]);
    for (const format of ['text', 'json', 'markdown'])
      expectTame(await run(['compare', '--format', format, other, image]), 1);
    // Piped, a file is what it is.
    expect((await run(['cat', '--layer', '0', image, name])).stdout).toBe(`text ${ESCAPES} more`);
  });

  it('with escapes in its history shows none', async () => {
    const image = layoutOf('history', [tarOf([['a', 'b']])]);
    const blobs = join(image, 'blobs/sha256');
    const config = readdirSync(blobs)
      .map((each) => readFileSync(join(blobs, each)))
      .find((bytes) => bytes.includes('created_by'))!;
    const changed = Buffer.from(config.toString().replace('"test"', JSON.stringify(`RUN ${ESCAPES}\n\tx`)));
    replaceBlob(image, config, changed);
    expectTame(await run(['explore', image]));
    expectTame(await run(['explore', '--json', '-', image]));
  });

  it('with names of 4,000 characters, and as deep as a path can be, is listed', async () => {
    const deep = `${'d/'.repeat(2000)}f`;
    const image = layoutOf('long', [
      tarOf([
        ['n'.repeat(4000), 'long'],
        [deep, 'deep'],
      ]),
    ]);
    expectTame(await run(['explore', image]));
    const listed = await run(['ls', '-R', image]);
    expectTame(listed);
    expect(listed.stdout).toContain(`/${deep}\n`);
    expect((await run(['cat', image, deep])).stdout).toBe('deep');
    expectTame(await run(['extract', image, '/', at('deep')]), 1);
    expect(readdirSync(work).filter((name) => name === 'deep' || name.startsWith('.'))).toEqual([]);
  });

  it('whose links turn in circles ends', async () => {
    const image = layoutOf('circles', [
      tarOf([
        ['a', { symlink: 'b' }],
        ['b', { symlink: 'a' }],
        ['self', { symlink: 'self/self' }],
        ['up', { symlink: '../../../..' }],
        ['file', 'x'],
      ]),
    ]);
    expectTame(await run(['cat', image, '/a']), 1);
    expectTame(await run(['ls', image, '/self/x']), 1);
    expect((await run(['cat', image, '/up/up/file'])).stdout).toBe('x');
    expectTame(await run(['explore', '--find', '*', image]));
    expectTame(await run(['extract', image, '/', at('circles-out')]));
    expect(lstatSync(at('circles-out/self')).isSymbolicLink()).toBe(true);
  });

  it('that leads out of the folder it is extracted to stays in it', async () => {
    const outside = at('outside');
    mkdirSync(outside);
    const image = layoutOf('breakout', [
      tarOf([
        ['way', { symlink: outside }],
        ['dot', { symlink: '../../../../../../../../tmp' }],
      ]),
      tarOf([
        ['way/in', 'evil'],
        ['../../../up', 'evil'],
        [`..${outside}/abs`, 'evil'],
        ['hard', { hardlink: 'way/in' }],
        ['x/', 'folder/'],
      ]),
      tarOf([
        ['x', { symlink: outside }],
        ['x/y', 'evil'],
      ]),
    ]);
    mkdirSync(at('into'));
    expectTame(await run(['extract', image, '/', at('into')]));
    expect(readdirSync(outside)).toEqual([]);
    expect(readdirSync(at('into'))).toEqual(['rootfs']);
    for (const path of ['/..', '/way/../..', '..', '/x/../../..']) expectTame(await run(['ls', image, path]));
  });

  it('of 2,000 layers is explored', async () => {
    const layers = Array.from({ length: 2000 }, (_, i) =>
      tarOf(
        i % 2 === 0
          ? [
              ['f', `${i}`],
              [`g${i}`, 'x'],
            ]
          : [['.wh.f', '']],
      ),
    );
    const image = layoutOf('layers', layers);
    const ran = await run(['explore', '--json', '-', image]);
    expect(ran.code).toBe(0);
    const { stdout } = await run(['explore', '--summary', image]);
    expect(stdout).toContain('1000 layers can go');
    expectTame(await run(['ls', '-a', image, '/']));
  });

  it('with a directory of 100,000 entries needs no more memory than its index', async () => {
    const parts: Buffer[] = [tarEntry({ name: 'd', kind: 'directory', mode: 0o755 })];
    for (let i = 0; i < 100_000; i++) parts.push(tarEntry({ name: `d/${String(i).padStart(7, '0')}` }));
    const image = layoutOf('many', [Buffer.concat([...parts, endOfArchive()]), tarOf([['.wh.d', '']])]);
    expectTame(await run(['explore', '--summary', image], 200));
    const listed = await run(['ls', '-a', '--layer', '0', image, 'd'], 200);
    expect(listed.bytes.stdout).toBe(100_000 * 8);
    expect((await run(['explore', '--find', '/d/0012345', image], 200)).stdout).toContain('/d/0012345');
  });

  it('with a directory of a million entries is summed up and searched', async () => {
    const count = 1_000_000;
    // Made in place: a million buffers would take longer than what is tested.
    const tar = Buffer.alloc((count + 2) * 512);
    const entry = {
      kind: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      linkName: '',
      uname: '',
      gname: '',
    } as const;
    const mtime = { seconds: 0, nanos: 0 };
    for (let i = 0; i < count; i++)
      encodeHeaderInto(tar, i * 512, { ...entry, mtime, name: `d/${String(i).padStart(7, '0')}` });
    const image = layoutOf('million', [tar, tarOf([['.wh.d', '']])]);
    const { stdout, ...rest } = await run(['explore', '--summary', image]);
    expectTame({ stdout, ...rest });
    expect(stdout).toContain('no files at all');
    expect((await run(['explore', '--find', '/d/0123456', image])).stdout).toContain('/d/0123456');
  });

  it('that unpacks to a thousand times its size passes by in little memory', async () => {
    const size = 200 * 1024 * 1024;
    const header = encodeHeader({
      name: 'zeros',
      kind: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size,
      mtime: { seconds: 0, nanos: 0 },
      linkName: '',
      uname: '',
      gname: '',
    });
    const tar = Buffer.concat([header, Buffer.alloc(size), endOfArchive()]);
    const image = gzipLayout('bomb', tar);
    expectTame(await run(['explore', '--summary', image], 64));
    expectTame(await run(['explore', '--grep', 'needle', image], 64), 1);
  });

  it('whose layer is not what its config says is refused', async () => {
    const image = layoutOf('lies', [tarOf([['a', 'b']])]);
    const blobs = join(image, 'blobs/sha256');
    const config = readdirSync(blobs)
      .map((each) => readFileSync(join(blobs, each)))
      .find((bytes) => bytes.includes('diff_ids'))!;
    const lie = config.toString().replace(/"diff_ids":\["sha256:[0-9a-f]{8}/, '"diff_ids":["sha256:00000000');
    replaceBlob(image, config, Buffer.from(lie));
    for (const args of [
      ['explore', image],
      ['ls', image],
      ['cat', image, 'a'],
    ])
      expectTame(await run(args), 1);
  });
});

const hexOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Puts another config into a layout, and all that names it. */
function replaceBlob(layout: string, old: Buffer, now: Buffer): void {
  const blobs = join(layout, 'blobs/sha256');
  writeFileSync(join(blobs, hexOf(now)), now);
  const manifest = readdirSync(blobs)
    .map((each) => readFileSync(join(blobs, each)))
    .find((bytes) => bytes.length < 100_000 && bytes.includes(hexOf(old)) && bytes.includes('schemaVersion'));
  const index = readFileSync(join(layout, 'index.json'), 'utf8');
  if (manifest === undefined) {
    const sized = index
      .replace(hexOf(old), hexOf(now))
      .replace(`"size":${old.length}`, `"size":${now.length}`);
    writeFileSync(join(layout, 'index.json'), sized);
    return;
  }
  const text = manifest
    .toString()
    .replace(hexOf(old), hexOf(now))
    .replace(`"size":${old.length}`, `"size":${now.length}`);
  replaceBlob(layout, manifest, Buffer.from(text));
}

/** A layout whose one layer is stored with gzip. */
function gzipLayout(name: string, tar: Buffer): string {
  const folder = at(name);
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, bytes: Buffer) => {
    writeFileSync(join(blobs, hexOf(bytes)), bytes);
    return { mediaType, digest: `sha256:${hexOf(bytes)}`, size: bytes.length };
  };
  const type = 'application/vnd.oci.image';
  const layer = put(`${type}.layer.v1.tar+gzip`, gzipSync(tar, { level: 1 }));
  const rootfs = { type: 'layers', diff_ids: [`sha256:${hexOf(tar)}`] };
  const config = put(
    `${type}.config.v1+json`,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs })),
  );
  const manifest = { schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config, layers: [layer] };
  const root = put(`${type}.manifest.v1+json`, Buffer.from(JSON.stringify(manifest)));
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [root] }));
  writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return folder;
}
