import type { BuildEvent } from '../../build/build-events.ts';
import type { BuildView } from './plain-view.ts';

/** The view without the steps that no line of the Dockerfile stands for (a default PATH, an image that COPY --from names), unless one fails. */
export function hideImplied(view: BuildView): BuildView {
  let implied: ReadonlySet<string> = new Set();
  return {
    ...view,
    show(event: BuildEvent) {
      if (event.kind === 'planned') {
        implied = new Set(event.graph.steps.filter((step) => step.implied).map(({ id }) => id));
      }
      if (event.kind !== 'failed' && 'step' in event && implied.has(event.step)) return;
      view.show(event);
    },
  };
}
