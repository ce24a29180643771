/**
 * The memo table of a build: roots `step/<hex of a key>`, whose first target is the manifest of the step's image.
 * RUN, COPY, ADD and WORKDIR are kept by the key of their files (so a LABEL above them costs documents only), the others by the key of their image.
 * Writing comes last: a root is put when layer, config and manifest are in the store, so that a crash leaves no entry without its result.
 * @module
 */
import type { CallOptions } from '../base/options.ts';
import { imageId as idOf } from '../image/image-id.ts';
import type { Image } from '../image/types.ts';
import { writeImage } from '../image/write-image.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { digestHex, isDigest } from '../oci/digest.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { Step } from './graph.ts';
import type { StepKey } from './step-key.ts';

/** What running a step gave. */
export interface StepRecord {
  readonly layer: Layer | undefined;
  /** Epoch milliseconds: the date of its history entry. */
  readonly createdAt: number;
  readonly durationMs: number;
}

export interface FoundStep extends StepRecord {
  /** The manifest of the image that it made then; undefined if that is not in the store. */
  readonly manifest: Digest | undefined;
  /** What that image was made of, and its id; undefined of roots that do not say. */
  readonly made: MadeImage | undefined;
}

/** Of an image that a step made: with the same step over the same image below it is the same again, and need not be sealed for its digests. */
export interface MadeImage extends ImageDigests, MadeFrom {}

export interface MadeFrom {
  /** Manifest of the image below. */
  readonly over: Digest;
  /** `StepKey.digest` of the step. */
  readonly key: Digest;
}

export interface ImageDigests {
  readonly id: Digest;
  readonly manifest: Digest;
}

/** A use is noted when the last one noted is older. */
const TOUCH_AFTER_MS = 60 * 60 * 1000;
/** Kind of the roots that hold results. */
export const STEP_KIND = 'step';

/** Under which a step's result is kept; undefined for steps that only take an image as it is. */
export function cacheId(step: Step, key: StepKey): string | undefined {
  switch (step.op.kind) {
    case 'scratch':
    case 'base':
      return undefined;
    case 'run':
    case 'copy':
    case 'workdir':
      return digestHex(key.files);
    default:
      return step.createdBy === undefined ? undefined : digestHex(key.digest);
  }
}

/** The result kept under `id`, its layer there; undefined when there is none. Its use is noted at most once an hour, so that a cached build writes nothing. */
export async function findStep(
  store: LocalStore,
  id: string,
  now: number,
  o: CallOptions = {},
): Promise<FoundStep | undefined> {
  const root = await store.roots.get(STEP_KIND, id, o);
  if (root === undefined) return undefined;
  const record = parseRecord(store, root.data);
  if (record === undefined) return undefined;
  if (record.layer !== undefined && !(await store.has(record.layer.blob, o))) return undefined;
  if (now - root.usedAt > TOUCH_AFTER_MS) await store.roots.touch(STEP_KIND, id);
  const [target] = root.targets;
  const kept = target !== undefined && (await store.has(target, o));
  if (!kept) return { ...record, manifest: undefined, made: undefined };
  const { imageId, over, key } = root.data as Record<string, unknown>;
  const manifest = target.digest;
  const isSaid = isDigest(imageId) && isDigest(over) && isDigest(key);
  return { ...record, manifest, made: isSaid ? { id: imageId, manifest, over, key } : undefined };
}

/** Writes the image's documents, then the result under `id`. */
export async function keepStep(
  store: LocalStore,
  id: string,
  step: Step,
  image: Image,
  record: StepRecord,
  from: MadeFrom,
): Promise<void> {
  await writeImage(store, image);
  const { layer, createdAt, durationMs } = record;
  const data = {
    imageId: idOf(image),
    text: step.text,
    layer: layer === undefined ? undefined : { blob: layer.blob, diffId: layer.diffId },
    createdAt,
    durationMs,
    ...from,
  };
  await store.roots.put({ kind: STEP_KIND, id, targets: [image.descriptor], data });
}

/** True for the data of a root that holds a result. */
export const isStepRecord = (store: LocalStore, data: unknown): boolean =>
  parseRecord(store, data) !== undefined;

/** Roots are files that anybody may have written: what is not as expected is no result. */
function parseRecord(store: LocalStore, data: unknown): StepRecord | undefined {
  const { layer, createdAt, durationMs } = (data ?? {}) as Record<string, unknown>;
  if (typeof createdAt !== 'number' || typeof durationMs !== 'number') return undefined;
  if (layer === undefined) return { layer: undefined, createdAt, durationMs };
  const { blob, diffId } = (layer ?? {}) as Record<string, unknown>;
  const { mediaType, digest, size } = (blob ?? {}) as Record<string, unknown>;
  if (!isDigest(diffId) || !isDigest(digest) || typeof mediaType !== 'string' || typeof size !== 'number') {
    return undefined;
  }
  const descriptor: Descriptor = { mediaType, digest, size };
  return { layer: openLayer(store, descriptor, diffId), createdAt, durationMs };
}
