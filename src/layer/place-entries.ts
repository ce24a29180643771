import { DirectoryNode } from './directory-node.ts';
import { cleanPath, joinPath, parentPath } from './entry-paths.ts';
import { layerError } from './errors.ts';
import {
  createTree,
  findNode,
  inodeOf,
  type LayerSlot,
  resolvePath,
  slotOf,
  type TreeParts,
  treeParts,
} from './file-tree.ts';
import { type HiddenPath, hiddenPaths } from './hidden-paths.ts';
import { columnarIndex } from './load-layer-index.ts';
import type { FileTree, LayerEntry, LayerIndex, Operation } from './types.ts';

/** Directories that one layer may need without describing them: a path of 4 KiB can name two thousand of 200 bytes of memory each. */
const MAX_IMPLIED = 500_000;

export interface PlaceOptions {
  /** Told of each whiteout whose path the lower layers do not have; that is no error (oci.md a.6 A4). */
  readonly onMissing?: ((whiteout: LayerEntry) => void) | undefined;
}

/**
 * What the layer does to the tree below it (oci.md a.5, a.6; image-spec 1.1.1 layer.md): the one place where that is decided.
 * Made lazily; an error ends the sequence where sequential extraction would fail.
 * @throws LAYER_LINK_TARGET, LAYER_LINK_LOOP, LAYER_ROOT_KIND, LAYER_NAME, LAYER_TOO_MANY_PARENTS
 */
export function* placeEntries(
  lower: FileTree,
  index: LayerIndex,
  o: PlaceOptions = {},
): Generator<Operation> {
  const queue: Operation[] = [];
  const parts = treeParts(lower);
  const placing = createPlacing(parts, index, nextLayer(parts), { ...o, emit: (done) => queue.push(done) });
  const steps = placing.steps();
  while (steps.next().done !== true) {
    yield* queue;
    queue.length = 0;
  }
}

/** The tree with the layer on top; unchanged directories are the very ones of `lower`. @throws as `placeEntries` */
export function placeLayer(
  lower: FileTree,
  index: LayerIndex,
  layer: number,
  o: PlaceOptions = {},
): FileTree {
  const placing = createPlacing(treeParts(lower), index, layer, o);
  for (const _ of placing.steps());
  return createTree(placing.parts());
}

/** The number of the layer above these. */
export function nextLayer(parts: TreeParts): number {
  const last = parts.slots[parts.slots.length - 1];
  return last === undefined ? 0 : last.layer + 1;
}

interface PlacingOptions extends PlaceOptions {
  readonly emit?: ((operation: Operation) => void) | undefined;
}

/**
 * The tree being made and the steps that make it. Whiteouts come first and see only `lower`, which makes them independent of
 * their place in the tar (A2, A3); then entries are placed one by one, each seeing what came before, as an extractor would.
 */
function createPlacing(lower: TreeParts, source: LayerIndex, layer: number, o: PlacingOptions) {
  const index = columnarIndex(source);
  const last = lower.slots[lower.slots.length - 1];
  const base = last === undefined ? 0 : last.base + last.index.count;
  const slot: LayerSlot = { index, layer, base };
  const owner = {};
  const root = lower.root.cloneFor(owner);
  const parts: TreeParts = { root, slots: [...lower.slots, slot] };
  let implied = 0;
  /** Paths at which this layer linked a lower layer's inode: the number alone does not show whose name it is. */
  const ownLinks = new Set<string>();
  // Tars list a directory's entries together: the last parent is nearly always the next one's too.
  let lastParent: string | undefined;
  let lastFolder: { readonly path: string; readonly node: DirectoryNode } | undefined;

  /** The directory at a resolved path, free to be changed; missing ones are made, others replaced. */
  const openDirectory = (path: string): DirectoryNode => {
    let node = root;
    if (path === '') return node;
    let at = '';
    for (const name of path.split('/')) {
      at = joinPath(at, name);
      node = openChild(node, name, at);
    }
    return node;
  };

  const openChild = (folder: DirectoryNode, name: string, path: string): DirectoryNode => {
    const existing = folder.children.get(name);
    if (typeof existing === 'object') {
      if (existing.owner === owner) return existing;
      const clone = existing.cloneFor(owner);
      folder.children.set(name, clone);
      o.emit?.({ kind: 'imply', path, lower: inodeOf(parts.slots, existing) });
      return clone;
    }
    if (existing !== undefined) {
      if (!isOwnName(existing, path)) o.emit?.({ kind: 'remove', path, whiteout: false });
      lastParent = undefined;
    }
    if (++implied > MAX_IMPLIED) throw layerError('LAYER_TOO_MANY_PARENTS', { path, limit: MAX_IMPLIED });
    const made = new DirectoryNode(-1 - layer, owner);
    folder.children.set(name, made);
    o.emit?.({ kind: 'imply', path, lower: undefined });
    return made;
  };

  const isOwnName = (id: number, path: string): boolean => id >= base || ownLinks.has(path);

  const hide = (step: HiddenPath): void => {
    if (step.kind === 'opaque') {
      const node = openDirectory(step.path);
      node.clear();
      o.emit?.({ kind: 'clear', path: step.path });
    } else {
      const name = step.path.slice(step.path.lastIndexOf('/') + 1);
      openDirectory(parentPath(step.path)).children.delete(name);
      o.emit?.({ kind: 'remove', path: step.path, whiteout: true });
    }
  };

  /** Returns the order of the entry that comes next. */
  const place = (order: number): number => {
    const kind = index.kindAt(order);
    if (kind === 'whiteout' || kind === 'opaque') return order + 1;
    const written = index.pathAt(order);
    if (written === '') {
      if (kind !== 'directory') throw layerError('LAYER_ROOT_KIND', { kind });
      root.id = base + order;
      o.emit?.({ kind: 'put', path: '', entry: index.at(order) });
      return order + 1;
    }
    const slash = written.lastIndexOf('/');
    const parent = slash < 0 ? '' : written.slice(0, slash);
    if (lastFolder === undefined || lastParent !== parent) {
      const path = resolvePath(parts, parent, { keepLast: false })!;
      lastFolder = { path, node: openDirectory(path) };
      lastParent = parent;
    }
    const folder = lastFolder;
    if (o.emit === undefined && folder.node.size === 0) {
      const to = index.runEnd(order);
      if (to > order) {
        folder.node.list({ index, base, from: order, to, nameStart: slash + 1 });
        return to;
      }
    }
    const name = index.nameAt(order, slash + 1);
    const path = joinPath(folder.path, name);
    if (kind === 'hardlink') placeLink(order, folder.node, name, path);
    else if (kind === 'directory') placeDirectory(order, folder.node, name, path);
    else {
      const over = replace(folder.node, name, path, kind);
      folder.node.children.set(name, base + order);
      o.emit?.({ kind: 'put', path, entry: index.at(order), ...over });
    }
    return order + 1;
  };

  const placeDirectory = (order: number, folder: DirectoryNode, name: string, path: string): void => {
    const existing = folder.children.get(name);
    if (typeof existing === 'object') {
      const node = existing.owner === owner ? existing : existing.cloneFor(owner);
      node.id = base + order;
      folder.children.set(name, node);
      o.emit?.({ kind: 'put', path, entry: index.at(order) });
      return;
    }
    const over = replace(folder, name, path, 'directory');
    folder.children.set(name, new DirectoryNode(base + order, owner));
    o.emit?.({ kind: 'put', path, entry: index.at(order), ...over });
  };

  const placeLink = (order: number, folder: DirectoryNode, name: string, path: string): void => {
    const written = index.linkAt(order) ?? '';
    const target = resolvePath(parts, cleanPath(written), { keepLast: true })!;
    const node = findNode(root, target);
    const fail = (problem: string): Error =>
      layerError('LAYER_LINK_TARGET', { path: index.pathAt(order), target: written, problem });
    if (node === undefined) throw fail('is not there');
    if (typeof node === 'object') throw fail('is a directory');
    if (target === path || target.startsWith(`${path}/`)) throw fail('is replaced by the link itself');
    const over = replace(folder, name, path, kindOf(node));
    folder.children.set(name, node);
    const lowerInode = isOwnName(node, target) ? undefined : inodeOf(parts.slots, node);
    if (node < base) ownLinks.add(path);
    o.emit?.({ kind: 'link', path, target, entry: index.at(order), lower: lowerInode, ...over });
  };

  /** Makes way for a new file of this kind at the path (A1); `overOwn` if something of this layer stood there. */
  const replace = (
    folder: DirectoryNode,
    name: string,
    path: string,
    kind: string,
  ): { readonly overOwn: true } | undefined => {
    const existing = folder.children.get(name);
    if (existing === undefined) return undefined;
    if (typeof existing === 'object') {
      lastParent = undefined;
      const own = existing.owner === owner;
      if (!own || existing.fromLower) o.emit?.({ kind: 'remove', path, whiteout: false });
      return own ? { overOwn: true } : undefined;
    }
    const oldKind = kindOf(existing);
    if (oldKind === 'symlink') lastParent = undefined;
    if (isOwnName(existing, path)) {
      ownLinks.delete(path);
      return { overOwn: true };
    }
    if (oldKind !== kind) o.emit?.({ kind: 'remove', path, whiteout: false });
    return undefined;
  };

  const kindOf = (id: number): string => {
    const from = slotOf(parts.slots, id);
    return from.index.kindAt(id - from.base);
  };

  return {
    /** Does one thing and stops, until all is done. */
    *steps(): Generator<void> {
      for (const path of hiddenPaths(lower, index, o.onMissing)) {
        hide(path);
        yield;
      }
      for (let order = 0; order < index.count; ) {
        order = place(order);
        yield;
      }
    },
    parts: (): TreeParts => parts,
  };
}
