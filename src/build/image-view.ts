import { collect, readRegion } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import type { Image } from '../image/types.ts';
import { applyLayer, emptyTree } from '../layer/apply-layer.ts';
import { createLayerContents } from '../layer/layer-contents.ts';
import { readLayerIndexes } from '../layer/read-index.ts';
import type { FileTree, LayerIndex } from '../layer/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { AccountTexts } from './copy/resolve-owner.ts';

/** The files of an image, nothing unpacked. */
export interface ImageView {
  readonly image: Image;
  readonly tree: FileTree;
  /** Base first; an inode's `layer` counts in them. */
  readonly indexes: readonly LayerIndex[];
}

/** As moby's user lookup: larger account files are cut off there. */
const MAX_ACCOUNT_BYTES = 10 * 1024 * 1024;

/** The view of an image, built on that of the image below when there is one: only the layers above it are read. */
export async function viewImage(
  store: LocalStore,
  image: Image,
  below: ImageView | undefined,
  o: CallOptions = {},
): Promise<ImageView> {
  const start = below?.image.layers.length ?? 0;
  if (below !== undefined && start === image.layers.length) return { ...below, image };
  const above = await readLayerIndexes(store, image.layers.slice(start), o);
  let tree = below?.tree ?? emptyTree();
  above.forEach((index, i) => {
    tree = applyLayer(tree, index, start + i);
  });
  return { image, tree, indexes: [...(below?.indexes ?? []), ...above] };
}

/** The texts of the image's /etc/passwd and /etc/group, through symlinks. */
export async function readAccounts(
  store: LocalStore,
  view: ImageView,
  o: CallOptions = {},
): Promise<AccountTexts> {
  const read = async (name: 'passwd' | 'group'): Promise<string | undefined> => {
    const inode = view.tree.get(view.tree.resolve(`etc/${name}`));
    if (inode?.kind !== 'file' || inode.size > MAX_ACCOUNT_BYTES) return undefined;
    const kept = view.indexes[inode.layer]?.accounts?.[name];
    if (kept?.order === inode.order) return kept.text;
    const contents = createLayerContents(store, view.image.layers, view.indexes);
    try {
      const content = (await contents.open([inode], o))(inode.layer, inode.order);
      if (content.kind !== 'region') return undefined;
      return (await collect(readRegion(content, o), MAX_ACCOUNT_BYTES)).toString('utf8');
    } finally {
      await contents.close();
    }
  };
  return { passwd: await read('passwd'), group: await read('group') };
}
