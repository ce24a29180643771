import type { Step, StepId } from '../../build/graph.ts';
import { safeText } from './safe-text.ts';

export interface StepLabel {
  /** `#3`, by the order of the graph; an implied step has that of the step before it. */
  readonly number: number;
  /** `[build 2/5] RUN gcc …` */
  readonly text: string;
}

/** What a label is made of: of a graph, or of a record of one. */
type Labelled = Pick<Step, 'id' | 'stage' | 'text'> & { readonly implied?: boolean | undefined };

/** How each step is called in the output. The stage is named where there is more than one. */
export function stepLabels(graph: { readonly steps: readonly Labelled[] }): ReadonlyMap<StepId, StepLabel> {
  // A name with a slash holds a platform: no stage is called so.
  const severalStages =
    new Set(graph.steps.map(({ stage }) => stage.index)).size > 1 ||
    graph.steps.some(({ stage }) => stage.name.includes('/'));
  let number = 0;
  return new Map(
    graph.steps.map((step) => [
      step.id,
      { number: step.implied ? number : ++number, text: labelText(step, severalStages) },
    ]),
  );
}

function labelText({ stage, text }: Labelled, severalStages: boolean): string {
  const where = `${stage.step}/${stage.steps}`;
  return `[${severalStages ? `${stage.name} ` : ''}${where}] ${safeText(text.split('\n', 1)[0] ?? '')}`;
}
