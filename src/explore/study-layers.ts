import { applyLayer, emptyTree } from '../layer/apply-layer.ts';
import { diffInodes, type InodeName } from '../layer/diff-trees.ts';
import type { FileTree, LayerIndex } from '../layer/types.ts';
import type { ExploreWarning, HiddenFile, PathCount } from './types.ts';

/** Warnings of one kind and layer that are listed; a hostile layer could have millions. */
const MAX_WARNINGS = 1000;

/** What one layer does to those below it. */
export interface LayerStudy {
  readonly added: PathCount;
  readonly changed: PathCount;
  readonly copied: PathCount;
  readonly removed: PathCount;
  readonly hiddenBytes: number;
  readonly hiddenFiles: number;
  readonly hidesBytes: number;
}

export interface StackStudy {
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
  readonly layers: readonly LayerStudy[];
  readonly total: number;
  readonly hidden: number;
  /** Largest first, then by layer and tar order. */
  readonly hiddenFiles: readonly HiddenFile[];
  readonly warnings: readonly ExploreWarning[];
}

/** Applies the layers, base first, keeping count of each inode's names: a regular file is hidden once it has none (explore.md a.5). */
export function studyLayers(indexes: readonly LayerIndex[]): StackStudy {
  const names = indexes.map((index) => new Uint32Array(index.count));
  const hiders = indexes.map(() => new Map<number, number>());
  const warnings: ExploreWarning[] = [];
  const trees: FileTree[] = [];
  const tallies = indexes.map(() => createTally(indexes));
  let below = emptyTree();

  for (const [layer, index] of indexes.entries()) {
    let missing = 0;
    const onMissing = ({ path }: { readonly path: string }): void => {
      if (++missing > MAX_WARNINGS) return;
      const message = `layer ${layer}: whiteout of missing path ${path}`;
      warnings.push({ kind: 'missing-whiteout', layer, path, message });
    };
    const tree = applyLayer(below, index, layer, { onMissing });
    const suspects: InodeName[] = [];
    for (const [before, after] of diffInodes(below, tree)) {
      const last = before?.kind === 'file' && --names[before.layer]![before.order]! === 0;
      const first = after?.kind === 'file' && names[after.layer]![after.order]!++ === 0;
      if (last) suspects.push(before);
      tallies[layer]!.take(before, last, after, first);
    }
    for (const { layer: stored, order } of suspects) {
      if (names[stored]![order] === 0) hiders[stored]!.set(order, layer);
    }
    trees.push(tree);
    below = tree;
  }

  const hiddenFiles: HiddenFile[] = [];
  const hiddenBytes = indexes.map(() => 0);
  const hiddenCounts = indexes.map(() => 0);
  const hidesBytes = indexes.map(() => 0);
  let total = 0;
  for (const [layer, index] of indexes.entries()) {
    total += index.fileBytes;
    for (let order = 0; order < index.count; order++) {
      if (names[layer]![order] !== 0) continue;
      const entry = index.at(order);
      if (entry.kind !== 'file') continue;
      // Without a name from the start: a later entry of the same layer took its place.
      const hiddenBy = hiders[layer]!.get(order) ?? layer;
      hiddenFiles.push({ layer, hiddenBy, path: entry.path, bytes: entry.size });
      hiddenBytes[layer]! += entry.size;
      hiddenCounts[layer]! += 1;
      hidesBytes[hiddenBy]! += entry.size;
    }
  }
  hiddenFiles.sort((a, b) => b.bytes - a.bytes || a.layer - b.layer);
  return {
    trees,
    total,
    hidden: hiddenBytes.reduce((sum, bytes) => sum + bytes, 0),
    hiddenFiles,
    warnings,
    layers: tallies.map((tally, layer) => ({
      ...tally.counts(),
      hiddenBytes: hiddenBytes[layer]!,
      hiddenFiles: hiddenCounts[layer]!,
      hidesBytes: hidesBytes[layer]!,
    })),
  };
}

/** Counts the paths that a layer adds, changes and removes; bytes with the first name that an inode gets, and the last that it loses. */
function createTally(indexes: readonly LayerIndex[]) {
  const added = createCount();
  const changed = createCount();
  const copied = createCount();
  const removed = createCount();
  return {
    take(before: InodeName | undefined, last: boolean, after: InodeName | undefined, first: boolean): void {
      if (before === undefined) added.take(after!, first);
      else if (after === undefined) removed.take(before, last);
      else {
        changed.take(after, first);
        if (before.kind !== 'file' || after.kind !== 'file' || before.size !== after.size) return;
        if (digestOf(indexes, before) === digestOf(indexes, after)) copied.take(after, first);
      }
    },
    counts: () => ({
      added: added.value(),
      changed: changed.value(),
      copied: copied.value(),
      removed: removed.value(),
    }),
  };
}

function digestOf(indexes: readonly LayerIndex[], { layer, order }: InodeName): string | undefined {
  return indexes[layer]!.at(order).contentDigest;
}

function createCount() {
  let paths = 0;
  let bytes = 0;
  return {
    take(inode: InodeName, counts: boolean): void {
      paths++;
      if (counts) bytes += inode.size;
    },
    value: (): PathCount => ({ paths, bytes }),
  };
}
