/** Where a key means this; `all` is both panes. */
export type Place = 'all' | 'layers' | 'tree' | 'viewer';

export interface KeyRow {
  readonly action: string;
  /** As read-keys.ts names them. */
  readonly keys: readonly string[];
  /** As people write them. */
  readonly shown: string;
  readonly place: Place;
  readonly says: string;
  /** For the line at the bottom, where there is room. */
  readonly short?: string;
}

/** Every key, once: what the explorer obeys, what `?` shows, and the table in docs/explore.md. Those that dive has mean what they mean there. */
export const KEYS = [
  { action: 'down', keys: ['down', 'j'], shown: '↓ j', place: 'all', says: 'one row down' },
  { action: 'up', keys: ['up', 'k'], shown: '↑ k', place: 'all', says: 'one row up' },
  { action: 'page-down', keys: ['pagedown', 'd', 'ctrl+d'], shown: 'PgDn d', place: 'all', says: 'one page down' },
  { action: 'page-up', keys: ['pageup', 'u'], shown: 'PgUp u', place: 'all', says: 'one page up' },
  { action: 'first', keys: ['home', 'g'], shown: 'Home g', place: 'all', says: 'the first row' },
  { action: 'last', keys: ['end', 'G'], shown: 'End G', place: 'all', says: 'the last row' },
  { action: 'other-pane', keys: ['tab', 'shift+tab'], shown: 'Tab', place: 'all', says: 'the other pane', short: 'pane' },
  { action: 'filter', keys: ['ctrl+f', 'ctrl+/'], shown: 'Ctrl-F', place: 'all', says: 'show only paths with a text, a pattern (`*.conf`) or a regular expression; Esc ends it', short: 'filter' },
  { action: 'search', keys: ['/'], shown: '/', place: 'all', says: 'go to the next path with a text', short: 'search' },
  { action: 'search-next', keys: ['n'], shown: 'n', place: 'all', says: 'the next one of these' },
  { action: 'search-previous', keys: ['N'], shown: 'N', place: 'all', says: 'the one before' },
  { action: 'next-hidden', keys: ['x'], shown: 'x', place: 'all', says: 'go to the next file that is shipped and hidden', short: 'next hidden' },
  { action: 'ghosts', keys: ['i'], shown: 'i', place: 'all', says: 'show or leave out what is shipped but not visible', short: 'hidden files' },
  { action: 'help', keys: ['?'], shown: '?', place: 'all', says: 'these keys', short: 'keys' },
  { action: 'escape', keys: ['esc'], shown: 'Esc', place: 'all', says: 'end the filter, the comparison of two layers, a question' },
  { action: 'suspend', keys: ['ctrl+z'], shown: 'Ctrl-Z', place: 'all', says: 'back to the shell; `fg` returns' },
  { action: 'redraw', keys: ['ctrl+l'], shown: 'Ctrl-L', place: 'tree', says: 'draw the screen anew' },
  { action: 'quit', keys: ['q', 'ctrl+c'], shown: 'q Ctrl-C', place: 'all', says: 'leave', short: 'leave' },
  { action: 'this-layer', keys: ['ctrl+l'], shown: 'Ctrl-L', place: 'layers', says: 'what this layer changes', short: 'layer' },
  { action: 'aggregated', keys: ['ctrl+a'], shown: 'Ctrl-A', place: 'layers', says: 'what all layers up to this one change in the lowest', short: 'aggregated' },
  { action: 'mark', keys: ['m'], shown: 'm', place: 'layers', says: 'mark a layer; two marked ones are compared', short: 'mark' },
  { action: 'into', keys: ['right', 'l', 'enter'], shown: '→ l Enter', place: 'layers', says: 'to its files' },
  { action: 'open', keys: ['right', 'l'], shown: '→ l', place: 'tree', says: 'open a directory and go into it, view a file' },
  { action: 'parent', keys: ['left', 'h'], shown: '← h', place: 'tree', says: 'to the directory above' },
  { action: 'view', keys: ['v'], shown: 'v', place: 'tree', says: 'view a file', short: 'view' },
  { action: 'extract', keys: ['ctrl+e', 'e'], shown: 'Ctrl-E e', place: 'tree', says: 'write a file to disk', short: 'extract' },
  { action: 'fold', keys: [' '], shown: 'Space', place: 'tree', says: 'fold a directory, or unfold it', short: 'fold' },
  { action: 'fold-all', keys: ['ctrl+space'], shown: 'Ctrl-Space', place: 'tree', says: 'fold all directories, or unfold them' },
  { action: 'added', keys: ['ctrl+a'], shown: 'Ctrl-A', place: 'tree', says: 'show or leave out what is added' },
  { action: 'removed', keys: ['ctrl+r'], shown: 'Ctrl-R', place: 'tree', says: 'show or leave out what is removed' },
  { action: 'modified', keys: ['ctrl+m', 'enter'], shown: 'Ctrl-M', place: 'tree', says: 'show or leave out what is modified (a terminal sends the same for Enter)' },
  { action: 'unmodified', keys: ['ctrl+u'], shown: 'Ctrl-U', place: 'tree', says: 'show or leave out what is as it was', short: 'unmodified' },
  { action: 'attributes', keys: ['ctrl+b'], shown: 'Ctrl-B', place: 'tree', says: 'show or leave out mode and owner' },
  { action: 'wrap', keys: ['ctrl+p'], shown: 'Ctrl-P', place: 'tree', says: 'long names on several lines, or cut' },
  { action: 'sort', keys: ['ctrl+o', 's'], shown: 'Ctrl-O s', place: 'tree', says: 'sort by name, by size, by hidden bytes', short: 'sort' },
  { action: 'viewer-down', keys: ['down', 'j', 'enter'], shown: '↓ j', place: 'viewer', says: 'one line down' },
  { action: 'viewer-up', keys: ['up', 'k'], shown: '↑ k', place: 'viewer', says: 'one line up' },
  { action: 'viewer-page-down', keys: ['pagedown', 'd', 'ctrl+d', ' '], shown: 'PgDn d', place: 'viewer', says: 'one page down' },
  { action: 'viewer-page-up', keys: ['pageup', 'u'], shown: 'PgUp u', place: 'viewer', says: 'one page up' },
  { action: 'viewer-first', keys: ['home', 'g'], shown: 'Home g', place: 'viewer', says: 'the beginning' },
  { action: 'viewer-last', keys: ['end', 'G'], shown: 'End G', place: 'viewer', says: 'the end' },
  { action: 'viewer-left', keys: ['left', 'h'], shown: '← h', place: 'viewer', says: 'to the left; at the edge back to the files' },
  { action: 'viewer-right', keys: ['right', 'l'], shown: '→ l', place: 'viewer', says: 'to the right' },
  { action: 'viewer-hex', keys: ['t'], shown: 't', place: 'viewer', says: 'as text, or byte by byte', short: 'text/hex' },
  { action: 'search', keys: ['/'], shown: '/', place: 'viewer', says: 'find a text', short: 'search' },
  { action: 'search-next', keys: ['n'], shown: 'n', place: 'viewer', says: 'the next place', short: 'next' },
  { action: 'search-previous', keys: ['N'], shown: 'N', place: 'viewer', says: 'the place before' },
  { action: 'suspend', keys: ['ctrl+z'], shown: 'Ctrl-Z', place: 'viewer', says: 'back to the shell; `fg` returns' },
  { action: 'viewer-close', keys: ['esc', 'q', 'v'], shown: 'Esc q', place: 'viewer', says: 'back to the files', short: 'back' },
  { action: 'quit', keys: ['ctrl+c'], shown: 'Ctrl-C', place: 'viewer', says: 'leave' },
] as const satisfies readonly KeyRow[]; // biome-ignore format: a table

export type Action = (typeof KEYS)[number]['action'];

/** What a key means in a pane or the viewer. */
export function actionOf(key: string, place: Exclude<Place, 'all'>): Action | undefined {
  const fits = (row: KeyRow): boolean => row.keys.includes(key);
  const rows: readonly (KeyRow & { readonly action: Action })[] = KEYS;
  const found = rows.find((row) => row.place === place && fits(row));
  if (found !== undefined || place === 'viewer') return found?.action;
  return rows.find((row) => row.place === 'all' && fits(row))?.action;
}

const TITLES: Readonly<Record<Place, string>> = {
  all: 'Everywhere',
  layers: 'Layers',
  tree: 'Files',
  viewer: 'A file',
};

export interface KeyGroup {
  readonly title: string;
  readonly rows: readonly KeyRow[];
}

/** The keys by place, in the order of the table. */
export function keyGroups(): readonly KeyGroup[] {
  return (['all', 'layers', 'tree', 'viewer'] as const).map((place) => ({
    title: TITLES[place],
    rows: KEYS.filter((row) => row.place === place),
  }));
}
