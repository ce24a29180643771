/**
 * Builds: a graph of steps is run, and an image comes out. Independent steps run side by side, what was built before is taken from the store,
 * and every step's image is kept as an image of its own.
 * This room decides what runs; how a program runs is runtime/'s, what a layer is layer/'s. It starts no program itself.
 * @module
 */
import { availableParallelism } from 'node:os';
import { DobosError, isDobosError, systemCode } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import { annotateImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import { writeDocuments, writeImage } from '../image/write-image.ts';
import { openLayer } from '../layer/open-layer.ts';
import { digestHex } from '../oci/digest.ts';
import type { Annotations, Descriptor } from '../oci/types.ts';
import type { LayerRef } from '../runtime/types.ts';
import type { Lease, LocalStore } from '../store/contract.ts';
import type { BuildEvent, StepReport } from './build-events.ts';
import { buildError } from './errors.ts';
import type { BuildGraph, Step, StepId } from './graph.ts';
import { instructionOf, openLastBuild } from './last-build.ts';
import { runStep } from './run-step.ts';
import { sealFailed } from './seal-step.ts';
import { type BuildSquash, type SquashWhat, squashBuild } from './squash-build.ts';
import { keepStep, type StepRecord } from './step-cache.ts';
import { STEP_IMAGES } from './step-images.ts';
import { stepKey } from './step-key.ts';
import type { StepRun, StepState, StepTools } from './step-run.ts';

export interface BuildTools extends StepTools {
  /** Names this build among builds (Dockerfile, context, target): misses are explained by the last one of that name. */
  readonly identity?: string | undefined;
  /** Steps that run at once; twice the cores without it, as most of them wait for a program or a disk. */
  readonly parallel?: number | undefined;
  /** False: layers that no step needed may stay where they are, and then the image is not kept. */
  readonly complete?: boolean | undefined;
  /** What of the result becomes one layer, for which all layers are needed; the images of its steps stay as they are. */
  readonly squash?: SquashWhat | undefined;
  /** Of the image's manifest; the images of its steps have none. */
  readonly annotations?: Annotations | undefined;
  /** Where in the Dockerfile a step stands, for its errors. */
  readonly placeOf?: ((step: Step) => { file?: string; line?: number; snippet?: string }) | undefined;
}

export interface BuildResult {
  /** Written to the store, not named. */
  readonly image: Image;
  /** Of a build that squashes. */
  readonly squashed?: BuildSquash | undefined;
  /** In the order of the graph. */
  readonly steps: readonly StepReport[];
}

/**
 * Runs the graph. The image and those of its steps are in the store when this returns; a build that fails or is aborted keeps the steps that
 * ended and leaves nothing half-made. A build found whole in the cache starts no program, takes no lock and writes nothing.
 * @throws BUILD_… with the place in the Dockerfile; the first failure ends the steps beside it
 */
export async function runBuild(
  graph: BuildGraph,
  tools: BuildTools,
  o: WatchOptions<BuildEvent> = {},
): Promise<BuildResult> {
  o.signal?.throwIfAborted();
  const { store } = tools;
  const stop = new AbortController();
  const signal = o.signal === undefined ? stop.signal : AbortSignal.any([o.signal, stop.signal]);
  // What cannot be kept need not be made: the steps beside it end too.
  const keeping = createKeeping(tools, (error) => stop.abort(error));
  const last = tools.identity === undefined ? undefined : openLastBuild(store.notes, tools.identity);
  const run = createRun(graph, tools, { keeping, last, emit: (event) => o.onEvent?.(event), signal });
  let complete = false;
  try {
    const states = await runAll(graph, run, tools, stop, signal);
    const output = states.get(graph.output)!.image;
    if (tools.complete !== false || tools.squash !== undefined) await tools.lazy?.bring(output);
    await keeping.settled();
    keeping.addPostponed();
    await keeping.settled();
    const chain = chainOf(graph, states);
    const base = chain[0]!.step.op.kind === 'base' ? chain[0]!.image : undefined;
    const result =
      tools.squash === undefined
        ? { image: output }
        : await squashBuild(output, base, tools.squash, store, { signal: o.signal, lease: keeping.lease });
    const image = annotateImage(result.image, tools.annotations);
    if (tools.lazy?.isMissing(output) === true) {
      await writeDocuments(store, image, { signal: o.signal });
    } else {
      await writeImage(store, image, { signal: o.signal });
      // The images of steps are no earlier states of a squashed image: they stay as long as the cache keeps them.
      const earlier = result.image === output ? chain : chain.filter((state) => state.image === base);
      await keepStepImages(image, store, earlier, keeping);
    }
    complete = true;
    return { ...result, image, steps: graph.steps.map(({ id }) => states.get(id)!.report) };
  } finally {
    // Also after a failure: what ended is kept, and the next build starts there.
    await keeping.settled().catch((error: unknown) => {
      if (complete) throw error;
    });
    await last?.save(complete);
    await keeping.close();
  }
}

/** Starts every step when its inputs are there. The first failure is thrown when all that runs has ended. */
async function runAll(
  graph: BuildGraph,
  run: StepRun,
  tools: BuildTools,
  stop: AbortController,
  signal: AbortSignal,
): Promise<Map<StepId, StepState>> {
  const running = new Map<StepId, Promise<StepState>>();
  let failure: { readonly error: unknown } | undefined;
  for (const step of graph.steps) {
    const inputs = step.inputs.map((id) => running.get(id)!);
    const started = (async () => {
      const states = await Promise.all(inputs);
      signal.throwIfAborted();
      const begin = tools.now();
      try {
        return await runStep(step, states, run, { signal });
      } catch (caught) {
        const error = withPlace(caught, step, tools);
        if (failure === undefined) {
          failure = { error };
          run.emit({ kind: 'failed', step: step.id, ms: tools.now() - begin, error });
          stop.abort(error);
          await keepLeft(step, states[0]?.image, caught, tools);
        }
        throw error;
      }
    })();
    started.catch(() => {});
    running.set(step.id, started);
  }
  await Promise.allSettled(running.values());
  if (failure !== undefined) throw failure.error;
  signal.throwIfAborted();
  const states = new Map<StepId, StepState>();
  for (const [id, state] of running) states.set(id, await state);
  return states;
}

/** Hands on what a failed RUN left, while a lease holds it. */
async function keepLeft(
  step: Step,
  parent: Image | undefined,
  error: unknown,
  { store, keepFailed, now }: BuildTools,
): Promise<void> {
  if (keepFailed === undefined || parent === undefined || !isDobosError(error, 'BUILD_RUN_FAILED')) return;
  const left = error.facts.left as LayerRef | undefined;
  if (left === undefined) return;
  const layer = openLayer(store, left.blob, left.diffId);
  try {
    await keepFailed(step, sealFailed(step, parent, { layer, createdAt: now(), durationMs: 0 }));
  } catch {
    // The build failed for another reason, and that one is told.
  }
}

interface Keeping {
  lease(): Promise<void>;
  add(work: () => Promise<void>): void;
  /** Adds it later if the image is whole by then: what is kept has its layers in the store. */
  addWhole(image: Image, work: () => Promise<void>): void;
  /** Adds what was put off. */
  addPostponed(): void;
  /** When all that was added is written. @throws the first failure */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Writes in the background, one after the other: the next step does not wait for the disk. */
function createKeeping({ store, lazy }: BuildTools, onFailure: (error: unknown) => void): Keeping {
  const postponed: (readonly [image: Image, work: () => Promise<void>])[] = [];
  let queue = Promise.resolve();
  let lease: Promise<Lease> | undefined;
  const hold = async (): Promise<void> => {
    lease ??= store.lease();
    await lease;
  };
  const add = (work: () => Promise<void>): void => {
    queue = queue.then(hold).then(work);
    queue.catch(onFailure);
  };
  return {
    lease: hold,
    add,
    addWhole(image, work) {
      if (lazy?.isMissing(image) === true) postponed.push([image, work]);
      else add(work);
    },
    addPostponed() {
      for (const [image, work] of postponed.splice(0)) if (lazy?.isMissing(image) !== true) add(work);
    },
    settled: () => queue,
    // A lease that could not be had was an error where it was wanted.
    close: async () => (await lease?.catch(() => undefined))?.release(),
  };
}

function createRun(
  graph: BuildGraph,
  tools: BuildTools,
  parts: Pick<StepRun, 'last' | 'emit'> & { keeping: Keeping; signal: AbortSignal },
): StepRun {
  const { keeping, signal } = parts;
  const places = createPlaces(Math.max(1, tools.parallel ?? availableParallelism() * 2));
  const records = new Map<string, Promise<StepRecord>>();
  let instructions: readonly string[] | undefined;
  return {
    tools,
    last: parts.last,
    emit: parts.emit,
    instructions: () => {
      instructions ??= graph.steps.map((step) => instructionOf(stepKey(step, [])));
      return instructions;
    },
    once(id, work) {
      const record = records.get(id) ?? work();
      records.set(id, record);
      return record;
    },
    working: (work) =>
      places(async () => {
        signal.throwIfAborted();
        await keeping.lease();
        return work();
      }),
    keep: (step, id, image, record, from) =>
      keeping.addWhole(image, () => keepStep(tools.store, id, step, image, record, from)),
    isLastRun: (step) => graph.steps.findLast(({ op }) => op.kind === 'run') === step,
    isUnderRun: (step) => stepsUnderRuns(graph).has(step.id),
    afterKept: (done) => void keeping.settled().then(done, done),
  };
}

function stepsUnderRuns({ steps }: BuildGraph): ReadonlySet<StepId> {
  const under = new Set<StepId>();
  for (const { id, op, parent } of steps.toReversed()) {
    if (parent !== undefined && (op.kind === 'run' || under.has(id))) under.add(parent);
  }
  return under;
}

/** Lets so many run at once, the others in order of coming. */
function createPlaces(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resume) => waiting.push(resume));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** The steps that the output was made by, one after the other, from where its stages begin. */
function chainOf(graph: BuildGraph, states: ReadonlyMap<StepId, StepState>): readonly StepState[] {
  const chain: StepState[] = [];
  for (let at: StepId | undefined = graph.output; at !== undefined; at = chain[0]!.step.parent)
    chain.unshift(states.get(at)!);
  return chain;
}

/** Lists the images of these steps, unless they are listed. */
async function keepStepImages(
  image: Image,
  store: LocalStore,
  chain: readonly StepState[],
  keeping: Keeping,
): Promise<void> {
  // The base too: it stays what history shows, also when its name is gone.
  const states = chain.filter(({ step }) => step.createdBy !== undefined || step.op.kind === 'base');
  if (states.length === 0) return;
  const { digest } = image.descriptor;
  const id = digestHex(digest);
  if ((await store.roots.get(STEP_IMAGES, id)) !== undefined) return;
  await keeping.lease();
  const targets: Descriptor[] = [];
  for (const { image: each, digests } of states) {
    // What a root of somebody else's cache said of it.
    if (each.descriptor.digest !== digests.manifest) await writeDocuments(store, each);
    targets.push(each.descriptor);
  }
  await store.roots.put({ kind: STEP_IMAGES, id, targets, onlyWith: digest });
}

function withPlace(caught: unknown, step: Step, tools: BuildTools): unknown {
  const error = ofSystem(caught, step, tools);
  if (!isDobosError(error) || error.place !== undefined || tools.placeOf === undefined) return error;
  const { code, message, facts, hint, cause } = error;
  return new DobosError(code, message, facts, { hint, cause, place: tools.placeOf(step) });
}

/** A system error that no room below has put into words, as one of this room's. */
function ofSystem(error: unknown, step: Step, { store }: BuildTools): unknown {
  const code = systemCode(error);
  if (isDobosError(error) || !(error instanceof Error) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return error;
  }
  const instruction = step.text.split(' ')[0] ?? step.text;
  const facts = { instruction, code, message: error.message, store: store.folder ?? 'memory' };
  return buildError('BUILD_STEP_FAILED', facts, { cause: error });
}
