import type { OpenExploration } from '../../explore/explore-image.ts';
import type { StackNumbers } from '../../explore/stack-numbers.ts';
import type { Exploration } from '../../explore/types.ts';
import { emptyTree } from '../../layer/apply-layer.ts';
import type { FileTree, LayerIndex } from '../../layer/types.ts';
import { compareTrees, type Row } from './comparison.ts';
import type { FileText } from './file-text.ts';
import { type HiddenFolder, hiddenFolders } from './hidden-below.ts';
import { ALL_SHOWN, type Shown, type Survey } from './survey.ts';
import { createTotals, type Totals } from './totals.ts';
import { type Folds, findRow, firstRow, type SortBy, type TreeView } from './tree-view.ts';

/** What is explored; never changes. */
export interface Subject {
  readonly name: string;
  readonly report: Exploration;
  readonly indexes: readonly LayerIndex[];
  /** The tree after each layer, base first. */
  readonly trees: readonly FileTree[];
  readonly numbers: StackNumbers;
  /** Names that the image has for each regular file, by number; 0: hidden. */
  readonly names: Uint32Array;
  readonly hidden: HiddenFolder;
  readonly totals: Totals;
}

export function createSubject(name: string, explored: OpenExploration): Subject {
  const { report, indexes, trees, study } = explored;
  const { numbers, names } = study;
  const hidden = hiddenFolders(report.hiddenFiles);
  return { name, report, indexes, trees, numbers, names, hidden, totals: createTotals(study) };
}

/** A question on the line above the keys. */
export interface Question {
  readonly kind: 'filter' | 'search' | 'extract';
  text: string;
  /** What is wrong with the answer. */
  problem?: string | undefined;
}

export interface Viewer {
  readonly file: FileText;
  hex: boolean;
  /** First line and column on the screen. */
  top: number;
  left: number;
  wanted: string;
}

/** Where the cursor goes on the screen if it is not there: to an edge, or after a jump into the middle. */
export type Arrival = 'top' | 'bottom' | 'middle';

/** All that a screen is drawn from. */
export interface State {
  readonly subject: Subject;
  pane: 'layers' | 'tree';
  layer: number;
  aggregated: boolean;
  /** Layers marked for comparison, at most two, lower first. */
  marks: readonly number[];
  shown: Shown;
  ghosts: boolean;
  attributes: boolean;
  wrap: boolean;
  sort: SortBy;
  readonly folds: Folds;
  filter: string;
  /** Being made for the filter as it is now. */
  filtering: Survey | undefined;
  wanted: string;
  view: TreeView;
  cursor: Row | undefined;
  top: Row | undefined;
  arrival: Arrival;
  question: Question | undefined;
  viewer: Viewer | undefined;
  /** First row of the help, if it is shown. */
  help: number | undefined;
  /** One sentence, until the next key. */
  message: string | undefined;
  /** Something goes on that takes longer. */
  busy: string | undefined;
  /** Rows of the tree and lines of the viewer on the last screen. */
  treeRows: number;
  viewerRows: number;
}

export function createState(subject: Subject): State {
  const folds: Folds = { all: false, except: new Set() };
  const layer = Math.max(0, subject.trees.length - 1);
  const view = createView(
    subject,
    { layer, aggregated: false, marks: [] },
    { sort: 'name', ghosts: false, folds },
  );
  const first = firstRow(view);
  return {
    subject,
    pane: 'layers',
    layer,
    aggregated: false,
    marks: [],
    shown: ALL_SHOWN,
    ghosts: false,
    attributes: true,
    wrap: false,
    sort: 'name',
    folds,
    filter: '',
    filtering: undefined,
    wanted: '',
    view,
    cursor: first,
    top: first,
    arrival: 'top',
    question: undefined,
    viewer: undefined,
    help: undefined,
    message: undefined,
    busy: undefined,
    treeRows: 1,
    viewerRows: 1,
  };
}

/** The layers between which the files are compared; `from` undefined is nothing at all. */
export function comparedLayers(s: Pick<State, 'layer' | 'aggregated' | 'marks'>): {
  readonly from: number | undefined;
  readonly to: number;
} {
  const [low, high] = s.marks;
  if (low !== undefined && high !== undefined) return { from: low, to: high };
  if (s.layer === 0) return { from: undefined, to: 0 };
  return { from: s.aggregated ? 0 : s.layer - 1, to: s.layer };
}

export function createView(
  subject: Subject,
  of: Pick<State, 'layer' | 'aggregated' | 'marks'>,
  how: Pick<TreeView, 'sort' | 'ghosts' | 'folds'>,
): TreeView {
  const layers = comparedLayers(of);
  const { from, to } = layers;
  const before = from === undefined ? emptyTree() : subject.trees[from]!;
  const comparison = compareTrees(before, subject.trees[to] ?? emptyTree(), layers, subject);
  return { ...how, comparison, survey: undefined, totals: subject.totals };
}

/** Shows another view; the cursor stays on its path, or as near as there is one. */
export function showView(s: State, view: TreeView): void {
  const { cursor, top } = s;
  s.view = view;
  s.cursor = cursor === undefined ? firstRow(view) : findRow(view, cursor.path, cursor.ghost?.layer);
  s.cursor ??= firstRow(view);
  s.top = top === undefined ? s.cursor : findRow(view, top.path, top.ghost?.layer);
  s.arrival = 'middle';
}

/** Puts the cursor on a row. */
export function goTo(s: State, row: Row | undefined, arrival: Arrival): void {
  if (row === undefined) return;
  s.cursor = row;
  s.arrival = arrival;
}
