import type { DirectoryNode, TreeNode } from './directory-node.ts';
import { joinPath, MAX_PATH_LENGTH } from './entry-paths.ts';
import { layerError } from './errors.ts';
import type { ColumnarIndex } from './load-layer-index.ts';
import type { FileTree, Inode } from './types.ts';

/** Symbolic links followed for one path; the kernel stops at the same number. */
const MAX_LINKS = 40;

export interface LayerSlot {
  readonly index: ColumnarIndex;
  readonly layer: number;
  readonly base: number;
}

/** What a tree is made of. */
export interface TreeParts {
  readonly root: DirectoryNode;
  readonly slots: readonly LayerSlot[];
}

const partsOfTree = new WeakMap<FileTree, TreeParts>();

/** The parts of a tree made by this room. */
export function treeParts(tree: FileTree): TreeParts {
  const parts = partsOfTree.get(tree);
  if (parts === undefined) throw new TypeError('this tree was not made by emptyTree or applyLayer');
  return parts;
}

/** The immutable view of these parts. */
export function createTree(parts: TreeParts): FileTree {
  const tree: FileTree = {
    get(path) {
      const node = findNode(parts.root, path);
      return node === undefined ? undefined : inodeOf(parts.slots, node);
    },
    resolve: (path, o = {}) => resolvePath(parts, path, { keepLast: o.keepLast === true })!,
    *children(path) {
      const node = findNode(parts.root, path);
      if (typeof node !== 'object') return;
      for (const name of sortedNames(node)) yield [name, inodeOf(parts.slots, node.children.get(name)!)];
    },
    *walk(path = '') {
      for (const [below, node] of walkNodes(parts.root, path)) yield [below, inodeOf(parts.slots, node)];
    },
  };
  partsOfTree.set(tree, parts);
  return tree;
}

/** The node at exactly this path. */
export function findNode(root: DirectoryNode, path: string): TreeNode | undefined {
  if (path === '') return root;
  let node: TreeNode | undefined = root;
  for (const name of path.split('/')) {
    if (typeof node !== 'object') return undefined;
    node = node.children.get(name);
  }
  return node;
}

/** Every node below `path`, depth first, siblings by name. Needs no call stack: depth is the archive's to choose. */
export function* walkNodes(root: DirectoryNode, path = ''): Generator<readonly [string, TreeNode]> {
  const top = findNode(root, path);
  if (typeof top !== 'object') return;
  const stack = [{ path, node: top, names: sortedNames(top), next: 0 }];
  while (stack.length > 0) {
    const level = stack[stack.length - 1]!;
    const name = level.names[level.next++];
    if (name === undefined) {
      stack.pop();
      continue;
    }
    const node = level.node.children.get(name)!;
    const below = joinPath(level.path, name);
    yield [below, node];
    if (typeof node === 'object') stack.push({ path: below, node, names: sortedNames(node), next: 0 });
  }
}

/** Names of a directory, sorted by UTF-16 code units. */
export function sortedNames(node: DirectoryNode): string[] {
  return [...node.children.keys()].sort();
}

/** The layer that holds number `id`. */
export function slotOf(slots: readonly LayerSlot[], id: number): LayerSlot {
  let low = 0;
  let high = slots.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (slots[middle]!.base <= id) low = middle;
    else high = middle - 1;
  }
  return slots[low]!;
}

/** The symlink target of a node that is a symlink. */
function linkOf(slots: readonly LayerSlot[], node: TreeNode | undefined): string | undefined {
  if (typeof node !== 'number') return undefined;
  const slot = slotOf(slots, node);
  return slot.index.kindAt(node - slot.base) === 'symlink' ? slot.index.linkAt(node - slot.base) : undefined;
}

/** The inode of a node. */
export function inodeOf(slots: readonly LayerSlot[], node: TreeNode): Inode {
  const id = typeof node === 'number' ? node : node.id;
  if (id < 0) {
    const mtime = { seconds: 0, nanos: 0 };
    return { kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime, size: 0, layer: -1 - id, order: -1 };
  }
  const slot = slotOf(slots, id);
  const e = slot.index.at(id - slot.base);
  const { unproven } = slot.index;
  // Written out: rest patterns and spreads cost ten times as much.
  const inode: Inode = {
    kind: e.kind as Inode['kind'],
    mode: e.mode,
    uid: e.uid,
    gid: e.gid,
    mtime: e.mtime,
    size: e.size,
    linkTo: e.linkTo,
    device: e.device,
    xattrs: e.xattrs,
    contentDigest: unproven === true ? undefined : e.contentDigest,
    layer: slot.layer,
    order: e.order,
  };
  if (unproven !== true) return inode;
  // The file would be read for it: only if somebody asks.
  return Object.defineProperty(inode, 'contentDigest', { enumerable: true, get: () => e.contentDigest });
}

export interface ResolveOptions {
  readonly keepLast: boolean;
  /** Asked before a symlink at this path is followed; true: something else stands there, and the answer is undefined. */
  readonly shadowed?: (path: string) => boolean;
}

/** The path with symlinks followed inside the root, clamped (oci.md a.6 A8). Missing components stay as written. @throws LAYER_LINK_LOOP, LAYER_NAME */
export function resolvePath(parts: TreeParts, path: string, o: ResolveOptions): string | undefined {
  const pending = path.split('/').reverse();
  const names: string[] = [];
  const nodes: (TreeNode | undefined)[] = [parts.root];
  let links = 0;
  let length = 0;
  while (pending.length > 0) {
    const name = pending.pop()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (names.length === 0) continue;
      length -= names.pop()!.length + 1;
      nodes.pop();
      continue;
    }
    const folder = nodes[nodes.length - 1];
    const node = typeof folder === 'object' ? folder.children.get(name) : undefined;
    const target = o.keepLast && pending.length === 0 ? undefined : linkOf(parts.slots, node);
    if (target !== undefined) {
      if (o.shadowed?.(joinPath(names.join('/'), name)) === true) return undefined;
      if (++links > MAX_LINKS) throw layerError('LAYER_LINK_LOOP', { path, limit: MAX_LINKS });
      if (target.startsWith('/')) {
        names.length = 0;
        nodes.length = 1;
        length = 0;
      }
      for (const part of target.split('/').reverse()) pending.push(part);
      continue;
    }
    length += name.length + 1;
    if (length > MAX_PATH_LENGTH + 1) {
      throw layerError('LAYER_NAME', {
        name: path,
        problem: `is longer than ${MAX_PATH_LENGTH} characters when its links are followed`,
      });
    }
    names.push(name);
    nodes.push(node);
  }
  return names.join('/');
}
