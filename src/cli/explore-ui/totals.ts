import { type DirectoryNode, type LayerSlot, slotOf } from '../../layer/file-tree.ts';

/** Files with several names in one directory that are still counted once; beyond, each name counts. */
const MOST_LINKS = 20_000;

interface Total {
  /** Of files with one name. */
  readonly bytes: number;
  /** Of all, those with several names once. */
  readonly all: number;
  /** Files with several names, if there are any. */
  readonly links: ReadonlySet<number> | undefined;
}

/** Bytes of the files below directories; directories that trees share are counted once in the life of this. */
export interface Totals {
  /** Undefined until it is counted. */
  known(node: DirectoryNode): number | undefined;
  /** Counted now if it was not. */
  of(node: DirectoryNode): number;
  /** Counts piece by piece; each step is short. */
  count(node: DirectoryNode): Generator<void, void>;
}

/** `linked` is 1 for files that had several names at some time, by number. */
export function createTotals(slots: readonly LayerSlot[], linked: Uint8Array): Totals {
  const totals = new WeakMap<DirectoryNode, Total>();

  function* count(top: DirectoryNode): Generator<void, void> {
    const stack: { readonly node: DirectoryNode; opened: boolean }[] = [{ node: top, opened: false }];
    let done = 0;
    for (let level = stack.pop(); level !== undefined; level = stack.pop()) {
      const { node } = level;
      if (totals.has(node)) continue;
      if (!level.opened) {
        level.opened = true;
        stack.push(level);
        for (const child of node.children.values())
          if (typeof child === 'object' && !totals.has(child)) stack.push({ node: child, opened: false });
      } else {
        totals.set(node, sum(node));
      }
      done += node.children.size + 1;
      if (done > 2000) {
        done = 0;
        yield;
      }
    }
  }
  const sum = (node: DirectoryNode): Total => {
    let bytes = 0;
    const sets: ReadonlySet<number>[] = [];
    const own = new Set<number>();
    for (const child of node.children.values()) {
      if (typeof child === 'object') {
        const below = totals.get(child)!;
        bytes += below.bytes;
        if (below.links !== undefined) sets.push(below.links);
      } else if (linked[child] === 1) own.add(child);
      else bytes += sizeOf(slots, child);
    }
    if (own.size > 0) sets.push(own);
    if (sets.length === 0) return { bytes, all: bytes, links: undefined };
    // A directory above a single one shares its set: depth costs nothing.
    const links = sets.length === 1 ? sets[0]! : new Set(sets.flatMap((set) => [...set]));
    let all = bytes;
    for (const id of links) all += sizeOf(slots, id);
    return links.size > MOST_LINKS ? { bytes: all, all, links: undefined } : { bytes, all, links };
  };

  return {
    known: (node) => totals.get(node)?.all,
    of(node) {
      for (const _ of count(node));
      return totals.get(node)!.all;
    },
    count,
  };
}

/** Bytes of a regular file, 0 for anything else. */
function sizeOf(slots: readonly LayerSlot[], id: number): number {
  const slot = slotOf(slots, id);
  return slot.index.sizeAt(id - slot.base);
}
