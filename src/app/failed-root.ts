import type { RecordedStep } from '../build/records/record.ts';
import { FAILED_STEP } from '../image/list-images.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { App } from './app.ts';
import { recordError } from './build-record-errors.ts';
import { findReadable, type ListedBuild, listBuilds } from './build-records.ts';

/** What a failed RUN left, as an image. */
export interface FailedRoot {
  readonly imageId: Digest;
  /** Id of the build. */
  readonly build: string;
  readonly step: RecordedStep | undefined;
}

/** What a failed RUN left: of the newest build that failed, or of the one that is named. @throws BUILDS_NOTHING_FAILED, BUILDS_NOTHING_LEFT, and as `findReadable` */
export async function findFailedRoot(app: App, text?: string): Promise<FailedRoot> {
  const store = await app.store();
  if (text !== undefined) {
    const build = await findReadable(app, text);
    const root = await rootOf(store, build);
    if (typeof root !== 'string') return root;
    const { id } = build.file;
    const advice =
      root === MENDED ? 'build again to see it fail' : `dobos builds inspect ${id} says what it did`;
    throw recordError('BUILDS_NOTHING_LEFT', { id, why: root, advice });
  }
  let newer: { readonly id: string; readonly why: string } | undefined;
  for (const build of await listBuilds(app)) {
    if (build.status !== 'Error') continue;
    const root = await rootOf(store, build);
    if (root === MENDED) continue;
    if (typeof root === 'string') {
      newer ??= { id: build.file.id, why: root };
      continue;
    }
    if (newer === undefined) return root;
    // Somebody whose last build failed means that one.
    const advice = `that of an older build: dobos run --failed=${root.build} -it sh`;
    throw recordError('BUILDS_NOTHING_LEFT', { ...newer, advice });
  }
  if (newer === undefined) throw recordError('BUILDS_NOTHING_FAILED', {});
  const advice = `dobos builds inspect ${newer.id} says what it did`;
  throw recordError('BUILDS_NOTHING_LEFT', { ...newer, advice });
}

/** Whether what the failed RUN of a build left is still there. */
export async function isRootKept(app: App, build: string): Promise<boolean> {
  const store = await app.store();
  return (await store.roots.get(FAILED_STEP, build)) !== undefined;
}

const MENDED = 'the same build has ended well since';

/** What the build left, or why there is nothing. */
async function rootOf(
  store: LocalStore,
  { file, record, status }: ListedBuild,
): Promise<FailedRoot | string> {
  const { outcome, steps = [] } = record ?? {};
  const step = steps.find((each) => each.outcome === 'failed');
  if (outcome?.kind !== 'failed') return WHY_NOT[status] ?? 'it has not failed';
  const { left } = outcome;
  if (left !== undefined) {
    const isKept = (await store.roots.get(FAILED_STEP, file.id)) !== undefined;
    return isKept ? { imageId: left, build: file.id, step } : MENDED;
  }
  if (step === undefined) return `it failed before any step: ${outcome.message}`;
  const [instruction] = step.text.split(' ');
  return instruction === 'RUN'
    ? 'it could not be kept'
    : `what failed was ${instruction}, and only RUN leaves one`;
}

const WHY_NOT: Readonly<Partial<Record<ListedBuild['status'], string>>> = {
  Running: 'it is running',
  Died: 'it was killed',
  Canceled: 'it was cancelled',
};
