import { type IndexColumns, KIND_WHITEOUT } from './index-builder.ts';

/** The orders of an index sorted by path bytes, plain before whiteout before opaque, then by order. */
export function sortOrders(columns: IndexColumns): Uint32Array {
  const { names, nameEnds, kinds, count } = columns;
  const rank = (order: number): number => Math.max(0, kinds[order]! - KIND_WHITEOUT + 1);
  const orders = Array.from({ length: count }, (_, order) => order);
  // The comparison runs on bytes: decoding every name would cost more than the sort. Tars are mostly sorted already.
  orders.sort((a, b) => {
    let i = a === 0 ? 0 : nameEnds[a - 1]!;
    let j = b === 0 ? 0 : nameEnds[b - 1]!;
    const endA = nameEnds[a]!;
    const endB = nameEnds[b]!;
    while (i < endA && j < endB) {
      const difference = names[i++]! - names[j++]!;
      if (difference !== 0) return difference;
    }
    return endA - i - (endB - j) || rank(a) - rank(b) || a - b;
  });
  return Uint32Array.from(orders);
}
