import type { DirectoryNode, TreeNode } from './directory-node.ts';
import { joinPath } from './entry-paths.ts';
import { inodeOf, type TreeParts, treeParts } from './file-tree.ts';
import type { EntryAttributes } from './load-layer-index.ts';
import type { FileTree, Inode, TreeChange } from './types.ts';

export interface DiffOptions {
  /** Also paths whose file was written again without a difference: `changed` with neither content nor metadata. */
  readonly rewrites?: boolean | undefined;
}

/** What differs between two trees, parents before children, siblings by name. Directories shared by both are skipped unread. */
export function* diffTrees(before: FileTree, after: FileTree, o: DiffOptions = {}): Generator<TreeChange> {
  const from = treeParts(before);
  const to = treeParts(after);
  for (const [path, a, b] of diffNodes(from, to)) {
    const old = a === undefined ? undefined : inodeOf(from.slots, a);
    const now = b === undefined ? undefined : inodeOf(to.slots, b);
    if (old === undefined) yield { kind: 'added', path, after: now, content: true, metadata: true };
    else if (now === undefined) yield { kind: 'removed', path, before: old, content: true, metadata: true };
    else {
      const content = contentDiffers(old, now);
      const metadata = metadataDiffers(old, now);
      if (content || metadata || o.rewrites === true) {
        yield { kind: 'changed', path, before: old, after: now, content, metadata };
      }
    }
  }
}

/**
 * Calls `visit` for each path that leads to another inode, or to none, in no order; `undefined` where there is no file. The numbers are those of the two
 * trees' entries: counted through their layers from the base, negative for directories that no entry describes. The cheapest way to count.
 */
export function eachDifference(
  before: FileTree,
  after: FileTree,
  visit: (before: number | undefined, after: number | undefined) => void,
): void {
  const from = treeParts(before);
  const to = treeParts(after);
  const shared = sharedNumbers(from, to);
  /** A node that only one tree has, and all below it. */
  const tellAll = (top: TreeNode, tell: (id: number) => void): void => {
    const waiting: TreeNode[] = [top];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (typeof node === 'number') {
        tell(node);
        continue;
      }
      tell(node.id);
      node.eachNode((child) => {
        if (typeof child === 'number') tell(child);
        else waiting.push(child);
      });
    }
  };
  const gone = (id: number): void => visit(id, undefined);
  const came = (id: number): void => visit(undefined, id);
  // As deep as a path is long: MAX_PATH_LENGTH bounds the recursion.
  const compare = (a: TreeNode, b: TreeNode): void => {
    if (a === b && (typeof a === 'object' || a < shared)) return;
    const idA = typeof a === 'object' ? a.id : a;
    const idB = typeof b === 'object' ? b.id : b;
    if (idA !== idB || idA >= shared) visit(idA, idB);
    if (typeof a !== 'object' || typeof b !== 'object') {
      if (typeof a === 'object') a.eachNode((node) => tellAll(node, gone));
      if (typeof b === 'object') b.eachNode((node) => tellAll(node, came));
      return;
    }
    const [namesA, namesB] = [a.children, b.children];
    for (const [name, node] of namesA) {
      const other = namesB.get(name);
      if (other === undefined) tellAll(node, gone);
      else compare(node, other);
    }
    for (const [name, node] of namesB) if (!namesA.has(name)) tellAll(node, came);
  };
  compare(from.root, to.root);
}

/** Paths whose nodes are not the same inode; a directory that differs only below itself is not reported itself. */
function* diffNodes(
  before: TreeParts,
  after: TreeParts,
): Generator<readonly [path: string, before: TreeNode | undefined, after: TreeNode | undefined]> {
  const shared = sharedNumbers(before, after);
  const same = (a: TreeNode, b: TreeNode): boolean => {
    const idA = typeof a === 'number' ? a : a.id;
    return idA === (typeof b === 'number' ? b : b.id) && idA < shared;
  };
  if (before.root === after.root) return;
  if (!same(before.root, after.root)) yield ['', before.root, after.root];
  const stack: Level[] = [levelOf('', before.root, after.root)];
  while (stack.length > 0) {
    const level = stack[stack.length - 1]!;
    const name = level.names[level.next++];
    if (name === undefined) {
      stack.pop();
      continue;
    }
    const a = level.before?.children.get(name);
    const b = level.after?.children.get(name);
    if (a === b && (typeof a === 'object' || a! < shared)) continue;
    const path = joinPath(level.path, name);
    if (a === undefined || b === undefined || !same(a, b)) yield [path, a, b];
    const folderA = typeof a === 'object' ? a : undefined;
    const folderB = typeof b === 'object' ? b : undefined;
    if (folderA !== undefined || folderB !== undefined) stack.push(levelOf(path, folderA, folderB));
  }
}

interface Level {
  readonly path: string;
  readonly before: DirectoryNode | undefined;
  readonly after: DirectoryNode | undefined;
  readonly names: readonly string[];
  next: number;
}

function levelOf(path: string, before: DirectoryNode | undefined, after: DirectoryNode | undefined): Level {
  const names = [...(before ?? after!).children.keys()];
  if (before !== undefined && after !== undefined) {
    for (const name of after.children.keys()) if (!before.children.has(name)) names.push(name);
  }
  return { path, before, after, names: names.sort(), next: 0 };
}

/** Numbers below this mean the same entry in both trees: those of the layers that both stacks begin with. */
function sharedNumbers(before: TreeParts, after: TreeParts): number {
  let shared = 0;
  for (const [i, slot] of before.slots.entries()) {
    const other = after.slots[i];
    if (other === undefined || other.layer !== slot.layer || other.index.diffId !== slot.index.diffId) break;
    shared = slot.base + slot.index.count;
  }
  return shared;
}

function contentDiffers(a: Inode, b: Inode): boolean {
  return (
    a.kind !== b.kind ||
    a.size !== b.size ||
    a.contentDigest !== b.contentDigest ||
    a.linkTo !== b.linkTo ||
    a.device?.major !== b.device?.major ||
    a.device?.minor !== b.device?.minor
  );
}

/** True if mode, owner, time or extended attributes differ. */
export function metadataDiffers(a: EntryAttributes, b: EntryAttributes): boolean {
  return (
    a.mode !== b.mode ||
    a.uid !== b.uid ||
    a.gid !== b.gid ||
    a.mtime.seconds !== b.mtime.seconds ||
    a.mtime.nanos !== b.mtime.nanos ||
    !sameXattrs(a, b)
  );
}

function sameXattrs(a: EntryAttributes, b: EntryAttributes): boolean {
  if ((a.xattrs?.size ?? 0) !== (b.xattrs?.size ?? 0)) return false;
  for (const [name, value] of a.xattrs ?? []) {
    const other = b.xattrs?.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}
