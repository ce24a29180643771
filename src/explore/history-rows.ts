import { pairHistory } from '../image/pair-history.ts';
import type { ImageConfig } from '../oci/types.ts';
import type { ExploreWarning, HistoryRow } from './types.ts';

/** The rows of the history with the layers they made. A history that tells of more or fewer layers than there are gives a warning; none at all is normal. */
export function historyRows(config: ImageConfig): {
  readonly rows: readonly HistoryRow[];
  readonly warnings: readonly ExploreWarning[];
} {
  const rows = pairHistory(config).map(({ entry, layer }): HistoryRow => {
    return {
      ...optional('created', entry.created),
      ...optional('createdBy', entry.created_by),
      ...optional('comment', entry.comment),
      ...optional('author', entry.author),
      empty: entry.empty_layer === true,
      ...(layer === undefined ? undefined : { layer }),
    };
  });
  const told = (config.history ?? []).filter((entry) => entry.empty_layer !== true).length;
  const layers = config.rootfs.diff_ids.length;
  if (told === layers || (config.history ?? []).length === 0) return { rows, warnings: [] };
  const message = `the history tells of ${told} ${told === 1 ? 'layer' : 'layers'}, the image has ${layers}`;
  return { rows, warnings: [{ kind: 'history-mismatch', message }] };
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string };
}
