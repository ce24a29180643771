import type { Acting } from './acting.ts';
import type { Action } from './key-table.ts';
import { filterAnew } from './list-anew.ts';
import { comparedLayers, createView, type State, showView } from './state.ts';

/** Keys of the layers' pane. The top of the image is on top, so down is to the layers below. */
export function actOnLayers(acting: Acting, action: Action): void {
  const { s } = acting;
  const before = comparedLayers(s);
  const most = Math.max(0, s.subject.trees.length - 1);
  const go = (layer: number): void => {
    s.layer = Math.min(most, Math.max(0, layer));
  };
  const page = Math.max(1, Math.floor(s.treeRows / 2));
  if (action === 'down') go(s.layer - 1);
  else if (action === 'up') go(s.layer + 1);
  else if (action === 'page-down') go(s.layer - page);
  else if (action === 'page-up') go(s.layer + page);
  else if (action === 'first') go(most);
  else if (action === 'last') go(0);
  else if (action === 'into') s.pane = 'tree';
  else if (action === 'escape') s.marks = [];
  else if (action === 'mark') mark(s);
  else if (action === 'this-layer' || action === 'aggregated') {
    s.aggregated = action === 'aggregated';
    s.marks = [];
  }
  const after = comparedLayers(s);
  if (before.from === after.from && before.to === after.to) return;
  const { sort, ghosts, folds } = s;
  showView(s, createView(s.subject, s, { sort, ghosts, folds }));
  filterAnew(acting);
}

/** A third mark begins anew. */
function mark(s: State): void {
  if (s.marks.includes(s.layer)) s.marks = s.marks.filter((layer) => layer !== s.layer);
  else if (s.marks.length === 2) s.marks = [s.layer];
  else s.marks = [...s.marks, s.layer].sort((a, b) => a - b);
  if (s.marks.length === 1) s.message = `layer ${s.marks[0]} is marked: m on another layer compares the two`;
}
