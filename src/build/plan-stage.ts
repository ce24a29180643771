import { never } from '../base/errors.ts';
import type { ArgInstruction, Range } from '../dockerfile/ast.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { givenArg } from './expand-variables.ts';
import type { Op } from './graph.ts';
import { type Change, readChange } from './plan-config.ts';
import { planCopy } from './plan-copy.ts';
import { readHealthcheckConfig } from './plan-healthcheck.ts';
import type { Job, LaidStage } from './plan-layout.ts';
import { planRun } from './plan-run.ts';
import { contextSteps } from './plan-source.ts';
import {
  addConfig,
  addStep,
  envList,
  envMap,
  type Planner,
  pushStep,
  type StageState,
  variablesOf,
} from './plan-state.ts';

/** The PATH of images that set none (spec build.md a.5). */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What is said of a key that FROM itself sets. */
const IMPLIED_NOTES: Readonly<Record<string, string>> = {
  WorkingDir: 'directory /',
  Env: 'default PATH',
  OnBuild: 'triggers used up',
};

/** Plans a stage whose base and sources are planned. @throws PLAN_… */
export function planStage(planner: Planner, laid: LaidStage): StageState {
  const state = startStage(planner, laid);
  for (const job of laid.jobs) {
    state.position++;
    planJob(planner, state, job);
  }
  return state;
}

function startStage(planner: Planner, laid: LaidStage): StageState {
  const { base, stage, platform } = laid;
  const origin = stage.from.range;
  const text = `FROM ${base.kind === 'image' ? base.name : stage.from.image.text}`;
  const place = { laid, position: 1 };
  const first = (op: Op): string =>
    pushStep(planner, place, undefined, { op, origin, text, createdBy: undefined });
  const start = (last: string, config: ContainerConfig): StageState => ({
    ...place,
    args: new Map(),
    env: envMap(config.Env),
    config,
    cmdSet: false,
    last,
  });
  let state: StageState;
  switch (base.kind) {
    case 'scratch':
      state = start(first({ kind: 'scratch', platform }), {});
      break;
    case 'image': {
      const image = planner.bases.get(base.key);
      if (image === undefined) throw planner.layout.fail('PLAN_BASE_MISSING', { name: base.key }, origin);
      state = start(first({ kind: 'base', name: base.key, platform }), image.config.config ?? {});
      break;
    }
    case 'context': {
      const last = contextSteps(planner, place, base, origin);
      state = start(last, {});
      break;
    }
    case 'stage': {
      const before = planner.done.get(base.index)!;
      const last = pushStep(planner, place, before.last, {
        op: { kind: 'note' },
        origin,
        text,
        createdBy: undefined,
      });
      state = { ...start(last, before.config), args: new Map(before.args) };
      break;
    }
    default:
      return never(base);
  }
  const implied = impliedConfig(state, base.kind === 'scratch' || base.kind === 'context');
  if (implied !== undefined) {
    const notes = Object.keys(implied).map((key) => IMPLIED_NOTES[key] ?? key);
    const shown = `${text} (${notes.join(', ')})`;
    addConfig(planner, state, implied, { origin, text: shown, createdBy: undefined, implied: true });
    state.env.clear();
    for (const [name, value] of envMap(state.config.Env)) state.env.set(name, value);
  }
  return state;
}

/** What FROM itself changes: a PATH where there is none, `/` as the directory of scratch, and triggers fire only once. */
function impliedConfig(state: StageState, scratch: boolean): ContainerConfig | undefined {
  const config: { -readonly [K in keyof ContainerConfig]: ContainerConfig[K] } = {};
  if (scratch) config.WorkingDir = '/';
  if (!state.env.has('PATH')) config.Env = [...envList(state.env), `PATH=${DEFAULT_PATH}`];
  if ((state.config.OnBuild ?? []).length > 0) config.OnBuild = undefined;
  return Object.keys(config).length === 0 ? undefined : config;
}

function planJob(planner: Planner, state: StageState, job: Job): void {
  const { instruction, origin } = job;
  switch (instruction.kind) {
    case 'ARG':
      planArg(planner, state, job, instruction);
      break;
    case 'RUN':
      planRun(planner, state, job, instruction);
      break;
    case 'COPY':
    case 'ADD':
      planCopy(planner, state, job, instruction);
      break;
    case 'HEALTHCHECK': {
      const text = `HEALTHCHECK ${instruction.text.text}`;
      const config = { Healthcheck: readHealthcheckConfig(instruction) };
      addConfig(planner, state, config, { origin, text, createdBy: text });
      break;
    }
    case 'FROM':
    case 'UNKNOWN':
      // Layouts hold neither.
      throw new TypeError(`${instruction.kind} inside a stage`);
    default:
      planChange(planner, state, origin, readChange(planner, state, job, instruction));
  }
}

function planChange(planner: Planner, state: StageState, origin: Range, change: Change): void {
  if (change.kind === 'workdir') {
    const { path } = change;
    state.config = { ...state.config, WorkingDir: path };
    const op: Op = { kind: 'workdir', path, user: state.config.User ?? '' };
    const text = `WORKDIR ${path}`;
    addStep(planner, state, { op, origin, text, createdBy: text });
    return;
  }
  const { config, text, author } = change;
  addConfig(planner, state, config, {
    origin,
    text,
    createdBy: text,
    ...(author !== undefined && { author }),
  });
}

function planArg(planner: Planner, state: StageState, job: Job, instruction: ArgInstruction): void {
  const { layout, o } = planner;
  const shown: string[] = [];
  for (const pair of instruction.pairs) {
    const variables = variablesOf(state);
    const name = layout.expander.text(pair.name, variables);
    // A default that is not used is not even evaluated.
    const value =
      givenArg(o, name) ??
      (pair.value === undefined ? layout.globals.get(name) : layout.expander.text(pair.value, variables));
    if (value !== undefined || !state.args.has(name)) state.args.set(name, value);
    shown.push(value === undefined ? name : `${name}=${value}`);
  }
  const text = `ARG ${shown.join(' ')}`;
  addStep(planner, state, { op: { kind: 'note' }, origin: job.origin, text, createdBy: text });
}
