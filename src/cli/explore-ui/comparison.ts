/**
 * Two trees of one image laid over each other, opened folder by folder as somebody looks: what is not looked at costs nothing, and what both share is
 * known to be the same unread.
 * @module
 */
import type { StackNumbers } from '../../explore/stack-numbers.ts';
import type { HiddenFile } from '../../explore/types.ts';
import type { DirectoryNode, TreeNode } from '../../layer/directory-node.ts';
import { joinPath } from '../../layer/entry-paths.ts';
import { inodeOf, type LayerSlot, slotOf, treeParts } from '../../layer/file-tree.ts';
import type { FileTree, Inode } from '../../layer/types.ts';
import type { HiddenFolder } from './hidden-below.ts';

/** What became of a path. `metadata`: the same content; `rewritten`: nothing differs, but the layer stores it again; `hidden`: in neither tree, an older version. */
export type Change = 'same' | 'added' | 'removed' | 'changed' | 'metadata' | 'rewritten' | 'hidden';

/** One path; with `ghost` a version of it that a layer stores and neither tree shows. */
export interface Row {
  readonly name: string;
  readonly path: string;
  /** The folder that lists it; undefined for the root. */
  readonly parent: Folder | undefined;
  readonly before: TreeNode | undefined;
  readonly after: TreeNode | undefined;
  readonly ghost: HiddenFile | undefined;
  /** What is below it, if it is a directory in one of the trees, or holds hidden files. */
  readonly folder: Folder | undefined;
  /** Place among its siblings. */
  index: number;
}

/** A directory in both trees, or one of them, or of hidden files only. */
export interface Folder {
  readonly path: string;
  readonly parent: Folder | undefined;
  readonly before: DirectoryNode | undefined;
  readonly after: DirectoryNode | undefined;
  readonly hidden: HiddenFolder | undefined;
  readonly folders: Map<string, Folder>;
  /** The row that stands for it; set when the list that has it is made. */
  row: Row | undefined;
  /** Its rows in order, as the view that `listedFor` is wanted them. */
  list: readonly Row[];
  listedFor: object | undefined;
  /** The survey that found something to show in it. */
  shownFor: object | undefined;
}

export interface Comparison {
  readonly root: Folder;
  readonly slots: readonly LayerSlot[];
  readonly numbers: StackNumbers;
  /** Those whose trees are compared; from nothing if undefined. Hidden files stored above belong to neither. */
  readonly layers: { readonly from: number | undefined; readonly to: number };
  readonly before: FileTree;
  readonly after: FileTree;
}

/** `before` and `after` are the trees of these layers. */
export function compareTrees(
  before: FileTree,
  after: FileTree,
  layers: Comparison['layers'],
  of: { readonly hidden: HiddenFolder; readonly numbers: StackNumbers },
): Comparison {
  const { root, slots } = treeParts(after);
  const folder = createFolder('', undefined, treeParts(before).root, root, of.hidden);
  return { root: folder, slots, numbers: of.numbers, layers, before, after };
}

function createFolder(
  path: string,
  parent: Folder | undefined,
  before: DirectoryNode | undefined,
  after: DirectoryNode | undefined,
  hidden: HiddenFolder | undefined,
): Folder {
  return {
    path,
    parent,
    before,
    after,
    hidden,
    folders: new Map(),
    row: undefined,
    list: [],
    listedFor: undefined,
    shownFor: undefined,
  };
}

/** The folder of this name in `parent`; undefined if it is none. With `ghosts` also one that holds hidden files only. */
export function openFolder(parent: Folder, name: string, ghosts: boolean): Folder | undefined {
  const known = parent.folders.get(name);
  if (known !== undefined)
    return known.before !== undefined || known.after !== undefined || ghosts ? known : undefined;
  const before = directoryOf(parent.before?.children.get(name));
  const after = directoryOf(parent.after?.children.get(name));
  const hidden = parent.hidden?.folders.get(name);
  if (before === undefined && after === undefined && (!ghosts || hidden === undefined)) return undefined;
  const folder = createFolder(joinPath(parent.path, name), parent, before, after, hidden);
  parent.folders.set(name, folder);
  return folder;
}

const directoryOf = (node: TreeNode | undefined): DirectoryNode | undefined =>
  typeof node === 'object' ? node : undefined;

/** Calls `visit` for each name of a folder, in no order. */
export function eachName(
  { before, after }: Folder,
  visit: (name: string, before: TreeNode | undefined, after: TreeNode | undefined) => void,
): void {
  if (after !== undefined)
    for (const [name, node] of after.children) visit(name, before?.children.get(name), node);
  if (before === undefined || before === after) return;
  for (const [name, node] of before.children)
    if (after?.children.has(name) !== true) visit(name, node, undefined);
}

/** Calls `visit` for the versions in a folder that neither tree shows: those stored up to the upper layer and hidden by then. What it removes itself stands in the older tree. */
export function eachGhost(
  { slots, layers: { to } }: Comparison,
  { before, after, hidden }: Folder,
  visit: (name: string, ghost: HiddenFile) => void,
): void {
  for (const [name, files] of hidden?.files ?? []) {
    const removed = after?.children.has(name) === true ? undefined : before?.children.get(name);
    const layer = typeof removed === 'number' ? slotOf(slots, removed).layer : undefined;
    for (const file of files)
      if (file.layer <= to && file.hiddenBy <= to && file.layer !== layer) visit(name, file);
  }
}

/** What became of a path; directories whose contents changed are `changed`. */
export function changeOf(
  numbers: StackNumbers,
  before: TreeNode | undefined,
  after: TreeNode | undefined,
): Change {
  if (before === undefined) return after === undefined ? 'hidden' : 'added';
  if (after === undefined) return 'removed';
  if (before === after) return 'same';
  const folders = typeof before === 'object' && typeof after === 'object';
  if (folders && differsBelow(before, after)) return 'changed';
  if (idOf(before) === idOf(after)) return 'same';
  const kind = numbers.changeOf(idOf(before), idOf(after));
  if (kind === 'content' || kind === 'type') return 'changed';
  return folders && kind === 'rewritten' ? 'same' : kind;
}

/** True at the first name below that leads elsewhere: what differs is found soon, what is shared is not looked at. */
function differsBelow(before: DirectoryNode, after: DirectoryNode): boolean {
  if (before === after) return false;
  if (before.size !== after.size) return true;
  // As deep as a path is long: MAX_PATH_LENGTH bounds the recursion.
  for (const [name, node] of after.children) {
    const old = before.children.get(name);
    if (old === node) continue;
    if (old === undefined || idOf(old) !== idOf(node)) return true;
    if (typeof old === 'object' && typeof node === 'object' && differsBelow(old, node)) return true;
  }
  return false;
}

const idOf = (node: TreeNode): number => (typeof node === 'object' ? node.id : node);

/** What a row is: in the newer tree if it is there; undefined for what is in neither. */
export function inodeOfRow({ slots }: Comparison, { before, after }: Row): Inode | undefined {
  const node = after ?? before;
  return node === undefined ? undefined : inodeOf(slots, node);
}
