import type { LayerIndex } from '../layer/types.ts';
import { createNode, findNode, layerTree, leaves, pile, sizeBelow } from './dive-tree.ts';

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
  readonly inefficient: readonly InefficientFile[];
}

/** A path that dive holds for waste. */
export interface InefficientFile {
  /** With a leading slash. */
  readonly path: string;
  /** Layers that have it, whiteouts of it included. */
  readonly count: number;
  /** Bytes of every copy, the one that is needed too. */
  readonly sizeBytes: number;
}

/** What dive 0.13 reports for these layers, its errors included (explore.md a.5 lists them): only leaves count, the smallest copy counts as needed, opaque markers are ignored. */
export function diveNumbers(indexes: readonly LayerIndex[]): DiveNumbers {
  const stack = createNode();
  const files = new Map<string, { total: number; least: number; count: number }>();
  /** In the order in which dive notices them. */
  const repeated: string[] = [];
  let aborts = false;

  const visit = (path: string, size: number): void => {
    const file = files.get(path) ?? { total: 0, least: -1, count: 0 };
    file.total += size;
    file.least = file.least < 0 ? size : Math.min(file.least, size);
    if (++file.count === 2) repeated.push(path);
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
  for (const file of files.values()) {
    least += file.least;
    total += file.total;
    if (file.count >= 2) wastedBytes += file.total;
  }
  const userSizeBytes = indexes.slice(1).reduce((sum, index) => sum + index.fileBytes, 0);
  const inefficient = repeated.map((path) => {
    const { count, total: sizeBytes } = files.get(path)!;
    return { path: `/${path}`, count, sizeBytes };
  });
  return {
    efficiency: total === 0 ? 1 : least / total,
    sizeBytes: indexes.reduce((sum, index) => sum + index.fileBytes, 0),
    wastedBytes,
    userSizeBytes,
    wastedUserPercent: userSizeBytes === 0 ? null : wastedBytes / userSizeBytes,
    abortsOnDanglingWhiteout: aborts,
    // dive sorts upwards and reads from the end.
    inefficient: inefficient.sort((a, b) => a.sizeBytes - b.sizeBytes).reverse(),
  };
}
