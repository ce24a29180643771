import type { Range } from '../dockerfile/ast.ts';
import type { Image } from '../image/types.ts';
import type { ContainerConfig } from '../oci/types.ts';
import type { Op, Step, StepId } from './graph.ts';
import type { LaidStage, Layout } from './plan-layout.ts';
import type { PlanOptions } from './plan-options.ts';

/** What one planning shares: the steps made so far, and what they are made from. */
export interface Planner {
  readonly layout: Layout;
  readonly bases: ReadonlyMap<string, Image>;
  readonly o: PlanOptions;
  readonly steps: Step[];
  /** Stages already planned, by index. */
  readonly done: Map<number, StageState>;
  /** Base steps that serve COPY --from, by key. */
  readonly sources: Map<string, StepId>;
}

/** A stage while its instructions are walked. */
export interface StageState {
  readonly laid: LaidStage;
  /** Declared ARGs in order of first declaration; undefined: declared without a value. */
  readonly args: Map<string, string | undefined>;
  /** The image's Env as a map, in order. */
  readonly env: Map<string, string>;
  config: ContainerConfig;
  /** A CMD stands in this very stage: ENTRYPOINT then leaves it alone. */
  cmdSet: boolean;
  /** The step that made the state so far. */
  last: StepId;
  /** Position of the instruction being planned, from 1. */
  position: number;
}

/** What a step is beside its place. */
export interface NewStep {
  readonly op: Op;
  readonly origin: Range;
  readonly text: string;
  readonly createdBy: string | undefined;
  /** Further steps it reads. */
  readonly reads?: readonly StepId[];
  readonly implied?: true;
}

/** Adds a step upon the stage's last one, and makes it the last. */
export function addStep(planner: Planner, state: StageState, step: NewStep): void {
  state.last = pushStep(planner, state, state.last, step);
}

/** Adds a step upon any parent, or none; the stage stays where it is. */
export function pushStep(
  planner: Planner,
  state: Pick<StageState, 'laid' | 'position'>,
  parent: StepId | undefined,
  { op, origin, text, createdBy, reads = [], implied }: NewStep,
): StepId {
  const id = `s${planner.steps.length}`;
  const { stage, jobs } = state.laid;
  planner.steps.push({
    id,
    op,
    parent,
    inputs: [...new Set([...(parent === undefined ? [] : [parent]), ...reads])],
    origin,
    text,
    stage: {
      name: stage.name ?? String(stage.index),
      index: stage.index,
      step: state.position,
      steps: jobs.length + 1,
    },
    createdBy,
    ...(implied && { implied }),
  });
  return id;
}

/** Changes the configuration, in the state and by a step. */
export function addConfig(
  planner: Planner,
  state: StageState,
  config: ContainerConfig,
  step: Omit<NewStep, 'op'> & { readonly author?: string },
): void {
  const { author, ...rest } = step;
  state.config = { ...state.config, ...config };
  addStep(planner, state, {
    ...rest,
    op: { kind: 'config', config, ...(author !== undefined && { author }) },
  });
}

/** All variables that an instruction sees: ENV wins over ARG. */
export function variablesOf(state: StageState): Map<string, string> {
  const all = new Map<string, string>();
  for (const [name, value] of state.args) if (value !== undefined) all.set(name, value);
  for (const [name, value] of state.env) all.set(name, value);
  return all;
}

/** Env entries as a map; a later one of the same name wins, at the place of the first. */
export function envMap(entries: readonly string[] | undefined): Map<string, string> {
  const env = new Map<string, string>();
  for (const entry of entries ?? []) {
    const cut = entry.indexOf('=');
    if (cut < 0) env.set(entry, '');
    else env.set(entry.slice(0, cut), entry.slice(cut + 1));
  }
  return env;
}

/** A map as Env entries. */
export function envList(env: ReadonlyMap<string, string>): string[] {
  return [...env].map(([name, value]) => `${name}=${value}`);
}

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** The shell of shell forms at this point. */
export function shellOf(config: ContainerConfig): readonly string[] {
  return config.Shell !== undefined && config.Shell.length > 0 ? config.Shell : DEFAULT_SHELL;
}
