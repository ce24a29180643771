import { resolve } from 'node:path';
import { DobosError, isDobosError } from '../base/errors.ts';
import type { BuildEvent } from '../build/build-events.ts';
import type { BuildRecord } from '../build/records/record.ts';
import { createRecorder } from '../build/records/recorder.ts';
import type { BuildResult, BuildTools } from '../build/run-build.ts';
import { redactUrl } from '../http/redact.ts';
import { imageId } from '../image/image-id.ts';
import { FAILED_STEP } from '../image/list-images.ts';
import { writeImage } from '../image/write-image.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import type { PullNotice } from './pull.ts';

export interface RecordDoors {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
  readonly onPull?: ((notice: PullNotice) => void) | undefined;
  /** False: no record is made, and nothing that a failed step left is kept. */
  readonly record?: boolean | undefined;
}

/** What the build is to tell of itself, beside its events. */
export interface Recorded extends RecordDoors {
  readonly onPlace?: ((place: { readonly path: string; readonly text: string }) => void) | undefined;
  readonly keepFailed?: BuildTools['keepFailed'];
}

interface RecordedBuild {
  readonly about: Pick<BuildRecord, 'names' | 'context' | 'target' | 'platforms'>;
  /** Values that the record must not hold, though a step prints them. */
  readonly secrets: Iterable<Uint8Array>;
}

type Finished = Pick<BuildResult, 'image' | 'steps'> & { readonly target: Descriptor };

/** Runs the build and keeps a record of it in the store, and of a failed RUN what it left. @throws what the build throws, with advice how to open that */
export async function recordBuild<B extends Finished, D extends RecordDoors>(
  app: App,
  { about, secrets }: RecordedBuild,
  doors: D,
  work: (doors: D & Recorded) => Promise<B>,
): Promise<B> {
  const store = await app.store();
  if (doors.record === false || store.folder === undefined) return work(doors);
  const { now } = app.settings;
  const recorder = createRecorder({
    storeFolder: store.folder,
    now,
    about: { ...about, context: whereOf(about.context) },
    secrets,
  });
  let path = '';
  let left: Digest | undefined;
  const recorded: Recorded = {
    onPlace(place) {
      path = place.path;
      recorder.reads(path, place.text);
    },
    onEvent(event) {
      recorder.watch(event);
      doors.onEvent?.(event);
    },
    onPull(notice) {
      recorder.begin();
      doors.onPull?.(notice);
    },
    async keepFailed(_, image) {
      const target = await writeImage(store, image);
      const data: KeptData = { imageId: imageId(image), build: buildOf(about, path) };
      await store.roots.put({ kind: FAILED_STEP, id: recorder.id, targets: [target], data });
      left = data.imageId;
    },
  };
  try {
    const built = await work({ ...doors, ...recorded });
    const { image, steps, target } = built;
    const outcome = { kind: 'built', imageId: imageId(image), manifest: target.digest } as const;
    const gone = await recorder.end(outcome, steps);
    await dropKept(store, (id, data) => gone.includes(id) || isSameBuild(data, about, path));
    return built;
  } catch (error) {
    const gone = await recorder.end(
      doors.signal?.aborted ? { kind: 'cancelled' } : { ...failureOf(error), left },
    );
    if (gone.length > 0) await dropKept(store, (id) => gone.includes(id));
    throw left === undefined || doors.signal?.aborted ? error : withOpening(error);
  }
}

/** The context as records name it: the whole path of a folder, a URL without credentials. */
const whereOf = (context: string): string =>
  context.includes('://') ? redactUrl(context) : context === '-' ? context : resolve(context);

/** Which build left something: by its names, or by Dockerfile, context and target if it has none. */
interface KeptData {
  readonly imageId: Digest;
  readonly build: readonly string[];
}

const buildOf = (
  about: Pick<BuildRecord, 'names' | 'context' | 'target'>,
  path: string,
): readonly string[] =>
  about.names.length > 0 ? about.names : [JSON.stringify([path, about.context, about.target ?? ''])];

function isSameBuild(
  data: unknown,
  about: Pick<BuildRecord, 'names' | 'context' | 'target'>,
  path: string,
): boolean {
  const { build } = (data ?? {}) as Partial<KeptData>;
  return Array.isArray(build) && buildOf(about, path).some((name) => build.includes(name));
}

/** Lets go of what failed steps of these builds left; how many. */
export async function dropKept(
  store: LocalStore,
  goes: (id: string, data: unknown) => boolean,
): Promise<number> {
  let count = 0;
  for await (const { id, data } of store.roots.list(FAILED_STEP)) {
    if (!goes(id, data)) continue;
    await store.roots.remove(FAILED_STEP, id);
    count++;
  }
  return count;
}

function failureOf(error: unknown) {
  const known = isDobosError(error) ? error : undefined;
  return {
    kind: 'failed',
    code: known?.code,
    message: error instanceof Error ? error.message : String(error),
    hint: known?.hint,
    line: known?.place?.line,
  } as const;
}

/** How to step into what the failed RUN left. */
const OPENING = 'open its root file system: dobos run --failed -it sh';

function withOpening(error: unknown): unknown {
  if (!isDobosError(error)) return error;
  const { code, message, facts, hint, cause, place } = error;
  const hints = [hint, OPENING].filter((each) => each !== undefined).join('\n');
  return new DobosError(code, message, facts, { hint: hints, cause, place });
}
