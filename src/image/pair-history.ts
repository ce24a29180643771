import type { Digest, HistoryEntry, ImageConfig } from '../oci/types.ts';

/** A row of history with the layer that it made, if it made one. */
export interface HistoryRow {
  readonly entry: HistoryEntry;
  readonly diffId?: Digest | undefined;
  /** Position of the layer, from 0 at the base. */
  readonly layer?: number | undefined;
}

/** The history with its layers, oldest first. Layers beyond the last row get an empty row each, rows beyond the last layer have none: every tool writes such images (config.md). */
export function pairHistory(config: ImageConfig): HistoryRow[] {
  const diffIds = config.rootfs.diff_ids;
  let layer = 0;
  return completeHistory(config).map((entry): HistoryRow => {
    if (entry.empty_layer === true || layer >= diffIds.length) return { entry };
    const row = { entry, diffId: diffIds[layer]!, layer };
    layer++;
    return row;
  });
}

/** The history with an empty row for each layer that has none, so that a row added later belongs to the layer added with it. */
export function completeHistory(config: ImageConfig): readonly HistoryEntry[] {
  const history = config.history ?? [];
  const rows = history.filter((row) => row.empty_layer !== true).length;
  const missing = config.rootfs.diff_ids.length - rows;
  return missing <= 0 ? history : [...history, ...Array.from({ length: missing }, (): HistoryEntry => ({}))];
}
