import type { HistoryEntry } from '../oci/types.ts';
import type { ExploreWarning, HistoryRow } from './types.ts';

/** The rows of a history with the layers they made: rows that are not empty are paired with layers in order (image-spec 1.1.1 config.md). Too few or too many give a warning; no history at all is normal. */
export function pairHistory(
  history: readonly HistoryEntry[] | undefined,
  layers: number,
): { readonly rows: readonly HistoryRow[]; readonly warnings: readonly ExploreWarning[] } {
  let next = 0;
  const rows = (history ?? []).map((entry): HistoryRow => {
    const empty = entry.empty_layer === true;
    const layer = empty ? undefined : next++;
    return {
      ...optional('created', entry.created),
      ...optional('createdBy', entry.created_by),
      ...optional('comment', entry.comment),
      ...optional('author', entry.author),
      empty,
      ...(layer !== undefined && layer < layers ? { layer } : undefined),
    };
  });
  if (rows.length === 0 || next === layers) return { rows, warnings: [] };
  const message = `the history tells of ${count(next)}, the image has ${layers}`;
  return { rows, warnings: [{ kind: 'history-mismatch', message }] };
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

function count(layers: number): string {
  return layers === 1 ? '1 layer' : `${layers} layers`;
}
