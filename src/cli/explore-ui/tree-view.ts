import type { HiddenFile } from '../../explore/types.ts';
import type { TreeNode } from '../../layer/directory-node.ts';
import { joinPath } from '../../layer/entry-paths.ts';
import {
  type Comparison,
  changeOf,
  eachGhost,
  eachName,
  type Folder,
  inodeOfRow,
  openFolder,
  type Row,
} from './comparison.ts';
import { isWanted, type Survey } from './survey.ts';
import type { Totals } from './totals.ts';

export type SortBy = 'name' | 'size' | 'hidden';

/** How a comparison is listed. A changed one is another object: lists made for the old one are made anew when they are looked at. */
export interface TreeView {
  readonly comparison: Comparison;
  readonly sort: SortBy;
  readonly survey: Survey | undefined;
  /** Older versions are listed beneath what there is. */
  readonly ghosts: boolean;
  readonly totals: Totals;
  /** One object with the state: folding costs no new lists. */
  readonly folds: Folds;
}

/** Which directories are folded. */
export interface Folds {
  all: boolean;
  /** Paths that are not as `all` says. */
  readonly except: Set<string>;
}

export const isFolded = ({ all, except }: Folds, path: string): boolean => all !== except.has(path);

/** The rows of a folder that are shown, in order. */
export function listOf(view: TreeView, folder: Folder): readonly Row[] {
  if (folder.listedFor === view) return folder.list;
  const rows: Row[] = [];
  const add = (name: string, before: TreeNode | undefined, after: TreeNode | undefined): void => {
    const isFolder = typeof before === 'object' || typeof after === 'object';
    const below = isFolder ? openFolder(folder, name, view.ghosts) : undefined;
    const row = createRow(folder, name, below, { before, after });
    if (shows(view, row)) rows.push(row);
  };
  eachName(folder, add);
  if (view.ghosts) rows.push(...ghostRows(view, folder));
  rows.sort(ORDERS[view.sort](view));
  for (const [index, row] of rows.entries()) {
    row.index = index;
    if (row.folder !== undefined) row.folder.row = row;
  }
  folder.list = rows;
  folder.listedFor = view;
  return rows;
}

function createRow(
  parent: Folder,
  name: string,
  folder: Folder | undefined,
  is: {
    readonly before?: TreeNode | undefined;
    readonly after?: TreeNode | undefined;
    readonly ghost?: HiddenFile;
  },
): Row {
  const path = joinPath(parent.path, name);
  return { name, path, parent, folder, before: is.before, after: is.after, ghost: is.ghost, index: 0 };
}

function shows(view: TreeView, row: Row): boolean {
  const { survey, comparison } = view;
  if (survey === undefined) return true;
  if (row.folder?.shownFor === survey) return true;
  return isWanted(survey, changeOf(comparison.numbers, row.before, row.after), row.path);
}

/** Versions that no tree of the comparison shows, stored up to its upper layer; folders that hold nothing else. */
function ghostRows(view: TreeView, folder: Folder): Row[] {
  const rows: Row[] = [];
  eachGhost(view.comparison, folder, (name, ghost) => {
    const row = createRow(folder, name, undefined, { ghost });
    if (shows(view, row)) rows.push(row);
  });
  for (const [name, hidden] of folder.hidden?.folders ?? []) {
    if (typeof folder.before?.children.get(name) === 'object') continue;
    if (typeof folder.after?.children.get(name) === 'object') continue;
    const below = openFolder(folder, name, true);
    if (below === undefined || hidden.bytes === 0) continue;
    const row = createRow(folder, name, below, {});
    if (listOf(view, below).length > 0) rows.push(row);
  }
  return rows;
}

type Order = (view: TreeView) => (a: Row, b: Row) => number;
const byName = (a: Row, b: Row): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : (a.ghost?.layer ?? 1e9) - (b.ghost?.layer ?? 1e9);
const ORDERS: Readonly<Record<SortBy, Order>> = {
  name: () => byName,
  size: (view) => {
    const size = remembered((row) => sizeOfRow(view, row) ?? 0);
    return (a, b) => size(b) - size(a) || byName(a, b);
  },
  hidden: () => {
    const bytes = remembered((row) => hiddenBytesOf(row));
    return (a, b) => bytes(b) - bytes(a) || byName(a, b);
  },
};

function remembered(of: (row: Row) => number): (row: Row) => number {
  const known = new Map<Row, number>();
  return (row) => {
    let value = known.get(row);
    if (value === undefined) {
      value = of(row);
      known.set(row, value);
    }
    return value;
  };
}

/** Bytes of a file, or of those below a directory; undefined while they are not counted yet. Sorting counts. */
export function sizeOfRow(view: TreeView, row: Row): number | undefined {
  if (row.ghost !== undefined) return row.ghost.bytes;
  const node = row.after ?? row.before;
  if (node === undefined) return row.folder?.hidden?.bytes ?? 0;
  if (typeof node === 'object') return view.sort === 'size' ? view.totals.of(node) : view.totals.known(node);
  return inodeOfRow(view.comparison, row)?.size;
}

/** Bytes that nobody sees at this path and below it, in any layer. */
export function hiddenBytesOf(row: Row): number {
  if (row.ghost !== undefined) return row.ghost.bytes;
  const own = row.parent?.hidden?.files.get(row.name)?.reduce((sum, file) => sum + file.bytes, 0) ?? 0;
  return own + (row.folder?.hidden?.bytes ?? 0);
}

/** The row below on the screen; undefined at the end. */
export function nextRow(view: TreeView, row: Row, folds: Folds = view.folds): Row | undefined {
  if (row.folder !== undefined && !isFolded(folds, row.path)) {
    const first = listOf(view, row.folder)[0];
    if (first !== undefined) return first;
  }
  for (let at: Row | undefined = row; at?.parent !== undefined; at = at.parent.row) {
    const sibling = listOf(view, at.parent)[at.index + 1];
    if (sibling !== undefined) return sibling;
  }
  return undefined;
}

/** The row above on the screen; undefined at the beginning. */
export function previousRow(view: TreeView, row: Row, folds: Folds = view.folds): Row | undefined {
  if (row.parent === undefined) return undefined;
  if (row.index === 0) return row.parent.row;
  return lastBelow(view, listOf(view, row.parent)[row.index - 1]!, folds);
}

function lastBelow(view: TreeView, row: Row, folds: Folds): Row {
  let at = row;
  while (at.folder !== undefined && !isFolded(folds, at.path)) {
    const last = listOf(view, at.folder).at(-1);
    if (last === undefined) break;
    at = last;
  }
  return at;
}

export const firstRow = (view: TreeView): Row | undefined => listOf(view, view.comparison.root)[0];

export function lastRow(view: TreeView, folds: Folds = view.folds): Row | undefined {
  const last = listOf(view, view.comparison.root).at(-1);
  return last === undefined ? undefined : lastBelow(view, last, folds);
}

/** The row that lists this one's folder; undefined for the root's. */
export const parentRow = (row: Row): Row | undefined => row.parent?.row;

/** As if every directory were open. */
export const OPEN: Folds = { all: false, except: new Set() };

/** The row of a path (of this version), or the nearest that is shown: the next sibling in its place, or what it was in. */
export function findRow(view: TreeView, path: string, layer?: number): Row | undefined {
  let folder = view.comparison.root;
  let found: Row | undefined;
  const names = path.split('/');
  for (const [depth, name] of names.entries()) {
    const list = listOf(view, folder);
    const last = depth === names.length - 1;
    const row =
      list.find((each) => each.name === name && (!last || each.ghost?.layer === layer)) ??
      list.find((each) => each.name === name);
    if (row === undefined)
      return (
        found ?? (view.sort === 'name' ? list.find((each) => each.name > name) : undefined) ?? list.at(-1)
      );
    found = row;
    if (last || row.folder === undefined || isFolded(view.folds, row.path)) return row;
    folder = row.folder;
  }
  return found;
}

/** Opens everything above a path, so that its row is shown. */
export function unfoldTo(folds: Folds, path: string): void {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const above = path.slice(0, slash);
    if (isFolded(folds, above)) fold(folds, above, false);
  }
}

export function fold(folds: Folds, path: string, folded: boolean): void {
  if (folds.all === folded) folds.except.delete(path);
  else folds.except.add(path);
}
