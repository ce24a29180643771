/**
 * Makes the bench's images in a store: `bench-base` (busybox) and `big-gzip` (640 MB in three gzip layers), and the latter as an OCI layout for
 * umoci: `images-task.js STORE LAYOUT`.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { compressLayers } from '../src/image/compress-layers.ts';
import { appendLayer, editConfig } from '../src/image/edit-config.ts';
import { scratchImage } from '../src/image/scratch-image.ts';
import type { Image } from '../src/image/types.ts';
import { writeImage } from '../src/image/write-image.ts';
import type { PlannedEntry } from '../src/layer/types.ts';
import { writeLayer } from '../src/layer/write-layer.ts';
import { hostPlatform } from '../src/oci/platform.ts';
import { copy } from '../src/store/copy.ts';
import { createDirectoryStore } from '../src/store/directory-store.ts';
import { fillerBytes } from './inputs.ts';

const [folder = '', layout = ''] = process.argv.slice(2);
const store = createDirectoryStore(folder);
const common = { uid: 0, gid: 0, mtime: 1_700_000_000 };
const directory = (path: string, mode = 0o755): PlannedEntry => ({
  ...common,
  path,
  kind: 'directory',
  mode,
});
const file = (path: string, bytes: Uint8Array, mode = 0o644): PlannedEntry => ({
  ...common,
  path,
  kind: 'file',
  mode,
  content: { kind: 'bytes', bytes },
});

function busyboxPlan(): PlannedEntry[] {
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((name) => name !== 'busybox');
  return [
    ...['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'var'].map((path) => directory(path)),
    directory('tmp', 0o1777),
    file('bin/busybox', readFileSync('/bin/busybox'), 0o755),
    ...applets.map(
      (name): PlannedEntry => ({
        ...common,
        path: `bin/${name}`,
        kind: 'symlink',
        mode: 0o777,
        linkTo: 'busybox',
      }),
    ),
    file('etc/passwd', Buffer.from('root:x:0:0:root:/root:/bin/sh\n')),
    file('etc/group', Buffer.from('root:x:0:\n')),
  ];
}

/** About 214 MB: 1,500 files of 100 kB and four of 16 MB. */
function* bigPlan(layer: number): Iterable<PlannedEntry> {
  yield directory(`layer${layer}`);
  for (let at = 0; at < 1500; at++) {
    if (at % 100 === 0) yield directory(`layer${layer}/d${at / 100}`);
    yield file(`layer${layer}/d${Math.floor(at / 100)}/f${at}`, fillerBytes(100_000, layer * 10_000 + at));
  }
  for (let at = 0; at < 4; at++)
    yield file(`layer${layer}/big${at}`, fillerBytes(16_000_000, layer * 10_000 + 5000 + at));
}

async function add(image: Image, plan: Iterable<PlannedEntry>, text: string): Promise<Image> {
  return appendLayer(image, await writeLayer(store, plan), {
    created_by: text,
    created: '2026-01-01T00:00:00Z',
  });
}

const scratch = scratchImage(hostPlatform(process.arch, process.platform));
const base = editConfig(await add(scratch, busyboxPlan(), 'busybox'), (config) => ({
  ...config,
  config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] },
}));
await writeImage(store, base, { name: 'docker.io/library/bench-base:latest' });
let big = scratch;
for (const layer of [1, 2, 3]) big = await add(big, bigPlan(layer), `layer ${layer}`);
const packed = await compressLayers(big, 'gzip', store);
const descriptor = await writeImage(store, packed, { name: 'docker.io/library/big-gzip:latest' });
const target = createDirectoryStore(layout);
await copy(store, target, descriptor);
await target.tag('big', descriptor);
