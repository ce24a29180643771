import { encodeWhiteout } from '../layer/entry-paths.ts';
import type { LayerEntry, LayerIndex } from '../layer/types.ts';

/** A node of dive's trees; markers have their `.wh.` name. */
export interface DiveNode {
  size: number;
  /** The last layer that has it says that it is a directory: one that only paths below it imply is none to dive. */
  isFolder: boolean;
  /** The path that a marker removes. */
  hides: string | undefined;
  /** Absent for folders that the tar has no entry of. */
  entry: LayerEntry | undefined;
  readonly children: Map<string, DiveNode>;
}

export function createNode(): DiveNode {
  return { size: 0, isFolder: false, hides: undefined, entry: undefined, children: new Map() };
}

/** The layer's own tree; a later entry of a path replaces the earlier one's data. Of an opaque marker only its folder is there. */
export function layerTree(index: LayerIndex): DiveNode {
  const root = createNode();
  for (const entry of index.entries()) {
    if (entry.kind === 'opaque') {
      openNode(root, entry.path);
      continue;
    }
    const hides = entry.kind === 'whiteout';
    const node = openNode(root, hides ? encodeWhiteout('whiteout', entry.path) : entry.path);
    node.size = entry.size;
    node.isFolder = entry.kind === 'directory';
    node.entry = entry;
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

export function findNode(root: DiveNode, path: string): DiveNode | undefined {
  let node: DiveNode | undefined = root;
  for (const name of path.split('/')) node = node?.children.get(name);
  return node;
}

/** Nodes without children with their paths, depth first, children by name; the root is none. */
export function* leaves(root: DiveNode): Generator<readonly [string, DiveNode]> {
  for (const each of everyNode(root)) if (each[1].children.size === 0) yield each;
}

/** Every node but the root with its path, parents first, children by name. */
function* everyNode(root: DiveNode): Generator<readonly [string, DiveNode]> {
  const stack: (readonly [string, DiveNode])[] = [['', root]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [path, node] = top;
    if (node !== root) yield top;
    for (const name of namesOf(node).reverse())
      stack.push([path === '' ? name : `${path}/${name}`, node.children.get(name)!]);
  }
}

/** Every node but the root with its path, children first and by name. */
export function* childrenFirst(root: DiveNode): Generator<readonly [string, DiveNode]> {
  const stack: { path: string; node: DiveNode; open: boolean }[] = [{ path: '', node: root, open: false }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { path, node, open } = top;
    if (open) {
      stack.pop();
      if (node !== root) yield [path, node];
      continue;
    }
    top.open = true;
    for (const name of namesOf(node).reverse())
      stack.push({
        path: path === '' ? name : `${path}/${name}`,
        node: node.children.get(name)!,
        open: false,
      });
  }
}

const namesOf = (node: DiveNode): string[] => [...node.children.keys()].sort();

export function sizeBelow(node: DiveNode): number {
  let sum = node.children.size === 0 ? 0 : node.size;
  for (const [, leaf] of leaves(node)) sum += leaf.size;
  return sum;
}

/** Lays a layer's tree on the stack as dive does: whiteouts remove, everything else is added, and nothing replaces a directory. */
export function pile(stack: DiveNode, layer: DiveNode): void {
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
