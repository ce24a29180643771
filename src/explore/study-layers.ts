import { applyLayer, emptyTree } from '../layer/apply-layer.ts';
import { eachDifference } from '../layer/diff-trees.ts';
import { type ColumnarIndex, columnarIndex } from '../layer/load-layer-index.ts';
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
export function studyLayers(layers: readonly LayerIndex[]): StackStudy {
  const indexes = layers.map(columnarIndex);
  const numbers = numberEntries(indexes);
  /** Names of each regular file, and the layer that took its last one, by number. */
  const names = new Uint32Array(numbers.count);
  const hiders = new Map<number, number>();
  const warnings: ExploreWarning[] = [];
  const trees: FileTree[] = [];
  const tallies: Tally[] = [];
  let below = emptyTree();

  for (const [layer, index] of indexes.entries()) {
    let missing = 0;
    const onMissing = ({ path }: { readonly path: string }): void => {
      if (++missing > MAX_WARNINGS) return;
      const message = `layer ${layer}: whiteout of missing path ${path}`;
      warnings.push({ kind: 'missing-whiteout', layer, path, message });
    };
    const tree = applyLayer(below, index, layer, { onMissing });
    const suspects: number[] = [];
    const tally = createTally();
    eachDifference(below, tree, (before, after) => {
      const sizeBefore = before === undefined ? undefined : numbers.fileSize(before);
      const sizeAfter = after === undefined ? undefined : numbers.fileSize(after);
      const last = sizeBefore !== undefined && --names[before!]! === 0;
      const first = sizeAfter !== undefined && names[after!]!++ === 0;
      if (last) suspects.push(before!);
      const gone = last ? sizeBefore : 0;
      const came = first ? sizeAfter : 0;
      if (before === undefined) count(tally.added, came);
      else if (after === undefined) count(tally.removed, gone);
      else {
        count(tally.changed, came);
        if (sizeBefore !== sizeAfter || sizeAfter === undefined) return;
        if (numbers.digest(before) === numbers.digest(after)) count(tally.copied, came);
      }
    });
    for (const number of suspects) if (names[number] === 0) hiders.set(number, layer);
    tallies.push(tally);
    trees.push(tree);
    below = tree;
  }

  const studies = tallies.map((tally) => ({ ...tally, hiddenBytes: 0, hiddenFiles: 0, hidesBytes: 0 }));
  const hiddenFiles: HiddenFile[] = [];
  for (const [layer, index] of indexes.entries()) {
    for (let order = 0; order < index.count; order++) {
      const number = numbers.bases[layer]! + order;
      if (names[number] !== 0 || index.kindAt(order) !== 'file') continue;
      const bytes = index.sizeAt(order);
      // Without a name from the start: a later entry of the same layer took its place.
      const hiddenBy = hiders.get(number) ?? layer;
      hiddenFiles.push({ layer, hiddenBy, path: index.pathAt(order), bytes });
      studies[layer]!.hiddenBytes += bytes;
      studies[layer]!.hiddenFiles++;
      studies[hiddenBy]!.hidesBytes += bytes;
    }
  }
  hiddenFiles.sort((a, b) => b.bytes - a.bytes || a.layer - b.layer);
  return {
    trees,
    total: indexes.reduce((sum, index) => sum + index.fileBytes, 0),
    hidden: studies.reduce((sum, study) => sum + study.hiddenBytes, 0),
    hiddenFiles,
    warnings,
    layers: studies,
  };
}

/** The numbers that `eachDifference` gives to the entries of a stack that starts at the base. */
function numberEntries(indexes: readonly ColumnarIndex[]) {
  const bases: number[] = [];
  let count = 0;
  for (const index of indexes) {
    bases.push(count);
    count += index.count;
  }
  const layerOf = (number: number): number => {
    let layer = bases.length - 1;
    while (bases[layer]! > number) layer--;
    return layer;
  };
  return {
    count,
    bases,
    /** Bytes of a regular file, undefined for anything else. */
    fileSize(number: number): number | undefined {
      if (number < 0) return undefined;
      const layer = layerOf(number);
      const order = number - bases[layer]!;
      return indexes[layer]!.kindAt(order) === 'file' ? indexes[layer]!.sizeAt(order) : undefined;
    },
    digest(number: number): string | undefined {
      const layer = layerOf(number);
      return indexes[layer]!.digestAt(number - bases[layer]!);
    },
  };
}

interface Count {
  paths: number;
  bytes: number;
}

interface Tally {
  readonly added: Count;
  readonly changed: Count;
  readonly copied: Count;
  readonly removed: Count;
}

/** Paths that a layer adds, changes and removes; bytes with the first name that an inode gets, and the last that it loses. */
function createTally(): Tally {
  const none = (): Count => ({ paths: 0, bytes: 0 });
  return { added: none(), changed: none(), copied: none(), removed: none() };
}

function count(into: Count, bytes: number): void {
  into.paths++;
  into.bytes += bytes;
}
