import { encodeWhiteout } from '../layer/entry-paths.ts';
import type { LayerIndex } from '../layer/types.ts';

/** dive's own numbers, for those who have thresholds in its terms (.dive-ci). */
export interface DiveNumbers {
  readonly efficiency: number;
  /** Bytes of all layers. */
  readonly sizeBytes: number;
  readonly wastedBytes: number;
  /** Bytes of all layers but the first. */
  readonly userSizeBytes: number;
  /** A share, not a percentage, as in dive; null (dive: NaN or +Inf) where all bytes are in the first layer. */
  readonly wastedUserPercent: number | null;
  /** dive drops the rest of a layer without a word at a whiteout of a path that is not there. */
  readonly abortsOnDanglingWhiteout: boolean;
  /** What dive lists as inefficient: paths that more than one layer has, most bytes first. */
  readonly inefficient: readonly DiveFile[];
}

/** A path that dive holds for waste. */
export interface DiveFile {
  /** With a leading slash. */
  readonly path: string;
  /** Layers that have it, whiteouts of it included. */
  readonly count: number;
  readonly sizeBytes: number;
}

/** A node of dive's trees; markers have their `.wh.` name. */
interface DiveNode {
  size: number;
  /** The last layer that has it says that it is a directory: one that only paths below it imply is none to dive. */
  isFolder: boolean;
  hides: string | undefined;
  readonly children: Map<string, DiveNode>;
}

/** What dive 0.13 reports for these layers, its errors included (explore.md a.5 lists them): only leaves count, the smallest copy counts as needed, opaque markers are ignored. */
export function diveNumbers(indexes: readonly LayerIndex[]): DiveNumbers {
  const stack = createNode();
  const files = new Map<string, { total: number; least: number; count: number }>();
  let aborts = false;

  const visit = (path: string, size: number): void => {
    const file = files.get(path) ?? { total: 0, least: -1, count: 0 };
    file.total += size;
    file.least = file.least < 0 ? size : Math.min(file.least, size);
    file.count++;
    files.set(path, file);
  };

  for (const index of indexes) {
    const layer = layerTree(index);
    for (const [path, node] of leaves(layer)) {
      if (node.hides === undefined) {
        visit(path, node.size);
        continue;
      }
      const hidden = findNode(stack, node.hides);
      if (hidden === undefined) {
        if (!files.has(node.hides)) files.set(node.hides, { total: 0, least: -1, count: 0 });
        aborts = true;
        break;
      }
      visit(node.hides, hidden.isFolder ? sizeBelow(hidden) : 0);
    }
    pile(stack, layer);
  }

  let least = 0;
  let total = 0;
  let wastedBytes = 0;
  const inefficient: DiveFile[] = [];
  for (const [path, file] of files) {
    least += file.least;
    total += file.total;
    if (file.count < 2) continue;
    wastedBytes += file.total;
    inefficient.push({ path: `/${path}`, count: file.count, sizeBytes: file.total });
  }
  inefficient.sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1));
  const userSizeBytes = indexes.slice(1).reduce((sum, index) => sum + index.fileBytes, 0);
  return {
    efficiency: total === 0 ? 1 : least / total,
    sizeBytes: indexes.reduce((sum, index) => sum + index.fileBytes, 0),
    wastedBytes,
    userSizeBytes,
    wastedUserPercent: userSizeBytes === 0 ? null : wastedBytes / userSizeBytes,
    abortsOnDanglingWhiteout: aborts,
    inefficient,
  };
}

function createNode(): DiveNode {
  return { size: 0, isFolder: false, hides: undefined, children: new Map() };
}

/** The layer's own tree; a later entry of a path replaces the earlier one's data. */
function layerTree(index: LayerIndex): DiveNode {
  const root = createNode();
  for (const entry of index.entries()) {
    if (entry.kind === 'opaque') continue;
    const hides = entry.kind === 'whiteout';
    const node = openNode(root, hides ? encodeWhiteout('whiteout', entry.path) : entry.path);
    node.size = entry.size;
    node.isFolder = entry.kind === 'directory';
    node.hides = hides ? entry.path : undefined;
  }
  return root;
}

function openNode(root: DiveNode, path: string): DiveNode {
  let node = root;
  for (const name of path === '' ? [] : path.split('/')) {
    const child = node.children.get(name) ?? createNode();
    node.children.set(name, child);
    node = child;
  }
  return node;
}

function findNode(root: DiveNode, path: string): DiveNode | undefined {
  let node: DiveNode | undefined = root;
  for (const name of path.split('/')) node = node?.children.get(name);
  return node;
}

/** Nodes without children with their paths, depth first, children by name; the root is none. */
function* leaves(root: DiveNode): Generator<readonly [string, DiveNode]> {
  const stack: (readonly [string, DiveNode])[] = [['', root]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [path, node] = top;
    if (node.children.size === 0) {
      if (node !== root) yield top;
      continue;
    }
    const children = [...node.children].sort(([a], [b]) => (a < b ? 1 : -1));
    for (const [name, child] of children) stack.push([path === '' ? name : `${path}/${name}`, child]);
  }
}

function sizeBelow(node: DiveNode): number {
  let sum = node.children.size === 0 ? 0 : node.size;
  for (const [, leaf] of leaves(node)) sum += leaf.size;
  return sum;
}

/** Lays a layer's tree on the stack as dive does: whiteouts remove, everything else is added, and nothing replaces a directory. */
function pile(stack: DiveNode, layer: DiveNode): void {
  for (const [path, node] of everyNode(layer)) {
    if (node.hides === undefined) {
      const piled = openNode(stack, path);
      piled.size = node.size;
      piled.isFolder = node.isFolder;
      continue;
    }
    const slash = node.hides.lastIndexOf('/');
    const parent = slash < 0 ? stack : findNode(stack, node.hides.slice(0, slash));
    parent?.children.delete(node.hides.slice(slash + 1));
  }
}

function* everyNode(root: DiveNode): Generator<readonly [string, DiveNode]> {
  const stack: (readonly [string, DiveNode])[] = [['', root]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [path, node] = top;
    if (node !== root) yield top;
    const children = [...node.children].sort(([a], [b]) => (a < b ? 1 : -1));
    for (const [name, child] of children) stack.push([path === '' ? name : `${path}/${name}`, child]);
  }
}
