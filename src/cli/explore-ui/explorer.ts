/**
 * The explorer without its terminal: keys change the state, a canvas is drawn from it, and what takes long is done piece by piece in between.
 * @module
 */
import { treeParts } from '../../layer/file-tree.ts';
import { actOnLayers } from './act-on-layers.ts';
import { actOnTree } from './act-on-tree.ts';
import { actOnViewer } from './act-on-viewer.ts';
import type { Acting, Job, World } from './acting.ts';
import { answerQuestion } from './answer-question.ts';
import type { Canvas } from './canvas.ts';
import { drawScreen } from './draw-screen.ts';
import { type Action, actionOf } from './key-table.ts';
import { filterAnew } from './list-anew.ts';
import type { Typed } from './read-keys.ts';
import { createState, type State, type Subject } from './state.ts';

export interface Explorer {
  readonly state: State;
  press(typed: Typed): void;
  draw(canvas: Canvas): void;
  /** Goes on with what takes long, for about so many milliseconds; true if there is more to do. */
  work(milliseconds: number): boolean;
}

/** Longest that a key waits for what the one before it began. */
const AHEAD_MS = 6;

export function createExplorer(subject: Subject, world: World): Explorer {
  const s = createState(subject);
  const jobs = new Map<string, Job>();
  const acting: Acting = {
    s,
    world,
    begin(reason, job) {
      jobs.delete(reason);
      if (job !== undefined) jobs.set(reason, job);
    },
  };
  let counted: unknown;
  const countTotals = (): void => {
    const { comparison } = s.view;
    if (counted === comparison) return;
    counted = comparison;
    const steps = (function* () {
      yield* subject.totals.count(treeParts(comparison.after).root);
      yield* subject.totals.count(treeParts(comparison.before).root);
    })();
    acting.begin('totals', { steps, done: () => {} });
  };
  countTotals();
  const work = (milliseconds: number): boolean => {
    const until = performance.now() + milliseconds;
    for (const [reason, job] of jobs) {
      while (performance.now() < until) {
        if (job.steps.next().done !== true) continue;
        if (jobs.get(reason) === job) jobs.delete(reason);
        job.done();
        world.changed();
        break;
      }
    }
    return jobs.size > 0;
  };

  return {
    state: s,
    press(typed) {
      // Who types ahead means what the last key will have shown.
      work(AHEAD_MS);
      s.message = undefined;
      if (s.question !== undefined) {
        answerQuestion(acting, typed);
      } else if ('key' in typed) {
        pressKey(acting, typed.key);
      }
      countTotals();
    },
    draw: (canvas) => drawScreen(s, canvas),
    work,
  };
}

function pressKey(acting: Acting, key: string): void {
  const { s } = acting;
  if (s.help !== undefined) {
    pressInHelp(acting, key);
    return;
  }
  const place = s.viewer === undefined ? s.pane : 'viewer';
  const action = actionOf(key, place);
  if (action === undefined) return;
  if (actEverywhere(acting, action)) return;
  if (s.viewer !== undefined) actOnViewer(acting, s.viewer, action);
  else if (!actOnTree(acting, action)) actOnLayers(acting, action);
}

function pressInHelp({ s, world }: Acting, key: string): void {
  const top = s.help!;
  const action = actionOf(key, 'tree');
  if (key === 'ctrl+c') world.quit();
  else if (action === 'suspend') world.suspend();
  else if (action === 'down') s.help = top + 1;
  else if (action === 'up') s.help = Math.max(0, top - 1);
  else if (action === 'page-down') s.help = top + Math.max(1, s.viewerRows - 1);
  else if (action === 'page-up') s.help = Math.max(0, top - Math.max(1, s.viewerRows - 1));
  else if (action === 'first') s.help = 0;
  else if (action === 'last') s.help = Number.MAX_SAFE_INTEGER;
  else s.help = undefined;
}

/** True if that was it. */
function actEverywhere(acting: Acting, action: Action): boolean {
  const { s, world } = acting;
  switch (action) {
    case 'quit':
      world.quit();
      return true;
    case 'suspend':
      world.suspend();
      return true;
    case 'redraw':
      world.redraw();
      return true;
    case 'help':
      s.help = 0;
      return true;
    case 'other-pane':
      s.pane = s.pane === 'layers' ? 'tree' : 'layers';
      return true;
    case 'filter':
      s.question = { kind: 'filter', text: s.filter };
      return true;
    case 'search':
      s.question = { kind: 'search', text: '' };
      return true;
    case 'escape':
      if (s.filter !== '') {
        s.filter = '';
        filterAnew(acting);
      } else if (s.marks.length > 0) actOnLayers(acting, 'escape');
      return true;
    default:
      return false;
  }
}
