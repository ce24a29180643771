import { DirectoryNode } from './directory-node.ts';
import { createTree } from './file-tree.ts';
import { type PlaceOptions, placeLayer } from './place-entries.ts';
import type { FileTree, LayerIndex } from './types.ts';

/** The tree that `lower` shows with this layer on top; `layerNumber` (0 = base) is what its inodes name. Directories the layer does not touch are shared. @throws as `placeEntries` */
export function applyLayer(
  lower: FileTree,
  index: LayerIndex,
  layerNumber: number,
  o: PlaceOptions = {},
): FileTree {
  return placeLayer(lower, index, layerNumber, o);
}

/** A tree with nothing but the root directory (0755, 0:0, epoch). */
export function emptyTree(): FileTree {
  return createTree({ root: new DirectoryNode(-1, {}), slots: [] });
}

/** The tree that a stack of layers shows, base first. */
export function stackLayers(indexes: Iterable<LayerIndex>): FileTree {
  let tree = emptyTree();
  let number = 0;
  for (const index of indexes) tree = applyLayer(tree, index, number++);
  return tree;
}
