// A layer out of a plan, written in one pass, and its index.
import { readLayerIndex } from 'dobos/layer/read-index';
import { writeLayer } from 'dobos/layer/write-layer';
import { createDirectoryStore } from 'dobos/store/directory-store';

const store = createDirectoryStore('store');
const bytes = new TextEncoder().encode('hello\n');
const layer = await writeLayer(store, [
  {
    path: 'hello.txt',
    kind: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    content: { kind: 'bytes', bytes },
  },
]);
const index = await readLayerIndex(store, layer);
for (const { path, size } of index.entries()) console.log(path, size); // hello.txt 6
