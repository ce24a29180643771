import type { DirectoryNode, TreeNode } from '../layer/directory-node.ts';
import { joinPath } from '../layer/entry-paths.ts';
import { findNode, inodeOf, treeParts } from '../layer/file-tree.ts';
import type { Inode } from '../layer/types.ts';
import type { OpenExploration } from './explore-image.ts';

/** A path of a listing. */
export interface ListedPath {
  readonly path: string;
  readonly inode: Inode;
  /** The layer that removed the path; its last state is shown. */
  readonly deletedBy: number | undefined;
}

export interface ListOptions {
  /** Everything below, not only what is directly in the directory. */
  readonly recursive?: boolean | undefined;
  /** Also what a layer up to the shown one removed. */
  readonly deleted?: boolean | undefined;
}

/** A directory, and the last layer that shows it so. */
interface Version {
  readonly layer: number;
  readonly node: DirectoryNode;
}

/** What is below a directory after a layer, siblings by name, parents before children; the path itself where it is no directory. */
export function* listPaths(
  { trees }: OpenExploration,
  layer: number,
  path: string,
  o: ListOptions = {},
): Generator<ListedPath> {
  const nodeOf = (at: number): TreeNode | undefined => {
    const tree = trees[at];
    return tree === undefined ? undefined : findNode(treeParts(tree).root, path);
  };
  const inode = (at: number, node: TreeNode): Inode => inodeOf(treeParts(trees[at]!).slots, node);
  const top = nodeOf(layer);
  if (top !== undefined && typeof top !== 'object') {
    yield { path, inode: inode(layer, top), deletedBy: undefined };
    return;
  }
  const versions: Version[] = [];
  for (let at = layer; at >= (o.deleted === true ? 0 : layer); at--) {
    const node = nodeOf(at);
    if (typeof node === 'object' && versions.at(-1)?.node !== node) versions.push({ layer: at, node });
  }
  const stack = [{ path, rows: rowsOf(versions), next: 0 }];
  while (stack.length > 0) {
    const level = stack[stack.length - 1]!;
    const row = level.rows[level.next++];
    if (row === undefined) {
      stack.pop();
      continue;
    }
    const below = joinPath(level.path, row.name);
    const deletedBy = row.layer === layer ? undefined : row.layer + 1;
    yield { path: below, inode: inode(row.layer, row.node), deletedBy };
    if (o.recursive === true && row.folders.length > 0)
      stack.push({ path: below, rows: rowsOf(row.folders), next: 0 });
  }
}

interface Row {
  readonly name: string;
  readonly node: TreeNode;
  /** The last layer that shows the name. */
  readonly layer: number;
  /** The directories that stood under the name, newest first. */
  readonly folders: readonly Version[];
}

/** The names in these versions of a directory, newest first: a name that newer ones lack went with the layer after the last version that has it. */
function rowsOf(versions: readonly Version[]): readonly Row[] {
  const rows = new Map<string, { node: TreeNode; layer: number; folders: Version[] }>();
  for (const { layer, node: folder } of versions) {
    for (const [name, node] of folder.children) {
      const row = rows.get(name) ?? { node, layer, folders: [] };
      if (typeof node === 'object' && row.folders.at(-1)?.node !== node) row.folders.push({ layer, node });
      rows.set(name, row);
    }
  }
  return [...rows]
    .map(([name, row]) => ({ name, ...row }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
