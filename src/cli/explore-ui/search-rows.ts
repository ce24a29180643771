import type { HiddenFile } from '../../explore/types.ts';
import type { Acting } from './acting.ts';
import { inodeOfRow, type Row } from './comparison.ts';
import { pathTest } from './find-text.ts';
import { rowOfHidden } from './list-anew.ts';
import { goTo, type Subject } from './state.ts';
import { firstRow, lastRow, nextRow, OPEN, previousRow, unfoldTo } from './tree-view.ts';

/** Rows that are looked at in one go. */
const STEP_ROWS = 1000;

/** Goes to the next row, or the one before, whose path has the text that is looked for, also in folded directories; from the end on at the beginning. */
export function searchRows(acting: Acting, backwards: boolean): void {
  const { s } = acting;
  const test = pathTest(s.wanted);
  if (test === undefined || typeof test === 'string') {
    s.message = test;
    return;
  }
  const { view } = s;
  const edge = backwards ? lastRow : firstRow;
  const walk = backwards ? previousRow : nextRow;
  let found: Row | undefined;
  let turned = false;
  const steps = (function* () {
    let row = s.cursor && walk(view, s.cursor, OPEN);
    const start = s.cursor;
    for (let count = 1; ; count++) {
      if (row === undefined) {
        if (turned) return;
        turned = true;
        row = edge(view, OPEN);
        if (row === undefined) return;
      }
      if (test(`/${row.path}`)) {
        found = row;
        return;
      }
      if (turned && row === start) return;
      row = walk(view, row, OPEN);
      if (count % STEP_ROWS === 0) yield;
    }
  })();
  const wanted = s.wanted;
  s.busy = `looking for ${wanted} …`;
  acting.begin('search', {
    steps,
    done() {
      s.busy = undefined;
      // Another comparison is shown by now: its rows are others.
      if (s.view !== view) return;
      if (found === undefined) s.message = `no path has ${wanted}`;
      else {
        unfoldTo(s.folds, found.path);
        goTo(s, found, 'middle');
        if (turned) s.message = backwards ? 'from the end on' : 'from the beginning on';
      }
    },
  });
}

/** A hidden file with what it is sorted by. */
interface KeyedFile {
  readonly file: HiddenFile;
  readonly key: string;
}
const sorted = new WeakMap<Subject, readonly KeyedFile[]>();

/** In the order of a tree that is sorted by name; versions of one path from the lowest layer on, behind what hides them. */
function hiddenInOrder(subject: Subject): readonly KeyedFile[] {
  const known = sorted.get(subject);
  if (known !== undefined) return known;
  const files = subject.report.hiddenFiles.map((file) => ({ file, key: orderKey(file.path) }));
  files.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.file.layer - b.file.layer));
  sorted.set(subject, files);
  return files;
}

/** So that what is in a directory comes before names that go on with a sign below the slash. */
const orderKey = (path: string): string => path.replaceAll('/', '\0');

/** Goes to the next file that is stored up to the layer shown and that nobody sees in the image. */
export function nextHidden(acting: Acting): void {
  const { s } = acting;
  const files = hiddenInOrder(s.subject);
  const top = s.view.comparison.layers.to;
  const isThere = ({ file }: KeyedFile): boolean => file.layer <= top;
  const first = files.findIndex(isThere);
  if (first < 0) {
    s.message = 'no file up to this layer is shipped and hidden';
    return;
  }
  s.pane = 'tree';
  const here = s.cursor;
  const key = here === undefined ? '' : orderKey(here.path);
  // Of several versions of one path the cursor is on one.
  const inode = here === undefined ? undefined : inodeOfRow(s.view.comparison, here);
  const layer = here?.ghost?.layer ?? inode?.layer ?? -1;
  let next = firstBeyond(files, key, layer);
  while (next < files.length && !isThere(files[next]!)) next++;
  if (next === files.length) s.message = 'from the beginning on';
  goTo(s, rowOfHidden(acting, (files[next] ?? files[first]!).file), 'middle');
}

/** Where the first one behind this place is; their number if there is none. */
function firstBeyond(files: readonly KeyedFile[], key: string, layer: number): number {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = files[middle]!;
    if (at.key > key || (at.key === key && at.file.layer > layer)) high = middle;
    else low = middle + 1;
  }
  return low;
}
