import type { Range } from '../dockerfile/ast.ts';
import type { SourcePlace, StepId } from './graph.ts';
import type { SourceRef } from './plan-layout.ts';
import { type Planner, pushStep, type StageState } from './plan-state.ts';

/** Where a COPY or a mount reads, and the steps that must be done before; an image gets a step of its own, once. @throws PLAN_BASE_MISSING */
export function planSource(
  planner: Planner,
  state: StageState,
  ref: SourceRef | undefined,
  origin: Range,
): [SourcePlace, StepId[]] {
  if (ref === undefined || ref.kind === 'scratch') return [{ kind: 'context' }, []];
  if (ref.kind === 'stage') {
    const step = planner.done.get(ref.index)!.last;
    return [{ kind: 'step', step }, [step]];
  }
  const { key, platform } = ref;
  const known = planner.sources.get(key);
  if (known !== undefined) return [{ kind: 'step', step: known }, [known]];
  if (!planner.bases.has(key)) throw planner.layout.fail('PLAN_BASE_MISSING', { name: key }, origin);
  const step = pushStep(planner, state, undefined, {
    op: { kind: 'base', name: key, platform },
    origin,
    text: `FROM ${key}`,
    createdBy: undefined,
    implied: true,
  });
  planner.sources.set(key, step);
  return [{ kind: 'step', step }, [step]];
}
