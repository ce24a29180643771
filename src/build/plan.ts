/**
 * Dockerfile and base images in, graph of steps out. Pure: reads no file, no environment, no clock.
 * @module
 */
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { stagesOf } from '../dockerfile/stages.ts';
import { suggest } from '../dockerfile/suggest.ts';
import type { Image } from '../image/types.ts';
import type { BuildGraph } from './graph.ts';
import { type LaidStage, layOut, type SourceRef } from './plan-layout.ts';
import type { BaseRequest, PlanOptions } from './plan-options.ts';
import { planStage } from './plan-stage.ts';
import { addConfig, type Planner, type StageState } from './plan-state.ts';

/**
 * The images that the reachable stages need, in order of first use, each once. Stages and scratch are none. Given
 * the bases already `known`, also those that their ONBUILD triggers copy from: ask again until nothing is new.
 * @throws DOCKERFILE_… for errors in the text, PLAN_… as planBuild
 */
export function basesOf(
  file: Dockerfile,
  o: PlanOptions,
  known?: ReadonlyMap<string, Image>,
): readonly BaseRequest[] {
  const layout = layOut(file, o, known);
  const requests = new Map<string, BaseRequest>();
  const add = (ref: SourceRef, origin: Range): void => {
    if (ref.kind !== 'image' || requests.has(ref.key)) return;
    const { key, name, platform } = ref;
    const nearStage = suggest(
      name,
      stagesOf(file).stages.flatMap((stage) => stage.name ?? []),
    );
    requests.set(key, { key, name, platform, origin, nearStage });
  };
  for (const laid of layout.stages) {
    add(laid.base, laid.stage.from.image.range);
    for (const job of laid.jobs) {
      for (const { ref, range } of layout.reads(job, laid)) add(ref, range);
    }
  }
  return [...requests.values()];
}

/** What each reachable stage starts from, by its index. @throws as `basesOf` */
export function stageBases(
  file: Dockerfile,
  o: PlanOptions,
  known: ReadonlyMap<string, Image>,
): ReadonlyMap<number, SourceRef> {
  return new Map(layOut(file, o, known).stages.map(({ stage, base }) => [stage.index, base]));
}

/**
 * The graph of everything the target needs: steps in order of the file, inputs first.
 * @throws DOCKERFILE_… for errors in the text, else PLAN_… for stages and sources, else PLAN_… for instructions; each time
 * the first by line, with its place in the Dockerfile
 */
export function planBuild(file: Dockerfile, bases: ReadonlyMap<string, Image>, o: PlanOptions): BuildGraph {
  const layout = layOut(file, o, bases);
  const planner: Planner = { layout, bases, o, steps: [], done: new Map(), sources: new Map() };
  let last: StageState | undefined;
  for (const laid of layout.stages) {
    last = planStage(planner, laid);
    planner.done.set(laid.stage.index, last);
  }
  // The target is the last of the stages that it needs.
  const target = last!;
  addLabels(planner, target, target.laid);
  const warnings = layout.warnings.sort((a, b) => a.range.start.offset - b.range.start.offset);
  return { steps: planner.steps, output: target.last, platform: target.laid.platform, warnings };
}

function addLabels(planner: Planner, state: StageState, laid: LaidStage): void {
  const { labels } = planner.o;
  if (labels === undefined || labels.size === 0) return;
  const origin = laid.jobs.at(-1)?.origin ?? laid.stage.from.range;
  const all = { ...state.config.Labels, ...Object.fromEntries(labels) };
  const Labels = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  const text = `LABEL ${[...labels].map(([name, value]) => `${name}=${value}`).join(' ')}`;
  addConfig(planner, state, { Labels }, { origin, text, createdBy: undefined, implied: true });
}
