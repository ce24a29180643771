/**
 * The step cache in another store: `--cache-to` and `--cache-from` with `type=local` (build.md a.11). Such a folder is an OCI layout with the images of steps,
 * and a root for each step as in the store itself, so that a build elsewhere finds them by the same keys.
 */
import type { CallOptions } from '../base/options.ts';
import type { Descriptor } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { copy } from '../store/copy.ts';
import type { StepReport } from './build-events.ts';
import type { BuildGraph, StepId } from './graph.ts';
import { isStepRecord, STEP_KIND } from './step-cache.ts';

/** Brings the step kept under `id` over from the first of the caches that has it, with its image and layers; false if none has. What a cache says is believed as the store's own roots are; every byte is checked against its digest. */
export async function borrowStep(
  store: LocalStore,
  caches: readonly LocalStore[],
  id: string,
  o: CallOptions,
): Promise<boolean> {
  for (const cache of caches) {
    const root = await cache.roots.get(STEP_KIND, id, o);
    const [target] = root?.targets ?? [];
    if (root === undefined || target === undefined || !isStepRecord(store, root.data)) continue;
    if (!(await cache.has(target, o))) continue;
    await copy(cache, store, target, o);
    await store.roots.put({ kind: STEP_KIND, id, targets: [bare(target)], data: root.data }, o);
    return true;
  }
  return false;
}

/**
 * Writes the steps of a build to a cache: with `min` those that its image consists of, with `max` those of all its stages. What the cache holds already stays; how many steps it holds of this build is returned.
 * @throws errors of the stores
 */
export async function lendSteps(
  store: LocalStore,
  cache: LocalStore,
  build: { readonly graph: BuildGraph; readonly steps: readonly StepReport[] },
  mode: 'min' | 'max',
  o: CallOptions,
): Promise<number> {
  let count = 0;
  for (const ids of lendable(build, mode)) {
    for (const id of ids) {
      const root = await store.roots.get(STEP_KIND, id, o);
      const [target] = root?.targets ?? [];
      if (root === undefined || target === undefined || !(await store.has(target, o))) continue;
      await copy(store, cache, target, o);
      await cache.roots.put({ kind: STEP_KIND, id, targets: [bare(target)], data: root.data }, o);
      count++;
    }
  }
  return count;
}

/** Under what the steps of a build are kept that a cache is to hold, step by step. */
export function lendable(
  { graph, steps }: { readonly graph: BuildGraph; readonly steps: readonly StepReport[] },
  mode: 'min' | 'max',
): readonly (readonly string[])[] {
  const wanted = mode === 'max' ? undefined : stepsOf(graph);
  return steps.flatMap(({ step, keptAs }) => (wanted === undefined || wanted.has(step) ? [keptAs] : []));
}

/** The steps from the output down to where its stages begin. */
function stepsOf(graph: BuildGraph): ReadonlySet<StepId> {
  const parents = new Map(graph.steps.map(({ id, parent }) => [id, parent]));
  const found = new Set<StepId>();
  for (let at: StepId | undefined = graph.output; at !== undefined; at = parents.get(at)) found.add(at);
  return found;
}

const bare = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });
