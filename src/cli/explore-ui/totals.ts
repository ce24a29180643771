import { createFolderBytes } from '../../explore/folder-bytes.ts';
import type { StackStudy } from '../../explore/study-layers.ts';
import type { DirectoryNode } from '../../layer/directory-node.ts';
import { treeParts } from '../../layer/file-tree.ts';

/** Entries that are counted in one step. */
const STEP_ENTRIES = 2000;

/** Bytes of the files below directories, hard links once; directories that trees share are counted once in the life of this. */
export interface Totals {
  /** Undefined until it is counted. */
  known(node: DirectoryNode): number | undefined;
  /** Counted now if it was not. */
  of(node: DirectoryNode): number;
  /** Counts piece by piece; each step is short. */
  count(node: DirectoryNode): Generator<void, void>;
}

export function createTotals(study: StackStudy): Totals {
  const bytesBelow = createFolderBytes(study);
  const totals = new WeakMap<DirectoryNode, number>();
  const top = study.trees.at(-1);

  function* count(node: DirectoryNode): Generator<void, void> {
    if (top === undefined) {
      totals.set(node, 0);
      return;
    }
    const parts = treeParts(top);
    const stack = [node];
    let done = 0;
    while (stack.length > 0) {
      const here = stack[stack.length - 1]!;
      const height = stack.length;
      if (!totals.has(here)) {
        here.eachNode((child) => {
          if (typeof child === 'object' && !totals.has(child)) stack.push(child);
        });
      }
      if (stack.length > height) continue;
      stack.pop();
      // What is below is counted by now, so this costs its own entries.
      if (!totals.has(here)) totals.set(here, bytesBelow(parts, here).bytes);
      done += here.size + 1;
      if (done > STEP_ENTRIES) {
        done = 0;
        yield;
      }
    }
  }

  return {
    known: (node) => totals.get(node),
    of(node) {
      for (const _ of count(node));
      return totals.get(node)!;
    },
    count,
  };
}
