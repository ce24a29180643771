import { describe, expect, it } from 'vitest';
import { exploredLayers } from '../../../test/support/explored.ts';
import type { VectorEntry } from '../../../test/support/vector-tar.ts';
import { readPackages } from './read-packages.ts';

const file = (tarPath: string, content = 'x'): VectorEntry => ({
  path: tarPath,
  type: 'file',
  content,
  tarPath,
});
const gone = (tarPath: string): VectorEntry => ({ path: '', type: 'whiteout', tarPath });
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  target,
  tarPath: path,
});

async function told(...layers: readonly (readonly VectorEntry[])[]) {
  const exploration = await exploredLayers(layers);
  const { packages, layers: rows, unread } = await readPackages(exploration, exploration.store);
  return {
    unread,
    packages: packages.map(({ manager, name, version, bytes, present }) =>
      [manager, name, version, bytes, present ? 'there' : 'gone'].join(' '),
    ),
    layers: rows.map(({ packages: each }) =>
      each.map(({ package: at, change, before, version, bytes }) =>
        [packages[at]!.name, change, before ?? '', version ?? '', bytes].join(' '),
      ),
    ),
    other: rows.map(({ otherBytes }) => otherBytes),
  };
}

const status = (...packages: readonly (readonly [name: string, version: string, state?: string])[]): string =>
  packages
    .map(
      ([name, version, state = 'install ok installed']) =>
        `Package: ${name}\nStatus: ${state}\nArchitecture: amd64\nVersion: ${version}\nDescription: a\n b: c\n`,
    )
    .join('\n');

describe('packages', () => {
  it('of dpkg come with the bytes of their files, through links, and with what layers do to them', async () => {
    const first = status(['libc6', '2.36'], ['coreutils', '9.1'], ['rest', '1', 'deinstall ok config-files']);
    const second = status(['libc6', '2.37'], ['curl', '7.88']);
    const found = await told(
      [
        link('bin', 'usr/bin'),
        file('usr/bin/ls', 'l'.repeat(100)),
        file('lib/libc.so.6', 'c'.repeat(1000)),
        file('etc/own', '12345'),
        file('var/lib/dpkg/status', first),
        file('var/lib/dpkg/info/libc6:amd64.list', '/.\n/lib\n/lib/libc.so.6\n'),
        file('var/lib/dpkg/info/coreutils.list', '/.\n/bin\n/bin/ls\n'),
      ],
      [
        file('lib/libc.so.6', 'd'.repeat(900)),
        file('usr/bin/curl', 'u'.repeat(50)),
        file('var/lib/dpkg/status', second),
        file('var/lib/dpkg/info/curl.list', '/usr/bin/curl\n'),
        gone('var/lib/dpkg/info/.wh.coreutils.list'),
        gone('usr/bin/.wh.ls'),
      ],
    );
    expect(found.packages).toEqual([
      'dpkg libc6 2.37 1900 there',
      'dpkg coreutils 9.1 100 gone',
      'dpkg curl 7.88 50 there',
    ]);
    expect(found.layers).toEqual([
      ['libc6 added  2.36 1000', 'coreutils added  9.1 100'],
      ['libc6 changed 2.36 2.37 900', 'curl added  7.88 50', 'coreutils removed 9.1  0'],
    ]);
    expect(found.other[0]).toBeGreaterThan(5);
  });

  it('of distroless images stand in status.d', async () => {
    const found = await told([
      file('etc/ssl/cert', 'c'.repeat(30)),
      file('var/lib/dpkg/status.d/ca-certificates', 'Package: ca-certificates\nVersion: 2023\n'),
      file('var/lib/dpkg/status.d/ca-certificates.md5sums', `${'0'.repeat(32)}  etc/ssl/cert\n`),
    ]);
    expect(found.packages).toEqual(['dpkg ca-certificates 2023 30 there']);
  });

  it('of apk, npm and Python are read too', async () => {
    const record =
      'pkg/__init__.py,sha256=x,8\n"pkg/a,b.py",,\n../../../bin/tool,,\npkg-1.0.dist-info/RECORD,,\n';
    const found = await told([
      file(
        'lib/apk/db/installed',
        'C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl.so\nZ:Q1\n\nP:empty\nV:1\n',
      ),
      file('lib/ld-musl.so', 'm'.repeat(11)),
      file('app/node_modules/a/package.json', '{"name":"a","version":"1.0.0"}'),
      file('app/node_modules/a/index.js', 'i'.repeat(70)),
      file('app/node_modules/a/node_modules/@s/b/package.json', '{"name":"@s/b","version":"2.0.0"}'),
      file('app/node_modules/a/lib/package.json', '{"type":"module"}'),
      file('app/node_modules/broken/package.json', '{'),
      file(
        'usr/lib/python3/site/pkg-1.0.dist-info/METADATA',
        'Metadata-Version: 2\nName: pkg\nVersion: 1.0\n\nName: no\n',
      ),
      file('usr/lib/python3/site/pkg-1.0.dist-info/RECORD', record),
      file('usr/lib/python3/site/pkg/__init__.py', 'p'.repeat(8)),
      file('usr/lib/python3/site/pkg/a,b.py', 'p'.repeat(4)),
      file('usr/bin/tool', 't'.repeat(100)),
    ]);
    expect(found.packages.map((each) => each.split(' ').slice(0, 3).join(' '))).toEqual([
      'apk musl 1.2.4-r2',
      'apk empty 1',
      'npm a 1.0.0',
      'npm @s/b 2.0.0',
      'python pkg 1.0',
    ]);
    const bytes = Object.fromEntries(
      found.packages.map((each) => [each.split(' ')[1], Number(each.split(' ')[3])]),
    );
    expect(bytes.musl).toBe(11);
    expect(bytes.a).toBe(70 + 30 + 17);
    expect(bytes.pkg).toBe(8 + 4 + 100 + record.length);
  });

  it('that cannot be read are named', async () => {
    const found = await told([file('var/lib/rpm/rpmdb.sqlite'), file('node_modules/x/package.json', '[]')]);
    expect(found).toMatchObject({
      unread: ['var/lib/rpm/rpmdb.sqlite'],
      packages: [],
      layers: [[]],
      other: [3],
    });
  });

  it('are none where anybody may have written anything', async () => {
    const strange = [
      '',
      '\n\n\n',
      'Package\n',
      'Package: \nStatus: installed\n',
      '\0'.repeat(100),
      'P:\n\nF:\nR:\n',
    ];
    for (const text of strange) {
      const found = await told([
        file('var/lib/dpkg/status', text),
        file('var/lib/dpkg/info/x.list', `${text}/../../../x\n${'/y'.repeat(5000)}\n`),
        file('lib/apk/db/installed', text),
        file('a.dist-info/METADATA', text),
        file('a.dist-info/RECORD', `"${text}`),
      ]);
      expect(found.layers).toHaveLength(1);
    }
  });
});
