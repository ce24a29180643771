import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { readContent, readContents } from '../layer/read-contents.ts';
import type { Inode } from '../layer/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { OpenExploration } from './explore-image.ts';

/** Where a file's bytes are: the layer and the entry of it. */
export type FilePlace = Pick<Inode, 'layer' | 'order'>;

/** The content of a regular file of any layer, checked against its digest. `store` is where the image's layers are. @throws as `readContents` */
export function openFile(
  { image, indexes }: OpenExploration,
  store: LocalStore,
  { layer, order }: FilePlace,
  o: CallOptions = {},
): ByteStream {
  return readContent(store, image.layers[layer]!, indexes[layer]!.at(order), o);
}

/** Calls `take` with the content of each of these files, layer by layer in tar order: each layer is read once. @throws as `readContents` */
export async function readFiles<T extends FilePlace>(
  { image, indexes }: OpenExploration,
  store: LocalStore,
  files: Iterable<T>,
  take: (file: T, content: ByteStream) => Promise<void>,
  o: CallOptions = {},
): Promise<void> {
  const byLayer = new Map<number, Map<number, T>>();
  for (const file of files) {
    const orders = byLayer.get(file.layer) ?? new Map<number, T>();
    byLayer.set(file.layer, orders.set(file.order, file));
  }
  for (const [layer, orders] of [...byLayer].sort(([a], [b]) => a - b)) {
    const entries = [...orders.keys()].map((order) => indexes[layer]!.at(order));
    const each = (entry: { readonly order: number }, content: ByteStream) =>
      take(orders.get(entry.order)!, content);
    await readContents(store, image.layers[layer]!, entries, each, o);
  }
}
