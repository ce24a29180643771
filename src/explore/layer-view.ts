import { emptyTree } from '../layer/apply-layer.ts';
import type { TreeNode } from '../layer/directory-node.ts';
import { joinPath } from '../layer/entry-paths.ts';
import { findNode, inodeOf, sortedNames, type TreeParts, treeParts } from '../layer/file-tree.ts';
import type { Inode } from '../layer/types.ts';
import type { OpenExploration } from './explore-image.ts';
import { createFolderBytes } from './folder-bytes.ts';
import type { ChangeKind } from './types.ts';

/** What the layers of a view did to a path. */
export type RowChange = 'same' | 'added' | 'removed' | ChangeKind;

/** One path of a view. */
export interface ViewRow {
  readonly path: string;
  /** The last component; '' for the root. */
  readonly name: string;
  /** As the view's last layer shows it; for a removed path as it was before. `layer` says which layer stores it. */
  readonly inode: Inode;
  /** Bytes of the file, or of the regular files below a directory; hard links count once. */
  readonly bytes: number;
  /** Names below a directory that are not directories; 1 for anything else. */
  readonly files: number;
  readonly change: RowChange;
  /** Of a directory: something below it differs. */
  readonly changedBelow: boolean;
  /** The layer that hides the file from the image, where it is hidden (in the view or later). */
  readonly hiddenBy: number | undefined;
}

/** The tree that an image shows after a layer, with what a range of layers changed in it. Nothing is listed before it is asked for: a view of a million files costs nothing. */
export interface LayerView {
  readonly first: number;
  readonly last: number;
  row(path: string): ViewRow | undefined;
  /** What is directly below a directory, removed paths included, by name. */
  children(path: string): ViewRow[];
  /** Every path, parents before children, siblings by name; `enter` false leaves out what is below a directory. */
  walk(enter?: (row: ViewRow) => boolean): Iterable<ViewRow>;
}

/** The view of the layers `first` to `last`: one layer (`first` = `last`), or several together. @throws RangeError */
export function openView(exploration: OpenExploration, first: number, last: number): LayerView {
  const { study, trees } = exploration;
  const after = trees[last];
  if (after === undefined || first < 0 || first > last)
    throw new RangeError(`layer ${first} to ${last} of ${trees.length}`);
  const to = treeParts(after);
  const from = treeParts(trees[first - 1] ?? emptyTree());
  const measure = folderBytes(exploration);
  /** Below this a number means the same in both trees, and one that is not moved. */
  const own = study.numbers.bases[first] ?? 0;

  const rowOf = (
    path: string,
    name: string,
    old: TreeNode | undefined,
    now: TreeNode | undefined,
  ): ViewRow => {
    const gone = now === undefined;
    const node = (now ?? old)!;
    const parts = gone ? from : to;
    const number = typeof node === 'number' ? node : undefined;
    return {
      path,
      name,
      inode: inodeOf(parts.slots, node),
      ...measure(parts, node),
      change: changeOf(old, now),
      changedBelow: typeof node === 'object' && old !== now,
      hiddenBy: number === undefined ? undefined : study.hiderOf(number),
    };
  };
  const idOf = (node: TreeNode): number => (typeof node === 'object' ? node.id : node);
  const changeOf = (old: TreeNode | undefined, now: TreeNode | undefined): RowChange => {
    if (old === undefined) return 'added';
    if (now === undefined) return 'removed';
    const [a, b] = [idOf(old), idOf(now)];
    if (a === b && b < own) return 'same';
    return study.numbers.changeOf(a, b);
  };
  const list = (path: string, old: TreeNode | undefined, now: TreeNode | undefined): Pair[] => {
    const folderOld = typeof old === 'object' ? old : undefined;
    const folderNow = typeof now === 'object' ? now : undefined;
    const names = folderNow === undefined ? [] : sortedNames(folderNow);
    const more =
      folderOld === undefined || folderOld === folderNow
        ? []
        : sortedNames(folderOld).filter((name) => folderNow?.children.has(name) !== true);
    const all = more.length === 0 ? names : [...names, ...more].sort();
    return all.map((name) => ({
      path: joinPath(path, name),
      name,
      old: folderOld?.children.get(name),
      now: folderNow?.children.get(name),
    }));
  };
  const show = ({ path, name, old, now }: Pair): ViewRow => rowOf(path, name, old, now);

  return {
    first,
    last,
    row(path) {
      const old = findNode(from.root, path);
      const now = findNode(to.root, path);
      if (old === undefined && now === undefined) return undefined;
      return rowOf(path, path.slice(path.lastIndexOf('/') + 1), old, now);
    },
    children: (path) => list(path, findNode(from.root, path), findNode(to.root, path)).map(show),
    *walk(enter = () => true) {
      const stack = [{ pairs: list('', from.root, to.root), next: 0 }];
      while (stack.length > 0) {
        const level = stack[stack.length - 1]!;
        const pair = level.pairs[level.next++];
        if (pair === undefined) {
          stack.pop();
          continue;
        }
        const row = show(pair);
        yield row;
        const isFolder = typeof pair.now === 'object' || typeof pair.old === 'object';
        if (isFolder && enter(row)) stack.push({ pairs: list(pair.path, pair.old, pair.now), next: 0 });
      }
    },
  };
}

interface Pair {
  readonly path: string;
  readonly name: string;
  readonly old: TreeNode | undefined;
  readonly now: TreeNode | undefined;
}

type Measure = ReturnType<typeof createFolderBytes>;
const measures = new WeakMap<OpenExploration, Measure>();

/** The one counter of an exploration: its views share what it counted. */
function folderBytes(exploration: OpenExploration): Measure {
  const known = measures.get(exploration) ?? createFolderBytes(exploration.study);
  measures.set(exploration, known);
  return known;
}

/** What became of a path, layer by layer: each layer that did something to it, base first. */
export function pathHistory(
  exploration: OpenExploration,
  path: string,
): readonly { readonly layer: number; readonly change: Exclude<RowChange, 'same'>; readonly inode: Inode }[] {
  const { study, trees } = exploration;
  const found = [];
  let below: { readonly node: TreeNode; readonly parts: TreeParts } | undefined;
  for (const [layer, tree] of trees.entries()) {
    const parts = treeParts(tree);
    const node = findNode(parts.root, path);
    const [old, now] = [below?.node, node].map((each) => (typeof each === 'object' ? each.id : each));
    if (now === undefined && old !== undefined)
      found.push({ layer, change: 'removed' as const, inode: inodeOf(below!.parts.slots, below!.node) });
    else if (now !== undefined && (old !== now || now >= study.numbers.bases[layer]!)) {
      const change = old === undefined ? ('added' as const) : study.numbers.changeOf(old, now);
      found.push({ layer, change, inode: inodeOf(parts.slots, node!) });
    }
    below = node === undefined ? undefined : { node, parts };
  }
  return found;
}
