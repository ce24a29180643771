import { applyLayer, emptyTree } from '../layer/apply-layer.ts';
import { eachDifference } from '../layer/diff-trees.ts';
import { type ColumnarIndex, columnarIndex } from '../layer/load-layer-index.ts';
import type { FileTree, LayerIndex } from '../layer/types.ts';
import { numberEntries, type StackNumbers } from './stack-numbers.ts';
import type { ExploreWarning, HiddenFile, HiddenHow, LayerChanges, PathCount } from './types.ts';

/** Warnings of one kind and layer that are listed; a hostile layer could have millions. */
const MAX_WARNINGS = 1000;

/** What one layer does to those below it. */
export interface LayerStudy {
  readonly added: PathCount;
  readonly changed: PathCount;
  readonly copied: PathCount;
  readonly removed: PathCount;
  readonly changes: LayerChanges;
  readonly contribution: number;
  readonly cumulative: number;
  readonly hiddenBytes: number;
  readonly hiddenFiles: number;
  readonly hidesBytes: number;
}

export interface StackStudy {
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
  readonly indexes: readonly ColumnarIndex[];
  readonly numbers: StackNumbers;
  readonly layers: readonly LayerStudy[];
  readonly total: number;
  readonly hidden: number;
  /** Largest first, then by layer and tar order. */
  readonly hiddenFiles: readonly HiddenFile[];
  readonly warnings: readonly ExploreWarning[];
  /** Names that the image has for each regular file, by number; 0: hidden. */
  readonly names: Uint32Array;
  /** 1 for each file that had several names at once at some time, by number. */
  readonly linked: Uint8Array;
  /** The layer that took a file's last name; undefined for files that are shown. */
  hiderOf(number: number): number | undefined;
}

const HOWS: readonly HiddenHow[] = ['twice', 'removed', 'replaced', 'copied'];

/** Applies the layers, base first, keeping count of each inode's names: a regular file is hidden once it has none (explore.md a.5). */
export function studyLayers(layers: readonly LayerIndex[]): StackStudy {
  const indexes = layers.map(columnarIndex);
  const numbers = numberEntries(indexes);
  const names = new Uint32Array(numbers.count);
  const linked = new Uint8Array(numbers.count);
  /** Of each file without a name: 1 + the layer that took the last one, and how. */
  const hiders = new Uint32Array(numbers.count);
  const hows = new Uint8Array(numbers.count);
  const warnings: ExploreWarning[] = [];
  const trees: FileTree[] = [];
  const tallies: Tally[] = [];
  let below = emptyTree();
  let shown = 0;

  for (const [layer, index] of indexes.entries()) {
    let missing = 0;
    const onMissing = ({ path }: { readonly path: string }): void => {
      if (++missing > MAX_WARNINGS) return;
      const message = `layer ${layer}: whiteout of missing path ${path}`;
      warnings.push({ kind: 'missing-whiteout', layer, path, message });
    };
    const tree = applyLayer(below, index, layer, { onMissing });
    const tally = createTally();
    const before = shown;
    eachDifference(below, tree, (old, now) => {
      const sizeOld = old === undefined ? undefined : numbers.fileSize(old);
      const sizeNow = now === undefined ? undefined : numbers.fileSize(now);
      const last = sizeOld !== undefined && --names[old!]! === 0;
      const first = sizeNow !== undefined && names[now!]!++ === 0;
      if (sizeNow !== undefined && names[now!]! > 1) linked[now!] = 1;
      const gone = last ? sizeOld : 0;
      const came = first ? sizeNow : 0;
      shown += came - gone;
      if (old === undefined) count(tally.changes.added, came);
      else if (now === undefined) count(tally.changes.removed, gone);
      else {
        const kind = numbers.changeOf(old, now);
        count(tally.changes[kind], came);
        if (sizeOld !== undefined && sizeOld === sizeNow && numbers.sameContent(old, now))
          count(tally.copied, came);
      }
      // It may get a name again in the same layer; what it has at the end counts.
      if (last) {
        hiders[old!] = layer + 1;
        const same = sizeNow !== undefined && numbers.sameContent(old!, now!);
        hows[old!] = now === undefined ? 1 : same ? 3 : 2;
      }
    });
    tally.contribution = shown - before;
    tally.cumulative = shown;
    tallies.push(tally);
    trees.push(tree);
    below = tree;
  }

  const hiderOf = (number: number): number | undefined => {
    if (names[number] !== 0 || numbers.fileSize(number) === undefined) return undefined;
    // Without a name from the start: a later entry of the same layer took its place.
    return hiders[number] === 0 ? numbers.place(number).layer : hiders[number]! - 1;
  };
  const studies = tallies.map(studyOf);
  const hiddenFiles: HiddenFile[] = [];
  for (const [layer, index] of indexes.entries()) {
    for (let order = 0; order < index.count; order++) {
      const number = numbers.bases[layer]! + order;
      if (names[number] !== 0 || index.kindAt(order) !== 'file') continue;
      const bytes = index.sizeAt(order);
      const hiddenBy = hiders[number] === 0 ? layer : hiders[number]! - 1;
      hiddenFiles.push({ layer, hiddenBy, how: HOWS[hows[number]!]!, path: index.pathAt(order), bytes });
      studies[layer]!.hiddenBytes += bytes;
      studies[layer]!.hiddenFiles++;
      studies[hiddenBy]!.hidesBytes += bytes;
    }
  }
  hiddenFiles.sort((a, b) => b.bytes - a.bytes || a.layer - b.layer);
  return {
    trees,
    indexes,
    numbers,
    total: indexes.reduce((sum, index) => sum + index.fileBytes, 0),
    hidden: studies.reduce((sum, study) => sum + study.hiddenBytes, 0),
    hiddenFiles,
    warnings,
    layers: studies,
    names,
    linked,
    hiderOf,
  };
}

interface Count {
  paths: number;
  bytes: number;
}

/** Paths that a layer adds, changes and removes; bytes with the first name that an inode gets, and the last that it loses. */
interface Tally {
  readonly changes: { readonly [K in keyof LayerChanges]: Count };
  readonly copied: Count;
  contribution: number;
  cumulative: number;
}

const none = (): Count => ({ paths: 0, bytes: 0 });

const createTally = (): Tally => ({
  changes: {
    added: none(),
    content: none(),
    metadata: none(),
    type: none(),
    rewritten: none(),
    removed: none(),
  },
  copied: none(),
  contribution: 0,
  cumulative: 0,
});

function studyOf({ changes, ...rest }: Tally) {
  const changed = none();
  for (const kind of ['content', 'metadata', 'type', 'rewritten'] as const) {
    changed.paths += changes[kind].paths;
    changed.bytes += changes[kind].bytes;
  }
  const { added, removed } = changes;
  return { added, changed, removed, ...rest, changes, hiddenBytes: 0, hiddenFiles: 0, hidesBytes: 0 };
}

function count(into: Count, bytes: number): void {
  into.paths++;
  into.bytes += bytes;
}
