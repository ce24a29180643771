import { type Comparison, changeOf, eachGhost, eachName, type Folder, openFolder } from './comparison.ts';
import type { PathTest } from './find-text.ts';

/** Which rows are wanted by what became of them; dive's four toggles. */
export interface Shown {
  readonly added: boolean;
  readonly removed: boolean;
  readonly modified: boolean;
  readonly unmodified: boolean;
}

export const ALL_SHOWN: Shown = { added: true, removed: true, modified: true, unmodified: true };

/** What is to be shown of a comparison, and, once it is made, where there is something of it (`Folder.shownFor`). */
export interface Survey {
  readonly shown: Shown;
  readonly test: PathTest | undefined;
  readonly ghosts: boolean;
  /** Paths that are wanted themselves. */
  matches: number;
}

/** Undefined if everything is shown. */
export function createSurvey(shown: Shown, test: PathTest | undefined, ghosts: boolean): Survey | undefined {
  const { added, removed, modified, unmodified } = shown;
  if (test === undefined && added && removed && modified && unmodified) return undefined;
  return { shown, test, ghosts, matches: 0 };
}

/** True if the path itself is wanted. */
export function isWanted(survey: Survey, change: ReturnType<typeof changeOf>, path: string): boolean {
  return isShown(survey.shown, change) && (survey.test === undefined || survey.test(`/${path}`));
}

function isShown(shown: Shown, change: ReturnType<typeof changeOf>): boolean {
  if (change === 'added') return shown.added;
  if (change === 'removed') return shown.removed;
  if (change === 'same') return shown.unmodified;
  return change === 'hidden' || shown.modified;
}

/** Looks through the comparison piece by piece, each step short, and marks the folders that lead to something wanted. */
export function* survey(comparison: Comparison, wanted: Survey): Generator<void, void> {
  const { numbers } = comparison;
  const stack: Folder[] = [comparison.root];
  let done = 0;
  for (let folder = stack.pop(); folder !== undefined; folder = stack.pop()) {
    const here = folder;
    const prefix = here.path === '' ? '' : `${here.path}/`;
    const visit = (name: string, change: ReturnType<typeof changeOf>, isFolder: boolean): void => {
      done++;
      const matches = isWanted(wanted, change, prefix + name);
      if (matches) {
        wanted.matches++;
        markShown(here, wanted);
      }
      if (!isFolder) return;
      const below = openFolder(here, name, wanted.ghosts);
      if (below === undefined) return;
      if (wanted.test !== undefined || !decidedWhole(wanted, change)) stack.push(below);
      else if (matches) markShown(below, wanted);
    };
    eachName(here, (name, before, after) =>
      visit(name, changeOf(numbers, before, after), typeof before === 'object' || typeof after === 'object'),
    );
    if (wanted.ghosts) {
      eachGhost(comparison, here, (name) => visit(name, 'hidden', false));
      for (const name of here.hidden?.folders.keys() ?? [])
        if (here.before?.children.has(name) !== true && here.after?.children.has(name) !== true)
          visit(name, 'hidden', true);
    }
    if (done > 500) {
      done = 0;
      yield;
    }
  }
}

/** Everything below such a folder is as it is itself: there is nothing to look for. */
const decidedWhole = (wanted: Survey, change: ReturnType<typeof changeOf>): boolean =>
  !wanted.ghosts && (change === 'added' || change === 'removed' || change === 'same');

function markShown(folder: Folder, wanted: Survey): void {
  for (let at: Folder | undefined = folder; at !== undefined && at.shownFor !== wanted; at = at.parent)
    at.shownFor = wanted;
}
