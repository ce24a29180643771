import { sha256, streamOf } from '../../src/base/bytes.ts';
import { appendLayer, editConfig } from '../../src/image/edit-config.ts';
import { scratchImage } from '../../src/image/scratch-image.ts';
import type { Image } from '../../src/image/types.ts';
import { writeImage } from '../../src/image/write-image.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { OCI_LAYER_TAR } from '../../src/oci/media-types.ts';
import type { LocalStore } from '../../src/store/contract.ts';
import { type VectorEntry, vectorTar } from './vector-tar.ts';

const dir = (path: string): VectorEntry => ({ path, type: 'dir', tarPath: `${path}/` });
const file = (path: string, content: string | number, mode = 0o644): VectorEntry => ({
  path,
  type: 'file',
  tarPath: path,
  mode,
  content:
    typeof content === 'string'
      ? content
      : `${path}\n`.repeat(Math.ceil(content / path.length)).slice(0, content),
});
const link = (path: string, target: string): VectorEntry => ({
  path,
  type: 'symlink',
  tarPath: path,
  target,
  mode: 0o777,
});
const gone = (path: string): VectorEntry => ({
  path,
  type: 'whiteout',
  tarPath: path.replace(/[^/]*$/, '.wh.$&'),
});

const SERVER = `import { createServer } from 'node:http';
\tconst port = Number(process.env.PORT ?? 8080);
createServer((request, response) => {
  response.end(\`hello from \${request.url}\\n\`);
}).listen(port);
`;

/** What a terminal would obey, turn round or show wider than a letter. */
const ODD_NAMES = [
  '日本語.txt',
  'cafe\u0301.txt',
  'red\u001b[31m.txt',
  'gpj.\u202eexe',
  'two\nlines',
  '🚀.md',
];

/** Instructions, and what each puts into its layer. */
const STEPS: readonly (readonly [createdBy: string, entries: readonly VectorEntry[]])[] = [
  [
    'ADD rootfs.tar.xz / # buildkit',
    [
      ...['bin', 'etc', 'etc/apt', 'usr', 'usr/bin', 'usr/lib', 'var', 'var/lib'].map(dir),
      file('bin/sh', 125_640, 0o755),
      file('etc/apt/sources.list', 'deb http://deb.debian.org/debian bookworm main\n'),
      file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
      file('etc/motd', 'welcome\n'),
      file('usr/lib/libc.so.6', 1_922_136, 0o755),
      file('usr/bin/env', 48_536, 0o755),
      link('usr/lib/libc.so', 'libc.so.6'),
    ],
  ],
  [
    'RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends curl ca-certificates # buildkit',
    [
      ...['var/lib/apt', 'var/lib/apt/lists', 'usr/share', 'usr/share/doc', 'usr/share/doc/curl'].map(dir),
      file('var/lib/apt/lists/debian_main_Packages', 840_000),
      file('var/lib/apt/lists/debian_main_Release', 151_000),
      file('usr/bin/curl', 297_624, 0o755),
      file('usr/lib/libcurl.so.4.8.0', 671_640),
      link('usr/lib/libcurl.so.4', 'libcurl.so.4.8.0'),
      file('usr/share/doc/curl/copyright', 30_021),
      file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n'),
    ],
  ],
  [
    'COPY . /srv/app # buildkit',
    [
      ...['srv', 'srv/app', 'srv/app/names'].map(dir),
      file('srv/app/.env', 'API_KEY=not-a-real-key\n', 0o600),
      file('srv/app/package.json', '{ "name": "app", "type": "module" }\n'),
      file('srv/app/server.js', SERVER),
      file('srv/app/logo.png', '\u0089PNG\r\n\u001a\n\u0000\u0000\u0000\rIHDR'.repeat(40)),
      ...ODD_NAMES.map((name) => file(`srv/app/names/${name}`, `${name}\n`)),
    ],
  ],
  [
    'RUN /bin/sh -c chmod +x /srv/app/server.js # buildkit',
    [file('srv/app/server.js', SERVER, 0o755), file('etc/motd', 'welcome\n')],
  ],
  [
    'RUN <<EOF (rm -rf /var/lib/apt/lists...)',
    [gone('var/lib/apt/lists'), gone('srv/app/.env'), file('etc/motd', 'welcome, again\n')],
  ],
];

/** An image of five layers with something of everything that the explorer shows; the same bytes each time. */
export async function putExploredImage(store: LocalStore, name = 'app:1'): Promise<Image> {
  let image = scratchImage({ os: 'linux', architecture: 'amd64' });
  for (const [number, [createdBy, entries]] of STEPS.entries()) {
    const tar = vectorTar(entries);
    const digest = sha256(tar);
    const blob = { mediaType: OCI_LAYER_TAR, digest, size: tar.length };
    await store.put(blob, streamOf(tar));
    const created = `2023-11-14T22:13:2${number}Z`;
    image = appendLayer(image, openLayer(store, blob, digest), { created, created_by: createdBy });
    if (number === 0)
      image = editConfig(image, (config) => config, { created, created_by: 'CMD ["/bin/sh"]' });
  }
  await writeImage(store, image, { name });
  return image;
}
