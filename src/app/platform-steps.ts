import type { BuildEvent, StepReport } from '../build/build-events.ts';
import type { BuildGraph } from '../build/graph.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';

/** The graph with its platform in the names of stages, and steps that no other platform's build has; as it is where there is one platform. */
export function namePlatform(graph: BuildGraph, platforms: readonly Platform[], at: number): BuildGraph {
  if (platforms.length < 2) return graph;
  const id = (step: string): string => stepId(step, at);
  const platform = formatPlatform(platforms[at]!);
  const nameOf = ({ name, index }: { readonly name: string; readonly index: number }): string =>
    name === String(index) ? platform : `${platform} ${name}`;
  return {
    ...graph,
    output: id(graph.output),
    steps: graph.steps.map((step) => ({
      ...step,
      id: id(step.id),
      parent: step.parent === undefined ? undefined : id(step.parent),
      inputs: step.inputs.map(id),
      stage: { ...step.stage, name: nameOf(step.stage) },
    })),
  };
}

/** The same of reports. */
export function nameSteps(
  steps: readonly StepReport[],
  platforms: readonly Platform[],
  at: number,
): readonly StepReport[] {
  return platforms.length < 2 ? steps : steps.map((report) => ({ ...report, step: stepId(report.step, at) }));
}

/** The same of an event. */
export function nameEvent(event: BuildEvent, platforms: readonly Platform[], at: number): BuildEvent {
  if (platforms.length < 2) return event;
  if (event.kind === 'planned') return { ...event, graph: namePlatform(event.graph, platforms, at) };
  return 'step' in event ? { ...event, step: stepId(event.step, at) } : event;
}

const stepId = (step: string, at: number): string => `p${at}${step}`;
