import { never } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { chainIds } from '../image/chain-id.ts';
import { imageId } from '../image/image-id.ts';
import type { Image } from '../image/types.ts';
import { digestHex } from '../oci/digest.ts';
import type { BuildEvent } from './build-events.ts';
import { borrowStep } from './cache-folder.ts';
import { parseChmod } from './chmod.ts';
import { hashCopy, isFirstCopy, noteCopy } from './copy-step.ts';
import { executeCopy } from './execute-copy.ts';
import { executeRun } from './execute-run.ts';
import { executeWorkdir } from './execute-workdir.ts';
import { type FileFacts, fileFacts, keepFacts } from './file-facts.ts';
import type { Step } from './graph.ts';
import { type ImageView, viewImage } from './image-view.ts';
import { FILES_PART } from './last-build.ts';
import { sealStep, startImage } from './seal-step.ts';
import { type CopySelection, selectedSources } from './select-copy.ts';
import { selectCopy, selectRunMounts } from './select-step.ts';
import {
  cacheId,
  type FoundStep,
  findStep,
  type ImageDigests,
  type MadeFrom,
  type StepRecord,
} from './step-cache.ts';
import { type KeyFacts, type StepKey, stepKey } from './step-key.ts';
import { lockStep, type StepLock } from './step-lock.ts';
import { type MountSelection, resolveMounts, type StepSecrets } from './step-mounts.ts';
import { known, type StepRun, type StepState, type StepTools } from './step-run.ts';

/** What a step gave now, or gave when it ran; `copy` has digests where it had to find them. */
interface Outcome {
  readonly record: StepRecord;
  readonly ms: number;
  readonly why: readonly string[];
  readonly copy?: CopySelection | undefined;
  /** Another build has run the very step meanwhile. */
  readonly taken?: FoundStep | undefined;
  /** Held until the result is kept, so that whoever waits finds it. */
  readonly lock?: StepLock | undefined;
}

/** Takes the step from the cache or runs it. `inputs` in the order of `step.inputs`, the parent first. @throws what running it throws */
export async function runStep(
  step: Step,
  inputs: readonly StepState[],
  run: StepRun,
  o: CallOptions,
): Promise<StepState> {
  const { tools } = run;
  const { store } = tools;
  const parent = step.parent === undefined ? undefined : inputs[0];
  // What stands on something made anew is not what was kept, though its key says so.
  const fresh = !tools.useCache || tools.isFresh?.(step) === true || parent?.fresh === true;
  const useCache = !fresh;
  const start = parent?.image ?? startOf(step, tools);
  const keyWith = (files: string | undefined): StepKey =>
    stepKey(
      step,
      inputs.map(({ key }) => key),
      keyFacts(step, start, files, tools),
    );

  const listed = await selectCopy(step, inputs, run, o);
  const place = listed === undefined ? undefined : keyWith('any');
  const isFirst =
    listed !== undefined &&
    place !== undefined &&
    // Another cache may have what was never made here.
    (!useCache || ((tools.caches ?? []).length === 0 && tools.borrows !== true)) &&
    (await isFirstCopy(step.op, listed, place, store.notes, useCache));
  const job: Job = { step, parent, run, place, o, fresh };
  // Nothing can be known of it: it runs first, and what it reads makes its key.
  const early = isFirst ? await execute({ ...job, key: place, copy: listed }) : undefined;
  const copy = early?.copy ?? (listed === undefined ? undefined : await hashCopy(listed, o));
  const mounts = await selectRunMounts(step, inputs, run, o);
  const files = copy === undefined ? mounts?.facts : factsOf(step, copy);
  const key = keyWith(files?.digest);
  const id = cacheId(step, key);
  const asked = early === undefined && id !== undefined && useCache;
  // A layer that nothing below decides may have been made over another image.
  const layerId = key.layer === undefined ? undefined : digestHex(key.layer);
  const find = async (at: string | undefined): Promise<FoundStep | undefined> => {
    if (!asked || at === undefined) return undefined;
    const own = await findStep(store, at, tools.now(), o);
    const { caches = [] } = tools;
    if (own !== undefined || caches.length === 0) return own;
    const borrowed = await run.working(() => borrowStep(store, caches, at, o));
    return borrowed ? findStep(store, at, tools.now(), o) : undefined;
  };
  const look = async (): Promise<FoundStep | undefined> => (await find(id)) ?? (await find(layerId));
  const kept = await look();
  const { record, ms, why, taken, lock }: Outcome =
    early ??
    (kept === undefined && id !== undefined
      ? await execute({ ...job, key, copy, mounts, files, id: layerId ?? id, look })
      : { record: kept ?? NOTHING, ms: 0, why: [] });
  const found = kept ?? taken;

  if (files !== undefined && found === undefined) {
    await keepFacts(store.notes, files);
    if (place !== undefined) await noteCopy(place, store.notes);
  }
  const image = sealStep(step, start, record);
  const over = parent?.digests.manifest;
  const digests: ImageDigests =
    found?.made !== undefined && found.made.over === over && found.made.key === key.digest
      ? found.made
      : { id: imageId(image), manifest: image.descriptor.digest };
  const from: MadeFrom = { over: over ?? start.descriptor.digest, key: key.digest };
  if (id !== undefined && found?.manifest !== digests.manifest) run.keep(step, id, image, record, from);
  if (layerId !== undefined && found === undefined) run.keep(step, layerId, image, record, from);
  if (lock !== undefined) run.afterKept(lock.release);
  // The base of a stage is remembered too, so that what stands below can name it; the source of a COPY stands at the place of that COPY.
  if (id !== undefined || (step.op.kind === 'base' && step.stage.step === 1))
    run.last?.remember(step, key, files);

  const cached = early === undefined && (found !== undefined || id === undefined);
  const layerBytes = record.layer?.blob.size;
  const ended = { step: step.id, imageId: digests.id };
  run.emit(cached ? { kind: 'cached', ...ended } : { kind: 'done', ...ended, ms, layerBytes });
  const keptAs = [id, layerId].filter((each) => each !== undefined);
  const report = { ...ended, cached, ms, savedMs: record.durationMs, why, layerBytes, keptAs };
  return { step, key, image, digests, report, fresh, view: viewOnce(tools, image, parent) };
}

const NOTHING: StepRecord = { layer: undefined, createdAt: 0, durationMs: 0 };

interface Job {
  readonly step: Step;
  readonly parent: StepState | undefined;
  readonly fresh: boolean;
  readonly run: StepRun;
  readonly o: CallOptions;
  readonly place?: StepKey | undefined;
  readonly copy?: CopySelection | undefined;
  readonly mounts?: MountSelection | undefined;
  readonly files?: FileFacts | undefined;
  /** Where the result will be kept, if that is known already. */
  readonly id?: string | undefined;
  /** Looks for a result that is kept. */
  readonly look?: (() => Promise<FoundStep | undefined>) | undefined;
}

async function execute(job: Job & { readonly key: StepKey }): Promise<Outcome> {
  const { step, run, key, files, id, fresh } = job;
  const { tools } = run;
  const why = fresh
    ? ['the cache is off']
    : ((await run.last?.explain(step, key, files, run.instructions())) ?? []);
  run.emit({ kind: 'started', step: step.id, why });
  const started = tools.now();
  let copy: CopySelection | undefined;
  const work = () =>
    run.working(async (): Promise<StepRecord> => {
      const begin = tools.now();
      const made = await makeLayer(job);
      copy = made.copy;
      const end = tools.now();
      const createdAt = tools.epoch === undefined ? end : tools.epoch * 1000;
      return { layer: made.layer, createdAt, durationMs: end - begin };
    });
  let taken: FoundStep | undefined;
  let lock: StepLock | undefined;
  /** Only a program is worth waiting for. */
  const isShared = step.op.kind === 'run' && !fresh;
  const alone = async (at: string): Promise<StepRecord> => {
    if (!isShared) return work();
    const { signal } = job.o;
    lock = await lockStep(tools.store, at, { signal, onWait: () => run.emit(waitingFor(step)) });
    try {
      taken = lock.waited ? await job.look?.() : undefined;
      return taken ?? (await work());
    } catch (error) {
      lock.release();
      throw error;
    }
  };
  const record = await (id === undefined ? work() : run.once(id, () => alone(id)));
  return { record, ms: tools.now() - started, why, copy, taken, lock };
}

const waitingFor = (step: Step): BuildEvent => ({
  kind: 'output',
  step: step.id,
  stream: 'stderr',
  bytes: Buffer.from('waiting: another build runs this very step\n'),
});

async function makeLayer(job: Job): Promise<Pick<StepRecord, 'layer'> & { copy?: CopySelection }> {
  const { step, parent, run, o } = job;
  const { op } = step;
  switch (op.kind) {
    case 'run': {
      const onEvent = (output: { stream: 'stdout' | 'stderr'; bytes: Uint8Array }) =>
        run.emit({ kind: 'output', step: step.id, ...output });
      const mounts = resolveMounts(op.mounts ?? [], job.mounts, run.tools.secrets ?? NO_SECRETS);
      const { image } = known(parent);
      await run.tools.lazy?.bring(image);
      return {
        layer: await executeRun(op, image, mounts, run.tools, {
          signal: o.signal,
          onEvent,
          isLast: run.isLastRun(step),
        }),
      };
    }
    case 'copy':
      // The keeper starts on another core meanwhile. Why it cannot, the RUN says.
      if (run.isUnderRun(step)) run.tools.keeper().catch(() => {});
      return executeCopy(op, known(job.copy), known(parent).view, run.tools, o);
    case 'workdir':
      return { layer: await executeWorkdir(op, await known(parent).view(), run.tools, o) };
    case 'config':
    case 'note':
    case 'scratch':
    case 'base':
      return { layer: undefined };
    default:
      return never(op);
  }
}

const NO_SECRETS: StepSecrets = { secrets: new Map(), agents: new Map() };

function factsOf(step: Step, copy: CopySelection): FileFacts {
  const { op } = step;
  if (op.kind !== 'copy') throw new TypeError('only a COPY selects files');
  const chmod = op.chmod === undefined ? undefined : parseChmod(op.chmod);
  return fileFacts(selectedSources(copy), { chmod, owners: op.chown === undefined || op.chown === '' });
}

function keyFacts(step: Step, start: Image, files: string | undefined, tools: StepTools): KeyFacts {
  return {
    // Files are one part here: their own list explains them, and twenty thousand parts would be sorted in every cached build.
    files: files === undefined ? undefined : [{ path: FILES_PART, digest: `sha256:${files}` }],
    base: step.op.kind === 'base' ? baseFacts(start) : undefined,
    epoch: tools.epoch,
  };
}

function baseFacts({ descriptor: { digest: manifest }, config }: Image): KeyFacts['base'] {
  return { manifest, chain: chainIds(config.rootfs.diff_ids).at(-1) ?? manifest };
}

function startOf(step: Step, tools: StepTools): Image {
  return step.op.kind === 'base' ? known(tools.bases.get(step.op.name)) : startImage(step, tools.platform);
}

function viewOnce(tools: StepTools, image: Image, parent: StepState | undefined): () => Promise<ImageView> {
  let view: Promise<ImageView> | undefined;
  return () => {
    view ??= (async () => {
      await tools.lazy?.bring(image);
      return viewImage(tools.store, image, await parent?.view());
    })();
    return view;
  };
}
