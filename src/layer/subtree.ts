import { DirectoryNode } from './directory-node.ts';
import { createTree, findNode, treeParts } from './file-tree.ts';
import type { FileTree } from './types.ts';

/** What is below a directory, as a tree of its own: links are followed inside it, so that nothing leads out. Empty where there is no directory. */
export function subtree(tree: FileTree, path: string): FileTree {
  const { root, slots } = treeParts(tree);
  const node = findNode(root, path);
  if (typeof node === 'object') return createTree({ root: node, slots });
  return createTree({ root: new DirectoryNode(-1, {}), slots });
}
