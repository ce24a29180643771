import type { ColumnarIndex } from './load-layer-index.ts';

/**
 * A name's end: a directory, or the number of any other file. Numbers count through the entries of all layers of the stack
 * (`LayerSlot.base` + order), so a name costs a map entry and no object, and equal numbers are one inode.
 */
export type TreeNode = DirectoryNode | number;

/** Entries of one layer that follow each other in its tar and are all of a directory's children, none a directory, names all different. */
export interface ListedRun {
  readonly index: ColumnarIndex;
  /** Number of the layer's first entry. */
  readonly base: number;
  /** Orders from the first to behind the last. */
  readonly from: number;
  readonly to: number;
  /** Character of their paths at which their names begin. */
  readonly nameStart: number;
}

/**
 * A directory of a tree. The children of one that a layer fills in one go are known by their numbers at first, and by name when somebody asks for a name:
 * of the half a million files of a large image a screen shows fifty.
 */
export class DirectoryNode {
  /** Number of the entry its attributes come from; -1 - layer number for a directory that no entry describes. */
  id: number;
  /** Who may change it in place: the making of one tree. Everybody else sees it frozen. */
  readonly owner: object;
  /** During that making: a lower layer's directory stands here. */
  readonly fromLower: boolean;
  #children: Map<string, TreeNode> | undefined;
  #run: ListedRun | undefined;

  constructor(id: number, owner: object, fromLower = false) {
    this.id = id;
    this.owner = owner;
    this.fromLower = fromLower;
  }

  /** By name. */
  get children(): Map<string, TreeNode> {
    if (this.#children === undefined) {
      this.#children = new Map();
      if (this.#run !== undefined) nameChildren(this.#run, this.#children);
      this.#run = undefined;
    }
    return this.#children;
  }

  get size(): number {
    return this.#run === undefined ? (this.#children?.size ?? 0) : this.#run.to - this.#run.from;
  }

  /** Calls `visit` for each child, in no order, without a look at names. */
  eachNode(visit: (node: TreeNode) => void): void {
    if (this.#run === undefined) {
      for (const node of this.#children?.values() ?? []) visit(node);
      return;
    }
    const { base, from, to } = this.#run;
    for (let order = from; order < to; order++) visit(base + order);
  }

  /** Makes these the children of a directory that has none. */
  list(run: ListedRun): void {
    this.#run = run;
    this.#children = undefined;
  }

  /** Takes all children away. */
  clear(): void {
    this.#run = undefined;
    this.#children = undefined;
  }

  /** The same directory for another making, from a lower layer. */
  cloneFor(owner: object): DirectoryNode {
    const clone = new DirectoryNode(this.id, owner, true);
    if (this.#run !== undefined) clone.list(this.#run);
    else if (this.#children !== undefined) clone.#children = new Map(this.#children);
    return clone;
  }
}

function nameChildren(
  { index, base, from, to, nameStart }: ListedRun,
  children: Map<string, TreeNode>,
): void {
  for (let order = from; order < to; order++) children.set(index.nameAt(order, nameStart), base + order);
}
