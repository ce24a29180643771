import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LayerRef } from '../../src/runtime/types.ts';
import { type RootfsAgent, startAgent, type View } from '../support/rootfs-agent.ts';
import { readableBuild, testUser } from '../support/test-user.ts';

/** What the base layer holds, made by these commands in an empty root. */
const BASE = `
umask 022
mkdir -p bin etc usr/lib var/cache/a var/cache/b tmp srv/deep/er home dev
chmod 1777 tmp
echo sh > bin/sh; chmod 4755 bin/sh
echo one > etc/one; echo two > etc/two; ln etc/two etc/two-again
echo passwd > etc/passwd
ln -s usr/lib lib
for i in 1 2 3; do echo $i > var/cache/a/$i; done
echo b > var/cache/b/b
echo d > srv/deep/er/file
echo cap > bin/cap
setfattr -n user.kept -v value etc/one
find . -exec touch -h -d @1500000000 {} +
`;

/** A change made in the root, and the layer it makes: `kind mode path extra`. Times, sizes and owners are left out unless they matter. */
interface Case {
  readonly name: string;
  readonly script: string;
  readonly want: readonly string[];
  readonly mountPoints?: readonly string[];
  /** What differs when this process is root in a user namespace only. */
  readonly rootOnly?: boolean;
}

const CASES: readonly Case[] = [
  { name: 'nothing at all', script: '', want: [] },
  { name: 'a file that came and went', script: 'touch tmp/x; rm tmp/x', want: [] },
  {
    name: 'a new file brings its parents, each once',
    script: 'echo 1 > srv/deep/er/new1; echo 2 > srv/deep/er/new2',
    want: [
      'directory 755 srv',
      'directory 755 srv/deep',
      'directory 755 srv/deep/er',
      'file 644 srv/deep/er/new1 2',
      'file 644 srv/deep/er/new2 2',
    ],
  },
  {
    name: 'a file that is deleted leaves a whiteout before its siblings',
    script: 'rm etc/two; echo x > etc/a',
    want: ['directory 755 etc', 'whiteout 0 etc/two', 'file 644 etc/a 2'],
  },
  {
    name: 'a directory that is deleted leaves one whiteout',
    script: 'rm -r var/cache',
    want: ['directory 755 var', 'whiteout 0 var/cache'],
  },
  {
    name: 'a directory that is deleted and made again hides what was in it',
    script: 'rm -r var/cache/a; mkdir var/cache/a; echo n > var/cache/a/n',
    want: [
      'directory 755 var',
      'directory 755 var/cache',
      'directory 755 var/cache/a',
      'opaque 0 var/cache/a',
      'file 644 var/cache/a/n 2',
    ],
  },
  {
    name: 'a new directory hides nothing',
    script: 'mkdir -p etc/new/er; echo x > etc/new/er/f',
    want: [
      'directory 755 etc',
      'directory 755 etc/new',
      'directory 755 etc/new/er',
      'file 644 etc/new/er/f 2',
    ],
  },
  {
    name: 'a file that is deleted and made again is the file',
    script: 'rm etc/one; echo again > etc/one',
    want: ['directory 755 etc', 'file 644 etc/one 6'],
  },
  {
    name: 'a changed mode brings the file whole',
    script: 'chmod 600 etc/one',
    want: ['directory 755 etc', 'file 600 etc/one 4 user.kept=value'],
  },
  {
    name: 'a directory with another mode stands alone',
    script: 'chmod 700 home',
    want: ['directory 700 home'],
  },
  {
    name: 'a directory of which only the time is new is no change',
    script: 'touch home',
    want: [],
  },
  {
    name: 'a file opened for writing and left as it was is no change',
    script: 'exec 3>>etc/passwd; exec 3>&-',
    want: [],
  },
  {
    name: 'a file whose content was changed behind the same size and time is a change',
    script: 'echo PASSWD > etc/passwd; touch -d @1500000000 etc/passwd',
    want: ['directory 755 etc', 'file 644 etc/passwd 7'],
  },
  {
    name: 'a file with a new time is a change',
    script: 'touch etc/passwd',
    want: ['directory 755 etc', 'file 644 etc/passwd 7'],
  },
  {
    name: 'a renamed directory is a deletion and new files',
    script: 'mv var/cache/b var/cache/c',
    want: [
      'directory 755 var',
      'directory 755 var/cache',
      'whiteout 0 var/cache/b',
      'directory 755 var/cache/c',
      'file 644 var/cache/c/b 2',
    ],
  },
  {
    name: 'a hard link to a file below brings both names',
    script: 'ln etc/one etc/uno',
    want: ['directory 755 etc', 'file 644 etc/one 4 user.kept=value', 'hardlink 644 etc/uno -> etc/one'],
  },
  {
    name: 'hard links among new files stay links',
    script: 'echo x > tmp/b; ln tmp/b tmp/a; ln tmp/b bin/c',
    want: [
      'directory 755 bin',
      'file 644 bin/c 2',
      'directory 1777 tmp',
      'hardlink 644 tmp/a -> bin/c',
      'hardlink 644 tmp/b -> bin/c',
    ],
  },
  {
    name: 'setuid and setgid survive, and a write clears them as the kernel does',
    script: 'cp bin/sh bin/s; chmod 6711 bin/s',
    want: ['directory 755 bin', 'file 6711 bin/s 3'],
  },
  {
    name: 'attributes and file capabilities are kept, overlay marks never enter',
    script: 'setcap cap_net_raw=ep bin/cap; setfattr -n user.x -v y usr/lib',
    want: [
      'directory 755 bin',
      'file 755 bin/cap 4 security.capability',
      'directory 755 usr',
      'directory 755 usr/lib user.x=y',
    ].map((line) => line.replace('755 bin/cap', '644 bin/cap')),
  },
  {
    name: 'devices',
    script: 'mknod tmp/null c 1 3; mknod tmp/disk b 259 70000',
    want: ['directory 1777 tmp', 'block 644 tmp/disk 259:70000', 'character 644 tmp/null 1:3'],
    rootOnly: true,
  },
  {
    name: 'fifos enter, sockets do not',
    script: `mkfifo tmp/fifo; python3 -c 'import socket;socket.socket(socket.AF_UNIX).bind("tmp/sock")'`,
    want: ['directory 1777 tmp', 'fifo 644 tmp/fifo'],
  },
  {
    name: 'a socket alone is no change',
    script: `python3 -c 'import socket;socket.socket(socket.AF_UNIX).bind("tmp/sock")'`,
    want: [],
  },
  {
    name: 'a directory replaced by a symlink needs no whiteout',
    script: 'rm -r var/cache/a; ln -s b var/cache/a',
    want: ['directory 755 var', 'directory 755 var/cache', 'symlink 777 var/cache/a -> b'],
  },
  {
    name: 'a symlink replaced by a directory needs no whiteout',
    script: 'rm lib; mkdir lib; echo x > lib/x',
    want: ['directory 755 lib', 'file 644 lib/x 2'],
  },
  {
    name: 'a symlink that points elsewhere',
    script: 'ln -sfn usr lib',
    want: ['symlink 777 lib -> usr'],
  },
  {
    name: 'odd names and names that are not UTF-8',
    script: `printf x > $'tmp/new\\nline'; printf y > $'tmp/\\xff\\xfe'; printf z > 'tmp/ caf\u00e9'`,
    want: [
      'directory 1777 tmp',
      'file 644 tmp/\\u0020caf\\u00e9 1',
      'file 644 tmp/new\\nline 1',
      'file 644 tmp/\\udcff\\udcfe 1',
    ].map((line) =>
      line
        .replace('\\u0020', ' ')
        .replace('\\u00e9', '\u00e9')
        .replace('\\n', '\n')
        .replace('\\udcff\\udcfe', '\udcff\udcfe'),
    ),
  },
  {
    name: 'mount points leave no trace, nor do the times of their parents',
    script: 'touch etc/resolv.conf etc/hosts; mkdir proc sys; echo p >> etc/passwd',
    mountPoints: ['etc/resolv.conf', 'etc/hosts', 'proc', 'sys', 'dev'],
    want: ['directory 755 etc @1500000000', 'file 644 etc/passwd 9'],
  },
  {
    name: 'a mount point that something was written to is kept',
    script: 'mkdir -p data/in; echo x > data/in/f; echo y > etc/hosts',
    mountPoints: ['data', 'etc/hosts'],
    want: [
      'directory 755 data',
      'directory 755 data/in',
      'file 644 data/in/f 2',
      'directory 755 etc',
      'file 644 etc/hosts 2',
    ],
  },
  {
    name: 'a mount point that was there before stays',
    script: '',
    mountPoints: ['dev', 'tmp', 'etc/passwd'],
    want: [],
  },
  {
    name: 'another owner',
    script: 'chown 12:34 etc/one home',
    want: ['directory 755 etc', 'file 644 etc/one 4 12:34 user.kept=value', 'directory 755 home 12:34'],
  },
  {
    name: 'the root directory itself',
    script: 'chmod 711 .',
    want: ['directory 711 /'],
  },
];

describe.each(['trusted', 'user', 'whole'] as const)('changes in a root of format %s', (format) => {
  let folder: string;
  let build: string | undefined;
  let agent: RootfsAgent;
  let base: LayerRef;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'dobos-changes-'));
    let user: { uid: number; gid: number; build: string } | undefined;
    if (format === 'user') {
      build = readableBuild();
      user = { ...testUser(), build };
      chownSync(folder, user.uid, user.gid);
    }
    chmodSync(folder, 0o755);
    agent = startAgent({ storeFolder: join(folder, 'store'), format, user });
    base = (await agent.run(MAKE, { layers: [], script: BASE })) as LayerRef;
  });
  afterAll(async () => {
    await agent.run('fs.rmSync(folder + "/snapshots", { recursive: true, force: true })');
    await agent.close();
    rmSync(folder, { recursive: true, force: true });
    if (build !== undefined) rmSync(build, { recursive: true, force: true });
  });

  for (const { name, script, want, mountPoints, rootOnly } of CASES) {
    if (rootOnly === true && format === 'user') continue;
    test(name, async () => {
      const result = (await agent.run(CHANGE, { layers: [base], script, mountPoints })) as Result;
      expect(result.changes.map((line) => trimTime(line, want))).toEqual(want);
      // The snapshot that was published and the one unpacked from the layer are the same, times included.
      expect(result.published).toEqual(result.unpacked);
    });
  }

  test('times later than the epoch become the epoch, in the layer and on disk', async () => {
    const script = 'echo x > etc/new; touch -d @1400000000 etc/older; touch -d @1500000000.7 etc/fraction';
    const { changes, published, unpacked } = (await agent.run(CHANGE, {
      layers: [base],
      script,
      epoch: 1_500_000_001,
    })) as Result;
    expect(changes).toEqual([
      'directory 755 etc @1500000001',
      'file 644 etc/fraction 0 @1500000000',
      'file 644 etc/new 2 @1500000001',
      'file 644 etc/older 0 @1400000000',
    ]);
    expect(published).toEqual(unpacked);
  });

  test('a name that means deletion cannot be committed', async () => {
    const change = agent.run(CHANGE, { layers: [base], script: 'touch etc/.wh.one' });
    await expect(change).rejects.toMatchObject({ code: 'ROOTFS_WHITEOUT_NAME' });
  });

  test('a mounted root cannot be committed', async () => {
    const change = agent.run(
      'const r = await snapshotter.prepare([]); r.mount(); try { await r.commit(); } finally { await r.dispose(); }',
    );
    await expect(change).rejects.toMatchObject({ code: 'ROOTFS_MOUNTED' });
  });
});

interface Result {
  readonly changes: readonly string[];
  readonly published: View;
  readonly unpacked: View;
}

/** Times are compared where a case names one. */
function trimTime(line: string, expected: readonly string[]): string {
  return expected.includes(line) ? line : line.replace(/ @\d+$/, '');
}

const MAKE = `
const root = await snapshotter.prepare(layersOf(o.layers));
try {
  sh(o.script, root.mount());
  root.unmount();
  const { blob, diffId } = await root.commit();
  return { blob, diffId };
} finally { await root.dispose(); }
`;

/** Runs the script in a root, lists the changes, commits, and looks at the new chain twice: as published, and unpacked afresh from the layers. */
const CHANGE = `
const root = await snapshotter.prepare(layersOf(o.layers));
const changes = [];
let layer;
try {
  sh('umask 022\\n' + o.script, root.mount());
  root.unmount();
  const options = { mountPoints: o.mountPoints, epoch: o.epoch };
  for await (const c of root.changes(options)) {
    const parts = [c.kind, c.mode.toString(8), c.path === '' ? '/' : c.path];
    if (c.kind === 'file') parts.push(String(c.content.size));
    if (c.linkTo !== undefined) parts.push('-> ' + c.linkTo);
    if (c.device !== undefined) parts.push(c.device.major + ':' + c.device.minor);
    if (c.uid !== 0 || c.gid !== 0) parts.push(c.uid + ':' + c.gid);
    for (const [name, value] of c.xattrs ?? []) parts.push(name.startsWith('user.') ? name + '=' + Buffer.from(value) : name);
    if (c.kind !== 'whiteout' && c.kind !== 'opaque') parts.push('@' + c.mtime);
    changes.push(parts.join(' '));
  }
  layer = await root.commit(options);
} finally { await root.dispose(); }
const look = async () => {
  const again = await snapshotter.prepare([...layersOf(o.layers), layer]);
  try {
    const view = viewOf(again.mount());
    for (const path of Object.keys(view)) view[path] += ' @' + fs.lstatSync((await load('base/names.js')).fsPath(again.plan.merged + '/' + path), { bigint: true }).mtimeNs;
    return view;
  } finally { await again.dispose(); }
};
const published = await look();
const { chainIds } = await load('image/chain-id.js');
await snapshotter.collect(new Set(chainIds(o.layers.map((l) => l.diffId))));
const unpacked = await look();
return { changes, published, unpacked };
`;
