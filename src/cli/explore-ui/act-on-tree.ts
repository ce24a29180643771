import type { Acting } from './acting.ts';
import type { Row } from './comparison.ts';
import type { Action } from './key-table.ts';
import { filterAnew, listAnew } from './list-anew.ts';
import { nextHidden, searchRows } from './search-rows.ts';
import { goTo, type State, showView } from './state.ts';
import { extractable, openStored } from './stored-file.ts';
import {
  firstRow,
  fold,
  isFolded,
  lastRow,
  nextRow,
  parentRow,
  previousRow,
  type SortBy,
} from './tree-view.ts';

/** Keys of the files' pane, and those that mean its files everywhere; false if the layers' pane has this one. */
export function actOnTree(acting: Acting, action: Action): boolean {
  const { s } = acting;
  if (actOnFiles(acting, action)) return true;
  if (s.pane !== 'tree') return false;
  if (!move(s, action) && !change(acting, action)) actOnRow(acting, action);
  return true;
}

/** Keys that mean files in both panes. */
function actOnFiles(acting: Acting, action: Action): boolean {
  const { s } = acting;
  if (action === 'search-next' || action === 'search-previous') {
    if (s.wanted === '') s.message = '/ asks for the text to look for';
    else searchRows(acting, action === 'search-previous');
  } else if (action === 'next-hidden') nextHidden(acting);
  else if (action === 'ghosts') {
    s.ghosts = !s.ghosts;
    s.message = s.ghosts ? 'what is shipped but not visible is shown' : undefined;
    listAnew(acting);
  } else return false;
  return true;
}

function move(s: State, action: Action): boolean {
  const { view, cursor } = s;
  const step = (count: number, of: typeof nextRow): Row | undefined => {
    let row = cursor;
    for (let i = 0; i < count && row !== undefined; i++) row = of(view, row) ?? row;
    return row;
  };
  const page = Math.max(1, s.treeRows - 1);
  if (action === 'down') goTo(s, step(1, nextRow), 'bottom');
  else if (action === 'up') goTo(s, step(1, previousRow), 'top');
  else if (action === 'page-down') goTo(s, step(page, nextRow), 'bottom');
  else if (action === 'page-up') goTo(s, step(page, previousRow), 'top');
  else if (action === 'first') goTo(s, firstRow(view), 'top');
  else if (action === 'last') goTo(s, lastRow(view), 'bottom');
  else return false;
  return true;
}

const SORTS: readonly SortBy[] = ['name', 'size', 'hidden'];

/** Keys that change what is shown, or how. */
function change(acting: Acting, action: Action): boolean {
  const { s } = acting;
  if (action === 'added' || action === 'removed' || action === 'modified' || action === 'unmodified') {
    s.shown = { ...s.shown, [action]: !s.shown[action] };
    s.message = `${action} files are ${s.shown[action] ? 'shown' : 'left out'}`;
    filterAnew(acting);
  } else if (action === 'attributes') s.attributes = !s.attributes;
  else if (action === 'wrap') s.wrap = !s.wrap;
  else if (action === 'sort') {
    s.sort = SORTS[(SORTS.indexOf(s.sort) + 1) % SORTS.length]!;
    s.message = s.sort === 'hidden' ? 'sorted by hidden bytes' : `sorted by ${s.sort}`;
    listAnew(acting);
    goTo(s, firstRow(s.view), 'top');
  } else if (action === 'fold-all') {
    s.folds.all = !s.folds.all;
    s.folds.except.clear();
    showView(s, { ...s.view });
  } else return false;
  return true;
}

/** Keys that mean the row under the cursor. */
function actOnRow(acting: Acting, action: Action): void {
  const { s } = acting;
  const row = s.cursor;
  if (row === undefined) return;
  const folded = row.folder !== undefined && isFolded(s.folds, row.path);
  if (action === 'parent') goTo(s, parentRow(row), 'top');
  else if (action === 'fold') {
    if (row.folder !== undefined) fold(s.folds, row.path, !folded);
    else s.message = 'only directories fold';
  } else if (action === 'open' && row.folder !== undefined) {
    if (folded) fold(s.folds, row.path, false);
    else if (s.view.comparison.root !== row.folder) goTo(s, insideOf(s, row), 'bottom');
  } else if (action === 'open' || action === 'view') void openStored(acting, row);
  else if (action === 'extract') askWhere(s, row);
}

/** The first row below a directory; itself if there is none. */
function insideOf(s: State, row: Row): Row {
  const next = nextRow(s.view, row);
  return next !== undefined && next.parent === row.folder ? next : row;
}

function askWhere(s: State, row: Row): void {
  const file = extractable(s.subject, s.view, row);
  if (typeof file === 'string') s.message = file;
  else s.question = { kind: 'extract', text: row.name };
}
