import { emptyTree } from '../layer/apply-layer.ts';
import { findNode, treeParts, walkNodes } from '../layer/file-tree.ts';
import type { StackStudy } from './study-layers.ts';
import type { DuplicateFile, Duplicates } from './types.ts';

/** Groups and paths of one that are listed; the sums are over all. */
const MAX_GROUPS = 1000;
const MAX_PATHS = 20;

/** Files that the image shows several times over with the same bytes, as different files; hard links are one file. Empty files do not count. Cost: one pass over the indexes, 8 bytes a file. */
export function findDuplicates(study: StackStudy): Duplicates {
  const { indexes, numbers, names } = study;
  let slots = 1024;
  while (slots < numbers.count * 2) slots *= 2;
  /** 1 + the first file of each content, by the beginning of its digest. */
  const table = new Uint32Array(slots);
  const groups = new Map<number, number[]>();
  for (const [layer, index] of indexes.entries()) {
    for (let order = 0; order < index.count; order++) {
      const number = numbers.bases[layer]! + order;
      if (names[number] === 0 || index.kindAt(order) !== 'file' || index.sizeAt(order) === 0) continue;
      const head = index.digestHeadAt(order);
      if (head < 0) continue;
      let slot = head % slots;
      while (table[slot] !== 0 && !numbers.sameContent(table[slot]! - 1, number)) slot = (slot + 1) % slots;
      if (table[slot] === 0) {
        table[slot] = number + 1;
        continue;
      }
      const first = table[slot]! - 1;
      const group = groups.get(first) ?? [first];
      group.push(number);
      groups.set(first, group);
    }
  }
  const sizeOf = (number: number): number => numbers.fileSize(number)!;
  const sorted = [...groups.values()].sort(
    (a, b) => sizeOf(b[0]!) * (b.length - 1) - sizeOf(a[0]!) * (a.length - 1) || a[0]! - b[0]!,
  );
  const shown = sorted.slice(0, MAX_GROUPS);
  const pathOf = createPaths(
    study,
    shown.flatMap((group) => group.slice(0, MAX_PATHS)),
  );
  return {
    bytes: sorted.reduce((sum, group) => sum + sizeOf(group[0]!) * (group.length - 1), 0),
    files: sorted.reduce((sum, group) => sum + group.length - 1, 0),
    groups: shown.map((group) => {
      const { layer, order } = numbers.place(group[0]!);
      return {
        digest: indexes[layer]!.digestAt(order)!,
        bytes: sizeOf(group[0]!),
        copies: group.length,
        files: group
          .slice(0, MAX_PATHS)
          .map((number): DuplicateFile => ({ layer: numbers.place(number).layer, path: pathOf(number) })),
      };
    }),
  };
}

/** The path in the image of each of these files; where links led elsewhere than the layer says, the tree is walked for all of them once. */
function createPaths(study: StackStudy, wanted: readonly number[]): (number: number) => string {
  const { root } = treeParts(study.trees.at(-1) ?? emptyTree());
  const written = (number: number): string => {
    const { layer, order } = study.numbers.place(number);
    return study.indexes[layer]!.pathAt(order);
  };
  const moved = new Set(wanted.filter((number) => findNode(root, written(number)) !== number));
  const paths = new Map<number, string>();
  if (moved.size > 0) {
    for (const [path, node] of walkNodes(root)) {
      if (typeof node === 'number' && moved.has(node) && !paths.has(node)) paths.set(node, path);
    }
  }
  return (number) => paths.get(number) ?? written(number);
}
