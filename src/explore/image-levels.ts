import type { Digest, HistoryEntry, ImageConfig } from '../oci/types.ts';
import { keywordOf } from './instruction.ts';
import type { ImageLevel } from './types.ts';

/** An image that is here: it may be what another one was built on. */
export interface KnownImage {
  /** Full names. */
  readonly names: readonly string[];
  readonly id: Digest;
  /** Of its manifest, and of the index it was chosen from. */
  readonly digests: readonly Digest[];
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

/** What an image says of the image it was built on. */
export interface BaseAnnotations {
  readonly name?: string | undefined;
  readonly digest?: string | undefined;
}

/**
 * The images that this one stands on, lowest first, and itself at the end. A known image is one of them if its layers are the lowest of this one's and its
 * history the beginning of this one's; so also bases that add settings only are found. Above the known ones the history tells of one more: a CMD that is not
 * among the last rows closes a base (the same guess as trivy's).
 */
export function imageLevels(
  image: { readonly id: Digest; readonly config: ImageConfig; readonly base: BaseAnnotations },
  known: readonly KnownImage[],
  layerBytes: readonly number[],
): readonly ImageLevel[] {
  const { config, id, base } = image;
  const diffIds = config.rootfs.diff_ids;
  const history = config.history ?? [];
  const found = new Map<Digest, KnownImage>();
  for (const one of known) {
    if (one.id === id || !isBelow(one, diffIds, history)) continue;
    const earlier = found.get(one.id);
    const names = [...(earlier?.names ?? []), ...one.names];
    found.set(one.id, { ...one, names: [...new Set(names)].sort() });
  }
  const levels: Omit<ImageLevel, 'first' | 'added' | 'bytes'>[] = [...found.values()]
    .sort((a, b) => a.diffIds.length - b.diffIds.length || a.history.length - b.history.length)
    .map(({ names, id: knownId, digests, diffIds: { length: layers } }) => ({
      how: digests.some((digest) => digest === base.digest) ? ('annotation' as const) : ('store' as const),
      names,
      id: knownId,
      layers,
    }));
  const told = layersOfClosedBase(history);
  const top = levels.at(-1);
  if (told > (top?.layers ?? 0) && told < diffIds.length) {
    const names = base.name !== undefined && top?.how !== 'annotation' ? [base.name] : [];
    levels.push({ how: names.length > 0 ? 'annotation' : 'history', names, layers: told });
  }
  levels.push({ how: 'image', names: [], id, layers: diffIds.length });
  return levels.map((level, i) => {
    const first = levels[i - 1]?.layers ?? 0;
    const bytes = layerBytes.slice(first, level.layers).reduce((sum, each) => sum + each, 0);
    return { ...level, first, added: level.layers - first, bytes };
  });
}

/** The level that a layer comes from. */
export function levelOf(levels: readonly ImageLevel[], layer: number): number {
  return levels.findIndex(({ layers }) => layer < layers);
}

function isBelow(one: KnownImage, diffIds: readonly Digest[], history: readonly HistoryEntry[]): boolean {
  if (one.diffIds.length === 0 || one.diffIds.length > diffIds.length) return false;
  if (one.diffIds.some((diffId, i) => diffId !== diffIds[i])) return false;
  if (one.diffIds.length === diffIds.length && one.history.length >= history.length) return false;
  return one.history.every((row, i) => {
    const other = history[i];
    return other !== undefined && other.created_by === row.created_by && sameTime(other.created, row.created);
  });
}

/** Builders write times with another number of digits than they read. */
function sameTime(a: string | undefined, b: string | undefined): boolean {
  return a === b || Math.abs(Date.parse(a ?? '') - Date.parse(b ?? '')) < 1;
}

function layersOfClosedBase(history: readonly HistoryEntry[]): number {
  let at = history.length - 1;
  while (at >= 0 && history[at]!.empty_layer === true) at--;
  for (; at >= 0; at--) {
    const row = history[at]!;
    if (row.empty_layer === true && keywordOf(row.created_by) === 'CMD')
      return history.slice(0, at).filter((each) => each.empty_layer !== true).length;
  }
  return 0;
}
