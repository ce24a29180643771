import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { chainIds } from '../image/chain-id.ts';
import { imageId } from '../image/image-id.ts';
import type { Image } from '../image/types.ts';
import type { Layer } from '../layer/types.ts';
import type { Platform } from '../oci/types.ts';
import type { Keeper } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { BuildEvent, StepReport } from './build-events.ts';
import { parseChmod } from './chmod.ts';
import type { Context } from './context/open-context.ts';
import { type CopySelection, executeCopy, selectFromContext, selectFromImage } from './execute-copy.ts';
import { executeRun } from './execute-run.ts';
import { executeWorkdir } from './execute-workdir.ts';
import { type FileFacts, fileFacts, keepFacts } from './file-facts.ts';
import type { Step } from './graph.ts';
import { type ImageView, viewImage } from './image-view.ts';
import { FILES_PART, type LastBuild } from './last-build.ts';
import { sealStep, startImage } from './seal-step.ts';
import { cacheId, type FoundStep, findStep, type StepRecord } from './step-cache.ts';
import { type KeyFacts, type StepKey, stepKey } from './step-key.ts';

export interface StepTools {
  readonly store: LocalStore;
  /** The images that the graph starts from, by the name in its base ops. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly context: Context | undefined;
  /** What the ignore file is called, for messages. */
  readonly ignoreName: string;
  readonly keeper: () => Promise<Keeper>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** SOURCE_DATE_EPOCH in seconds: dates the history and clamps the times of files. */
  readonly epoch?: number | undefined;
  /** False: every step runs, and what it gives replaces what is kept. */
  readonly useCache: boolean;
  readonly platform: Platform;
}

/** What the steps of one run share. */
export interface StepRun {
  readonly tools: StepTools;
  readonly last: LastBuild | undefined;
  /** Instructions of the whole graph as their keys spell them. */
  readonly instructions: () => readonly string[];
  /** Runs `work` for `id` once, also if two steps of the graph are the same. */
  once(id: string, work: () => Promise<StepRecord>): Promise<StepRecord>;
  /** Holds a lease before the first write, and one of the places for work. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** Writes the step's image and result in the background. */
  keep(step: Step, id: string, image: Image, record: StepRecord): void;
  emit(event: BuildEvent): void;
}

/** A step that is done. */
export interface StepState {
  readonly step: Step;
  readonly key: StepKey;
  readonly image: Image;
  readonly report: StepReport;
  /** The files of its image; read when first asked for. */
  view(): Promise<ImageView>;
}

/** Takes the step from the cache or runs it. `inputs` in the order of `step.inputs`, the parent first. @throws what running it throws */
export async function runStep(
  step: Step,
  inputs: readonly StepState[],
  run: StepRun,
  o: CallOptions,
): Promise<StepState> {
  const { tools } = run;
  const parent = step.parent === undefined ? undefined : inputs[0];
  const selection = await selectFiles(step, inputs, run, o);
  const files = selection === undefined ? undefined : factsOf(step, selection);
  if (files !== undefined && selection?.kind === 'context') {
    const { ignored } = selection;
    run.emit({ kind: 'context', step: step.id, files: files.files, bytes: files.bytes, ignored });
  }
  const start = parent?.image ?? startOf(step, tools);
  const key = stepKey(step, keysOf(inputs), keyFacts(start, files, tools));
  const id = cacheId(step, key);
  const found =
    id === undefined || !tools.useCache ? undefined : await findStep(tools.store, id, tools.now(), o);

  const { record, ms, why } = await (found !== undefined || id === undefined
    ? { record: found ?? NOTHING, ms: 0, why: [] }
    : execute(step, { id, key, files, selection, parent }, run, o));
  const image = sealStep(step, start, record);
  if (id !== undefined && (found as FoundStep | undefined)?.manifest !== image.descriptor.digest) {
    run.keep(step, id, image, record);
  }
  if (id !== undefined) run.last?.remember(step, key, files);

  const cached = found !== undefined || id === undefined;
  const layerBytes = record.layer?.blob.size;
  run.emit(
    cached
      ? { kind: 'cached', step: step.id, imageId: imageId(image) }
      : { kind: 'done', step: step.id, imageId: imageId(image), ms, layerBytes },
  );
  const savedMs = record.durationMs;
  const report = { step: step.id, imageId: imageId(image), cached, ms, savedMs, why, layerBytes };
  return { step, key, image, report, view: viewOnce(tools.store, image, parent) };
}

const NOTHING: StepRecord = { layer: undefined, createdAt: 0, durationMs: 0 };

interface StepFacts {
  readonly id: string;
  readonly key: StepKey;
  readonly files: FileFacts | undefined;
  readonly selection: CopySelection | undefined;
  readonly parent: StepState | undefined;
}

async function execute(
  step: Step,
  facts: StepFacts,
  run: StepRun,
  o: CallOptions,
): Promise<{ record: StepRecord; ms: number; why: readonly string[] }> {
  const { tools } = run;
  const { id, key, files } = facts;
  const makesFiles = step.op.kind === 'run' || step.op.kind === 'copy' || step.op.kind === 'workdir';
  const why = !makesFiles
    ? []
    : tools.useCache
      ? ((await run.last?.explain(step, key, files, run.instructions())) ?? [])
      : ['the cache is off'];
  run.emit({ kind: 'started', step: step.id, why });
  const started = tools.now();
  const record = await run.once(id, () =>
    run.working(async () => {
      const begin = tools.now();
      const layer = await makeLayer(step, facts, run, o);
      if (files !== undefined) await keepFacts(tools.store.notes, files);
      const end = tools.now();
      const createdAt = tools.epoch === undefined ? end : tools.epoch * 1000;
      return { layer, createdAt, durationMs: end - begin };
    }),
  );
  return { record, ms: tools.now() - started, why };
}

async function makeLayer(
  step: Step,
  { selection, parent }: StepFacts,
  run: StepRun,
  o: CallOptions,
): Promise<Layer | undefined> {
  const { tools } = run;
  const { op } = step;
  switch (op.kind) {
    case 'run':
      return executeRun(op, imageOf(parent), tools, {
        signal: o.signal,
        onEvent: (output) => run.emit({ kind: 'output', step: step.id, ...output }),
      });
    case 'copy':
      if (selection === undefined) throw new TypeError('a COPY without a selection');
      return executeCopy(op, selection, await viewOf(parent), tools, o);
    case 'workdir':
      return executeWorkdir(op, await viewOf(parent), tools, o);
    case 'config':
    case 'note':
    case 'scratch':
    case 'base':
      return undefined;
    default:
      return never(op);
  }
}

async function selectFiles(
  step: Step,
  inputs: readonly StepState[],
  run: StepRun,
  o: CallOptions,
): Promise<CopySelection | undefined> {
  const { op } = step;
  if (op.kind !== 'copy') return undefined;
  const place = op.from;
  if (place.kind === 'context') return selectFromContext(op, run.tools, o);
  const from = inputs.find(({ step: each }) => each.id === place.step);
  if (from === undefined) throw new TypeError(`step ${step.id} reads from ${place.step}, which is no input`);
  const { op: source } = from.step;
  const name = source.kind === 'base' ? source.name : `stage ${from.step.stage.name}`;
  return selectFromImage(op, await from.view(), name);
}

function factsOf(step: Step, selection: CopySelection): FileFacts {
  const { op } = step;
  if (op.kind !== 'copy') throw new TypeError('only a COPY selects files');
  const chmod = op.chmod === undefined ? undefined : parseChmod(op.chmod);
  return fileFacts(selection.sources, { chmod, owners: op.chown === undefined || op.chown === '' });
}

function keyFacts(start: Image, files: FileFacts | undefined, tools: StepTools): KeyFacts {
  const { diff_ids } = start.config.rootfs;
  const manifest = start.descriptor.digest;
  return {
    // Files are one part here: their own list explains them, and twenty thousand parts would be sorted in every cached build.
    files: files === undefined ? undefined : [{ path: FILES_PART, digest: `sha256:${files.digest}` }],
    base: { manifest, chain: chainIds(diff_ids).at(-1) ?? manifest },
    epoch: tools.epoch,
  };
}

function startOf(step: Step, tools: StepTools): Image {
  if (step.op.kind !== 'base') return startImage(step, tools.platform);
  const image = tools.bases.get(step.op.name);
  if (image === undefined) throw new TypeError(`the base ${step.op.name} was not given`);
  return image;
}

function viewOnce(store: LocalStore, image: Image, parent: StepState | undefined): () => Promise<ImageView> {
  let view: Promise<ImageView> | undefined;
  return () => {
    view ??= (async () => viewImage(store, image, await parent?.view()))();
    return view;
  };
}

function keysOf(inputs: readonly StepState[]): StepKey[] {
  return inputs.map(({ key }) => key);
}

function imageOf(state: StepState | undefined): Image {
  if (state === undefined) throw new TypeError('the step has no step below it');
  return state.image;
}

function viewOf(state: StepState | undefined): Promise<ImageView> {
  if (state === undefined) throw new TypeError('the step has no step below it');
  return state.view();
}
