import { applyLayer, stackLayers } from './apply-layer.ts';
import type { DirectoryNode, TreeNode } from './directory-node.ts';
import { joinPath } from './entry-paths.ts';
import { findNode, inodeOf, sortedNames, type TreeParts, treeParts, walkNodes } from './file-tree.ts';
import { hiddenPaths } from './hidden-paths.ts';
import { columnarIndex } from './load-layer-index.ts';
import type { LayerIndex, PlannedEntry } from './types.ts';

/** An entry of the layer that stands for several; of a file it says where its bytes are. */
export interface SquashedEntry extends Omit<PlannedEntry, 'content'> {
  /** Of a regular file: the layer, counted from the base of the whole stack, and the entry that hold its content. */
  readonly source?: { readonly layer: number; readonly order: number } | undefined;
}

/**
 * The entries of the one layer that does to the layers below `from` what the layers `from` to `to` (inclusive, 0 is the base) do one after the other: type, mode, owner, time,
 * attributes, content and hard links of every path come out the same (image-spec 1.1.1 layer.md). They depend on the two views alone, and on where opaque markers stood.
 * Each directory stands before what it hides, that before its children by name, a link's target before the link. Whiteouts are explicit; an opaque marker stays one where nothing below it survives.
 * Directories that no entry described get one. A file of the layers below whose last name goes while a new one stays is taken up with its content.
 * @throws as `placeEntries`
 */
export function* squashEntries(
  indexes: readonly LayerIndex[],
  { from, to }: { readonly from: number; readonly to: number },
): Generator<SquashedEntry> {
  const below = stackLayers(indexes.slice(0, from));
  const opaque = new Set<string>();
  let top = below;
  for (let layer = from; layer <= to; layer++) {
    const index = columnarIndex(indexes[layer]!);
    for (const { kind, path } of hiddenPaths(treeParts(top), index, undefined))
      if (kind === 'opaque') opaque.add(path);
    top = applyLayer(top, index, layer);
  }
  const lower = treeParts(below);
  const upper = treeParts(top);
  const isBelow = belowTest(lower, from);
  const changes = [...changesBetween(lower, upper, opaque, isBelow)];
  const names = survivingNames(lower, upper, changes, isBelow);
  for (const change of changes) {
    const { path } = change;
    if (change.kind !== 'node') yield { path, kind: change.kind, mode: 0, uid: 0, gid: 0, mtime: 0 };
    else yield entryOf(path, change.node, upper, names);
  }
}

type Change =
  | { readonly kind: 'whiteout' | 'opaque'; readonly path: string }
  | { readonly kind: 'node'; readonly path: string; readonly node: TreeNode };

/** Tells whether an inode is of the layers below the squashed ones, by its number. */
type BelowTest = (id: number) => boolean;

function belowTest({ slots }: TreeParts, from: number): BelowTest {
  const last = slots[slots.length - 1];
  const count = last === undefined ? 0 : last.base + last.index.count;
  return (id) => (id < 0 ? -1 - id < from : id < count);
}

/** What has to be done to `lower` to show `upper`, in the order of the layer. */
function* changesBetween(
  lower: TreeParts,
  upper: TreeParts,
  opaque: ReadonlySet<string>,
  isBelow: BelowTest,
): Generator<Change> {
  const survives = survivalTest(isBelow);

  function* open(path: string, before: TreeNode | undefined, after: DirectoryNode): Generator<Change, Level> {
    if (!isBelow(after.id) && (path !== '' || after.id >= 0)) yield { kind: 'node', path, node: after };
    const folder = typeof before === 'object' ? before : undefined;
    const hidden = folder !== undefined && opaque.has(path) && !survives(folder, after);
    if (hidden && folder.size > 0) yield { kind: 'opaque', path };
    const seen = hidden ? undefined : folder;
    for (const name of seen === undefined ? [] : sortedNames(seen))
      if (!after.children.has(name)) yield { kind: 'whiteout', path: joinPath(path, name) };
    return { path, before: seen, after, names: sortedNames(after), next: 0 };
  }

  // Needs no call stack: depth is the archive's to choose.
  const stack: Level[] = [yield* open('', lower.root, upper.root)];
  while (stack.length > 0) {
    const level = stack[stack.length - 1]!;
    const name = level.names[level.next++];
    if (name === undefined) {
      stack.pop();
      continue;
    }
    const before = level.before?.children.get(name);
    const after = level.after.children.get(name)!;
    if (before === after) continue;
    const path = joinPath(level.path, name);
    if (typeof after === 'object') stack.push(yield* open(path, before, after));
    else yield { kind: 'node', path, node: after };
  }
}

interface Level {
  readonly path: string;
  /** The directory of the layers below; undefined where there is none, or nothing of it is left. */
  readonly before: DirectoryNode | undefined;
  readonly after: DirectoryNode;
  readonly names: readonly string[];
  next: number;
}

/** Whether below a directory anything is what it was in the layers below at the same path; each directory is looked at once. */
function survivalTest(isBelow: BelowTest) {
  const known = new Map<DirectoryNode, boolean>();
  const look = (before: DirectoryNode, after: DirectoryNode): boolean => {
    for (const [name, node] of after.children) {
      const old = before.children.get(name);
      if (old === undefined) continue;
      if (typeof node === 'number' || typeof old === 'number') {
        if (node === old) return true;
      } else if (isBelow(node.id) || survives(old, node)) return true;
    }
    return false;
  };
  // As deep as a path is long: MAX_PATH_LENGTH bounds the recursion.
  const survives = (before: DirectoryNode, after: DirectoryNode): boolean => {
    const found = known.get(after) ?? look(before, after);
    known.set(after, found);
    return found;
  };
  return survives;
}

/** For each file of the layers below that got a new name: one that it had and has, if there is any. */
function survivingNames(
  lower: TreeParts,
  upper: TreeParts,
  changes: readonly Change[],
  isBelow: BelowTest,
): Map<number, Name> {
  const names = new Map<number, Name>();
  const moved = new Set<number>();
  for (const change of changes)
    if (change.kind === 'node' && typeof change.node === 'number' && isBelow(change.node))
      moved.add(change.node);
  if (moved.size === 0) return names;
  for (const [path, node] of walkNodes(lower.root))
    if (
      typeof node === 'number' &&
      moved.has(node) &&
      !names.has(node) &&
      findNode(upper.root, path) === node
    )
      names.set(node, { path, below: true });
  return names;
}

/** The name that further ones link to. */
interface Name {
  readonly path: string;
  readonly below: boolean;
}

function entryOf(path: string, node: TreeNode, upper: TreeParts, names: Map<number, Name>): SquashedEntry {
  const { kind, mode, uid, gid, mtime, xattrs, linkTo, device, layer, order } = inodeOf(upper.slots, node);
  const { seconds, nanos } = mtime;
  const facts = { path, mode, uid, gid, mtime: seconds, nanos, xattrs };
  if (typeof node === 'object') return { ...facts, kind };
  const first = names.get(node);
  if (first !== undefined)
    return {
      ...facts,
      kind: 'hardlink',
      linkTo: first.path,
      ...(first.below && { linkBelow: true as const }),
    };
  names.set(node, { path, below: false });
  return { ...facts, kind, linkTo, device, ...(kind === 'file' && { source: { layer, order } }) };
}
