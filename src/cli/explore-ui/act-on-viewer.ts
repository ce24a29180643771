import type { Acting } from './acting.ts';
import { findLine, lineCount } from './file-text.ts';
import type { Action } from './key-table.ts';
import type { Viewer } from './state.ts';

/** Columns that one step to the side moves. */
const SIDE_STEP = 8;

/** Keys while a file is shown. */
export function actOnViewer(acting: Acting, viewer: Viewer, action: Action): void {
  const { s } = acting;
  const page = Math.max(1, s.viewerRows - 1);
  const most = Math.max(0, lineCount(viewer.file, viewer.hex) - s.viewerRows);
  const go = (top: number): void => {
    viewer.top = Math.min(most, Math.max(0, top));
  };
  if (action === 'viewer-close') s.viewer = undefined;
  else if (action === 'viewer-down') go(viewer.top + 1);
  else if (action === 'viewer-up') go(viewer.top - 1);
  else if (action === 'viewer-page-down') go(viewer.top + page);
  else if (action === 'viewer-page-up') go(viewer.top - page);
  else if (action === 'viewer-first') go(0);
  else if (action === 'viewer-last') go(most);
  else if (action === 'viewer-right') viewer.left += SIDE_STEP;
  else if (action === 'viewer-left') {
    if (viewer.left === 0) s.viewer = undefined;
    else viewer.left -= SIDE_STEP;
  } else if (action === 'viewer-hex') {
    viewer.hex = !viewer.hex;
    viewer.top = 0;
    viewer.left = 0;
  } else if (action === 'search-next' || action === 'search-previous') {
    if (viewer.wanted === '') s.message = '/ asks for the text to look for';
    else searchFile(acting, viewer, action === 'search-previous', viewer.top + 1);
  }
}

/** Goes to the next line from `from` on, or the one before the first, that has the text. */
export function searchFile({ s }: Acting, viewer: Viewer, backwards: boolean, from: number): void {
  const { file, hex, wanted } = viewer;
  let line = findLine(file, hex, wanted, backwards ? viewer.top : from, backwards);
  if (line === undefined) {
    line = findLine(file, hex, wanted, backwards ? lineCount(file, hex) : 0, backwards);
    if (line === undefined) {
      s.message = `${wanted} is not in what is shown of it`;
      return;
    }
    s.message = backwards ? 'from the end on' : 'from the beginning on';
  }
  viewer.top = line;
}
