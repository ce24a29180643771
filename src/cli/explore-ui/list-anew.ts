import type { HiddenFile } from '../../explore/types.ts';
import type { Acting } from './acting.ts';
import { changeOf, inodeOfRow, type Row } from './comparison.ts';
import { pathTest } from './find-text.ts';
import { goTo, type State, showView } from './state.ts';
import { createSurvey, isWanted, type Survey, survey } from './survey.ts';
import { findRow, firstRow, listOf, nextRow, unfoldTo } from './tree-view.ts';

/** Lists the same comparison again, with the sort and the hidden files that are wanted now. */
export function listAnew(acting: Acting): void {
  const { s } = acting;
  const { sort, ghosts } = s;
  const changed = ghosts !== s.view.ghosts;
  showView(s, { ...s.view, sort, ghosts });
  if (changed) filterAnew(acting);
}

/** Looks for what the filter and the toggles want; shown when it is found. */
export function filterAnew(acting: Acting): void {
  const { s } = acting;
  const test = pathTest(s.filter);
  if (typeof test === 'string') {
    if (s.question !== undefined) s.question.problem = test;
    return;
  }
  if (s.question !== undefined) s.question.problem = undefined;
  const wanted = createSurvey(s.shown, test, s.ghosts);
  s.filtering = wanted;
  if (wanted === undefined) {
    acting.begin('survey', undefined);
    if (s.view.survey !== undefined) showView(s, { ...s.view, survey: undefined });
    return;
  }
  const { comparison } = s.view;
  acting.begin('survey', {
    steps: survey(comparison, wanted),
    done: () => {
      s.filtering = undefined;
      showView(s, { ...s.view, survey: wanted });
      if (wanted.test !== undefined) goToMatch(s, wanted);
    },
  });
}

/** Rows that are looked at for the first that matches. */
const MOST_LOOKED_AT = 2000;

/** Puts the cursor on a path that is wanted itself, not for what is below it. */
function goToMatch(s: State, wanted: Survey): void {
  const { view, cursor } = s;
  const matches = (row: Row): boolean =>
    isWanted(wanted, changeOf(view.comparison.numbers, row.before, row.after), row.path);
  if (cursor === undefined || matches(cursor)) return;
  let row = firstRow(view);
  for (let count = 0; row !== undefined && count < MOST_LOOKED_AT; count++) {
    if (matches(row)) {
      s.top = firstRow(view);
      goTo(s, row, 'middle');
      return;
    }
    row = nextRow(view, row);
  }
}

/** The row of a hidden file, with older versions listed if it is one. */
export function rowOfHidden(acting: Acting, file: HiddenFile): Row | undefined {
  const { s } = acting;
  unfoldTo(s.folds, file.path);
  const isIt = (row: Row): boolean =>
    row.path === file.path && (row.ghost?.layer ?? inodeOfRow(s.view.comparison, row)?.layer) === file.layer;
  const found = (): Row | undefined => {
    // Of several versions of one path each has a row.
    const parent = findRow(s.view, file.path, file.layer)?.parent;
    return parent === undefined ? undefined : listOf(s.view, parent).find(isIt);
  };
  const row = found();
  if (row !== undefined || s.ghosts) return row;
  s.ghosts = true;
  s.message = 'what is shipped but not visible is shown: i leaves it out';
  listAnew(acting);
  return found();
}
