import { metadataDiffers } from '../layer/diff-trees.ts';
import type { ColumnarIndex, EntryAttributes } from '../layer/load-layer-index.ts';
import type { ChangeKind } from './types.ts';

/** The entries of a stack under the numbers that `eachDifference` gives them: counted through the layers from the base. */
export interface StackNumbers {
  readonly count: number;
  /** The number of each layer's first entry. */
  readonly bases: readonly number[];
  /** The layer and the order in it. */
  place(number: number): { readonly layer: number; readonly order: number };
  /** Bytes of a regular file, undefined for anything else. */
  fileSize(number: number): number | undefined;
  /** True for regular files with the same bytes. */
  sameContent(a: number, b: number): boolean;
  /** How a path that led to `a` and leads to `b` has changed. */
  changeOf(a: number, b: number): ChangeKind;
}

/** Attributes of a directory that no entry describes. */
const IMPLIED: EntryAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanos: 0 } };

export function numberEntries(indexes: readonly ColumnarIndex[]): StackNumbers {
  const bases: number[] = [];
  let count = 0;
  for (const index of indexes) {
    bases.push(count);
    count += index.count;
  }
  const layerOf = (number: number): number => {
    let low = 0;
    let high = bases.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (bases[middle]! <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  // Layers without entries share a base with the next one: the last of them holds the number.
  const at = (number: number): readonly [index: ColumnarIndex, order: number] => {
    const layer = layerOf(number);
    return [indexes[layer]!, number - bases[layer]!];
  };
  const kindOf = (number: number): string => {
    if (number < 0) return 'directory';
    const [index, order] = at(number);
    return index.kindAt(order);
  };
  const attributes = (number: number): EntryAttributes => {
    if (number < 0) return IMPLIED;
    const [index, order] = at(number);
    return index.attributesAt(order);
  };
  const sameContent = (a: number, b: number): boolean => {
    const [indexA, orderA] = at(a);
    const [indexB, orderB] = at(b);
    if (indexA.sizeAt(orderA) !== indexB.sizeAt(orderB)) return false;
    for (let word = 0; word < 8; word++)
      if (indexA.digestHeadAt(orderA, word) !== indexB.digestHeadAt(orderB, word)) return false;
    return true;
  };
  const contentDiffers = (kind: string, a: number, b: number): boolean => {
    if (kind === 'directory' || kind === 'fifo') return false;
    if (kind === 'file') return !sameContent(a, b);
    const [indexA, orderA] = at(a);
    const [indexB, orderB] = at(b);
    if (kind === 'symlink') return indexA.linkAt(orderA) !== indexB.linkAt(orderB);
    const [one, other] = [indexA.at(orderA).device, indexB.at(orderB).device];
    return one?.major !== other?.major || one?.minor !== other?.minor;
  };

  return {
    count,
    bases,
    place: (number) => {
      const layer = layerOf(number);
      return { layer, order: number - bases[layer]! };
    },
    fileSize(number) {
      if (number < 0) return undefined;
      const [index, order] = at(number);
      return index.kindAt(order) === 'file' ? index.sizeAt(order) : undefined;
    },
    sameContent,
    changeOf(a, b) {
      const kind = kindOf(a);
      if (kind !== kindOf(b)) return 'type';
      if (contentDiffers(kind, a, b)) return 'content';
      return metadataDiffers(attributes(a), attributes(b)) ? 'metadata' : 'rewritten';
    },
  };
}
