// A program in a container (Linux). The keeper holds mounts and namespaces, and they die with this process.
import { findImage } from 'dobos/image/find-image';
import { openKeeper } from 'dobos/runtime/keeper';
import { createDirectoryStore } from 'dobos/store/directory-store';

const store = createDirectoryStore('store');
const { layers } = await findImage(store, 'busybox');
const keeper = await openKeeper({ storeFolder: store.folder!, runtime: 'auto' });
const { exit } = await keeper.run({
  layers: layers.map(({ blob, diffId }) => ({ blob, diffId })),
  process: {
    args: ['echo', 'hello'],
    env: [],
    cwd: '/',
    user: '',
    network: 'none',
    hostname: 'box',
    tty: false,
    binds: [],
  },
  io: 'inherit',
  commit: false,
});
await keeper.close();
console.log(exit.code); // 0
