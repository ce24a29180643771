import { chmodSync, existsSync, linkSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  build,
  describeTop,
  dir,
  file,
  link,
  makeBase,
  makeFolder,
  topLayer,
} from '../../../test/support/build.ts';
import { collect, sha256, streamOf } from '../../base/bytes.ts';
import { isDobosError } from '../../base/errors.ts';
import { sealImage } from '../../image/seal-image.ts';
import type { Image } from '../../image/types.ts';
import { openLayer } from '../../layer/open-layer.ts';
import type { PlannedEntry } from '../../layer/types.ts';
import { OCI_LAYER_GZIP } from '../../oci/media-types.ts';
import type { LocalStore } from '../../store/contract.ts';
import { createMemoryStore } from '../../store/memory-store.ts';

const PASSWD = 'root:x:0:0::/:\nada:x:1000:1001::/home/ada:\n';

/** What the image that is copied into has. */
const BASE: readonly PlannedEntry[] = [
  dir('app', { mode: 0o700, uid: 5, gid: 6 }),
  dir('app/sub', { mode: 0o711, uid: 7, gid: 8 }),
  file('app/sub/old', 'old'),
  dir('etc'),
  file('etc/passwd', PASSWD),
  file('etc/group', 'root:x:0:\nstaff:x:50:\n'),
  dir('real', { mode: 0o750, uid: 9, gid: 9 }),
  dir('run'),
  link('link', 'real'),
  link('out', '../../../real'),
  link('dangling', 'new/place'),
  link('app/flink', '../etc/passwd'),
];

describe('COPY', () => {
  let store: LocalStore;
  let base: Image;
  let folder: ReturnType<typeof makeFolder>;
  beforeEach(async () => {
    store = createMemoryStore();
    base = await makeBase(store, BASE);
    folder = makeFolder({
      a: ['a', 0o640],
      b: 'b',
      'd/x': ['x', 0o755],
      'd/sub/y': 'y',
      'd/sub/link': { link: '../x' },
      'd/empty': { dir: 0o700 },
      'one/two/three': '3',
      'log[1].txt': '1',
      'log2.txt': '2',
      tofile: { link: 'b' },
      'l/1': { link: 'second' },
      'l/second': { link: '../a' },
      todir: { link: 'd' },
      broken: { link: 'nowhere' },
      outside: { link: '/b' },
      above: { link: '../../../../b' },
    });
    folder.write({ d: { dir: 0o750 }, 'd/sub': { dir: 0o770 }, one: { dir: 0o755 } });
  });
  afterEach(() => folder.remove());

  const copy = async (line: string, from: 'base' | 'scratch' = 'base'): Promise<string[]> => {
    const start = `FROM ${from}`;
    const result = await build(store, `${start}\n${line}\n`, { base, contextFolder: folder.path });
    return describeTop(store, result.image);
  };
  const failure = async (line: string, from?: 'scratch'): Promise<string> => {
    try {
      return (await copy(line, from)).join(' | ');
    } catch (error) {
      if (!isDobosError(error)) throw error;
      return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
    }
  };

  it.each<[string, string[]]>([
    // A file.
    ['COPY a /x', ['x 640 0:0']],
    ['COPY a /x/', ['x/ 755 0:0', 'x/a 640 0:0']],
    ['COPY /a /x', ['x 640 0:0']],
    ['COPY ../../a /x', ['x 640 0:0']],
    ['COPY ./one/../a/ /x', ['x 640 0:0']],
    ['COPY a /app', ['app/ 700 5:6', 'app/a 640 0:0']],
    ['COPY a /app/', ['app/ 700 5:6', 'app/a 640 0:0']],
    [
      'COPY a /app/sub/deep/er',
      ['app/ 700 5:6', 'app/sub/ 711 7:8', 'app/sub/deep/ 755 0:0', 'app/sub/deep/er 640 0:0'],
    ],
    ['COPY a /etc/passwd', ['etc/ 755 0:0', 'etc/passwd 640 0:0']],
    ['COPY a b /app', ['app/ 700 5:6', 'app/a 640 0:0', 'app/b 644 0:0']],
    ['COPY a b /x/', ['x/ 755 0:0', 'x/a 640 0:0', 'x/b 644 0:0']],
    // Destinations that are symlinks.
    ['COPY a /link', ['real/ 750 9:9', 'real/a 640 0:0']],
    ['COPY a /link/x', ['real/ 750 9:9', 'real/x 640 0:0']],
    ['COPY a /out/x', ['real/ 750 9:9', 'real/x 640 0:0']],
    ['COPY a /dangling', ['new/ 755 0:0', 'new/place 640 0:0']],
    ['COPY a /dangling/', ['new/ 755 0:0', 'new/place/ 755 0:0', 'new/place/a 640 0:0']],
    ['COPY a /app/flink', ['etc/ 755 0:0', 'etc/passwd 640 0:0']],
    // A directory: its contents.
    [
      'COPY d /x',
      [
        'x/ 755 0:0',
        'x/empty/ 700 0:0',
        'x/sub/ 770 0:0',
        'x/sub/link -> ../x 777 0:0',
        'x/sub/y 644 0:0',
        'x/x 755 0:0',
      ],
    ],
    [
      'COPY d /app',
      [
        'app/ 700 5:6',
        'app/empty/ 700 0:0',
        'app/sub/ 770 7:8',
        'app/sub/link -> ../x 777 0:0',
        'app/sub/y 644 0:0',
        'app/x 755 0:0',
      ],
    ],
    [
      'COPY d /',
      ['empty/ 700 0:0', 'sub/ 770 0:0', 'sub/link -> ../x 777 0:0', 'sub/y 644 0:0', 'x 755 0:0'],
    ],
    ['COPY d/sub /p/q', ['p/ 755 0:0', 'p/q/ 755 0:0', 'p/q/link -> ../x 777 0:0', 'p/q/y 644 0:0']],
    ['COPY a one /x/', ['x/ 755 0:0', 'x/a 640 0:0', 'x/two/ 755 0:0', 'x/two/three 644 0:0']],
    // Sources that are symlinks are followed, inside the context.
    ['COPY tofile /x/', ['x/ 755 0:0', 'x/tofile 644 0:0']],
    ['COPY l/1 /x/', ['x/ 755 0:0', 'x/1 640 0:0']],
    ['COPY l/* /x/', ['x/ 755 0:0', 'x/1 640 0:0', 'x/second 640 0:0']],
    ['COPY todir/sub/y /x', ['x 644 0:0']],
    [
      'COPY todir /x',
      [
        'x/ 755 0:0',
        'x/empty/ 700 0:0',
        'x/sub/ 770 0:0',
        'x/sub/link -> ../x 777 0:0',
        'x/sub/y 644 0:0',
        'x/x 755 0:0',
      ],
    ],
    ['COPY outside above /x/', ['x/ 755 0:0', 'x/above 644 0:0', 'x/outside 644 0:0']],
    // Patterns.
    ['COPY log*.txt /x/', ['x/ 755 0:0', 'x/log2.txt 644 0:0', 'x/log[1].txt 644 0:0']],
    ['COPY log[[]1].txt /x', ['x 644 0:0']],
    ['COPY ["log[[]1].txt", "/x"]', ['x 644 0:0']],
    ['COPY [ab] nomatch* /x/', ['x/ 755 0:0', 'x/a 640 0:0', 'x/b 644 0:0']],
    ['COPY on?/*/three /x', ['x 644 0:0']],
    ['COPY on* /x/', ['x/ 755 0:0', 'x/two/ 755 0:0', 'x/two/three 644 0:0']],
    // Owners and modes.
    ['COPY --chown=ada a /n/x', ['n/ 755 1000:1001', 'n/x 640 1000:1001']],
    ['COPY --chown=ada:staff a /x', ['x 640 1000:50']],
    ['COPY --chown=33 a /x', ['x 640 33:33']],
    ['COPY --chown=33:44 d/sub /x', ['x/ 755 33:44', 'x/link -> ../x 777 33:44', 'x/y 644 33:44']],
    [
      'COPY --chown=ada d /app',
      [
        'app/ 700 5:6',
        'app/empty/ 700 1000:1001',
        'app/sub/ 770 1000:1001',
        'app/sub/link -> ../x 777 1000:1001',
        'app/sub/y 644 1000:1001',
        'app/x 755 1000:1001',
      ],
    ],
    ['COPY --chmod=0600 a /n/x', ['n/ 755 0:0', 'n/x 600 0:0']],
    ['COPY --chmod=u=rwX,go=rX d/sub /x', ['x/ 755 0:0', 'x/link -> ../x 777 0:0', 'x/y 644 0:0']],
    // Text in the Dockerfile.
    ['COPY <<one <<two /x/\n1\none\n2\ntwo', ['x/ 755 0:0', 'x/one 644 0:0', 'x/two 644 0:0']],
    ['COPY --chmod=755 --chown=5:6 <<run /bin/it\nhi\nrun', ['bin/ 755 5:6', 'bin/it 755 5:6']],
  ])('%s', async (line, want) => {
    expect(await copy(line)).toEqual(want);
  });

  it.each([
    [
      'COPY nothing /',
      'COPY failed: "nothing" is not in the build context (its path is looked up in the folder that was given to build)',
    ],
    [
      'COPY one/twoo/three /',
      'COPY failed: "one/twoo/three" is not in the build context (did you mean "one/two/three"?)',
    ],
    [
      'COPY broken /',
      'COPY failed: "broken" is a symlink to "nowhere", which is not in the build context (its path is looked up in the folder that was given to build)',
    ],
    [
      'COPY a/x /',
      'COPY failed: "a/x" is not in the build context (its path is looked up in the folder that was given to build)',
    ],
    ['COPY nomatch* none? /', 'COPY failed: nothing in the build context matches "nomatch*" or "none?"'],
    [
      'COPY a b /x',
      '2 sources copied to "/x": with several sources the destination must be a directory and end in / (write "/x/")',
    ],
    [
      'COPY a /etc/passwd/',
      'cannot copy to non-directory: /etc/passwd is a file in the image, and a needs a directory there',
    ],
    [
      'COPY a /etc/passwd/x/y',
      'cannot copy to non-directory: /etc/passwd is a file in the image, and etc/passwd/x/y needs a directory there',
    ],
    [
      'COPY d /etc/passwd',
      'cannot copy to non-directory: /etc/passwd is a file in the image, and d/ needs a directory there',
    ],
    ['COPY d/sub/y /app/sub/', 'app/ 700 5:6 | app/sub/ 711 7:8 | app/sub/y 644 0:0'],
    [
      'COPY --chown=bob a /',
      'user bob is not in /etc/passwd of the image (create it in an earlier step, or give a number)',
    ],
    [
      'COPY --chown=ada:bobs a /',
      'group bobs is not in /etc/group of the image (create it in an earlier step, or give a number)',
    ],
    ['COPY --chmod=64a a /', 'invalid chmod parameter: "64a", want an octal number from 0 to 07777'],
  ])('%s: %s', async (line, message) => {
    expect(await failure(line)).toBe(message);
  });

  it('puts no file where the image has a directory, and no directory over a link of the image', async () => {
    folder.write({ 'e/sub': 'a file', 'f/link/z': 'z' });
    expect(await failure('COPY e /app')).toBe(
      'cannot replace directory /app/sub of the image with file app/sub',
    );
    expect(await failure('COPY f /')).toBe(
      'cannot copy to non-directory: /link is a symlink in the image, and f/link needs a directory there',
    );
  });

  it('replaces a link of the image inside a copied folder by the file', async () => {
    folder.write({ 'e/flink': 'a file' });
    expect(await copy('COPY e /app')).toEqual(['app/ 700 5:6', 'app/flink 644 0:0']);
  });

  it('names a user on scratch only by number', async () => {
    expect(await failure('COPY --chown=ada a /', 'scratch')).toMatch(/^user ada is not in/);
    expect(
      await build(store, 'FROM scratch\nCOPY --chown=7 a /\n', { contextFolder: folder.path }),
    ).toBeDefined();
  });

  it('keeps the times of files, and dates what it had to make itself with 1970', async () => {
    utimesSync(join(folder.path, 'one/two'), 1_650_000_000, 1_650_000_000);
    const { image } = await build(store, 'FROM base\nCOPY one /p/q\n', { base, contextFolder: folder.path });
    const entries = await topLayer(store, image);
    const times = [...entries].map(([path, { mtime }]) => [path, mtime.seconds]);
    expect(Object.fromEntries(times)).toMatchObject({
      p: 0,
      'p/q/two': 1_650_000_000,
      'p/q/two/three': 1_600_000_000,
    });
  });

  it('takes nothing of the context folder itself but its contents', async () => {
    folder.write({ '.': { dir: 0o711 } });
    expect((await copy('COPY . /new'))[0]).toBe('new/ 755 0:0');
  });

  it('makes an empty file of a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${folder.path}/e.sock`, resolve));
    try {
      chmodSync(`${folder.path}/e.sock`, 0o755);
      expect(await copy('COPY e.sock /x')).toEqual(['x 755 0:0']);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('keeps hard links within one COPY', async () => {
    linkSync(join(folder.path, 'd/x'), join(folder.path, 'd/sub/z'));
    expect(await copy('COPY d /x')).toEqual([
      'x/ 755 0:0',
      'x/empty/ 700 0:0',
      'x/sub/ 770 0:0',
      'x/sub/link -> ../x 777 0:0',
      'x/sub/y 644 0:0',
      'x/sub/z 755 0:0',
      'x/x -> x/sub/z hard 755 0:0',
    ]);
  });

  it('refuses names that would be deletions in a layer', async () => {
    folder.write({ 'w/.wh.a': '' });
    expect(await failure('COPY w /w')).toContain('names that start with .wh. mark deletions in layers');
  });

  it('leaves out what the .dockerignore excludes and does not look at it', async () => {
    folder.write({ '.dockerignore': 'd\n!d/sub/y\n*.txt\nl\n.dockerignore\n' });
    const { image, events } = await build(store, 'FROM scratch\nCOPY . /\n', { contextFolder: folder.path });
    const paths = [...(await topLayer(store, image)).keys()];
    expect(paths).toContain('d/sub/y');
    expect(paths.filter((path) => /^(?:d\/(?:x|empty)|l|log|\.docker)/.test(path))).toEqual([]);
    expect(events.find(({ kind }) => kind === 'context')).toMatchObject({ ignored: 7 });
  });

  it('finds no excluded file by name, pattern or link, and no folder that is empty without its excluded files', async () => {
    folder.write({ '.dockerignore': 'b\nd\n!d/nothing\n' });
    expect(await failure('COPY b /')).toContain('excluded by .dockerignore line 1: b');
    expect(await failure('COPY tofile /')).toContain('"tofile" is a symlink to "b", which is not');
    expect(await failure('COPY [b] /')).toContain('nothing in the build context matches');
    expect(await failure('COPY d /')).toContain('excluded by .dockerignore line 2: d');
  });

  it('copies from another stage with owners, modes, times, links and attributes as they are', async () => {
    const layered = await makeBase(store, [
      dir('bin', { uid: 1, gid: 2 }),
      file('bin/tool', 'tool', {
        mode: 0o4755,
        uid: 3,
        gid: 4,
        mtime: 77,
        xattrs: new Map([['security.capability', Buffer.from('cap')]]),
      }),
      { ...link('bin/other', 'bin/tool'), kind: 'hardlink', mode: 0o4755, uid: 3, gid: 4 },
      link('sbin', 'bin'),
    ]);
    const text = 'FROM base AS a\nFROM scratch\nCOPY --from=a /sbin /x\n';
    const { image } = await build(store, text, { base: layered });
    expect(await describeTop(store, image)).toEqual([
      'x/ 755 0:0',
      'x/other 4755 3:4',
      'x/tool -> x/other hard 4755 3:4',
    ]);
    const other = (await topLayer(store, image)).get('x/other');
    expect(other?.mtime.seconds).toBe(77);
    expect(other?.xattrs?.get('security.capability')).toEqual(Uint8Array.from(Buffer.from('cap')));
    expect(other?.size).toBe(4);
  });

  it('finds the users of an image whose passwd is elsewhere', async () => {
    const linked = await makeBase(store, [
      dir('etc'),
      link('etc/passwd', '../usr/lib/passwd'),
      dir('usr'),
      dir('usr/lib'),
      file('usr/lib/passwd', 'eve:x:3000:3001::/:\n'),
    ]);
    const { image } = await build(store, 'FROM base\nCOPY --chown=eve a /\n', {
      base: linked,
      contextFolder: folder.path,
    });
    expect(await describeTop(store, image)).toEqual(['a 640 3000:3001']);
  });

  it('copies from an image whose layers are compressed, and leaves nothing behind', async () => {
    const plain = base.layers[0]!;
    const tar = await collect(plain.openTar(), 1024 * 1024);
    const packed = gzipSync(tar);
    const blob = { mediaType: OCI_LAYER_GZIP, digest: sha256(packed), size: packed.length };
    await store.put(blob, streamOf(packed));
    const compressed = sealImage(base.config, [openLayer(store, blob, plain.diffId)]);
    const staged: string[] = [];
    const watched: LocalStore = {
      ...store,
      stage: async () => {
        const made = await store.stage();
        staged.push(made.path);
        return made;
      },
    };
    const { image } = await build(watched, 'FROM scratch\nCOPY --from=base /app/sub /etc /x/\n', {
      base: compressed,
    });
    const entries = await topLayer(store, image);
    expect(entries.get('x/passwd')?.contentDigest).toBe(sha256(PASSWD));
    expect(entries.get('x/old')?.contentDigest).toBe(sha256('old'));
    expect(staged.length).toBeGreaterThan(1);
    expect(staged.filter((path) => existsSync(path))).toEqual([]);
  });

  it('makes a directory for WORKDIR as its USER, and no layer when it is there', async () => {
    const text = 'FROM base\nUSER ada\nWORKDIR /link/new/deep\n';
    const made = await build(store, text, { base });
    expect(await describeTop(store, made.image)).toEqual([
      'real/ 750 9:9',
      'real/new/ 755 1000:1001',
      'real/new/deep/ 755 1000:1001',
    ]);
    const there = await build(store, 'FROM base\nWORKDIR /app\n', { base });
    expect(there.image.layers).toHaveLength(1);
    expect(there.image.config.history?.at(-1)).toMatchObject({
      created_by: 'WORKDIR /app',
      empty_layer: true,
    });
    const failing = build(store, 'FROM base\nWORKDIR /etc/passwd/x\n', { base });
    await expect(failing).rejects.toThrow(
      'WORKDIR /etc/passwd/x failed: /etc/passwd is in the image and no directory',
    );
  });
});
