/** Unpacks an image of a store, as the first RUN on it would: `unpack-task.js STORE NAME`. @module */
import { findImage } from '../src/image/find-image.ts';
import { openKeeper } from '../src/runtime/keeper.ts';
import { createDirectoryStore } from '../src/store/directory-store.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const image = await findImage(createDirectoryStore(folder), name);
const keeper = await openKeeper({ storeFolder: folder, runtime: 'auto' });
await keeper.unpack(image.layers.map(({ blob, diffId }) => ({ blob, diffId })));
await keeper.close();
