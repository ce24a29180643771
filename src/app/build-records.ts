/**
 * The records of builds, as people ask for them.
 * @module
 */
import { createReadStream, existsSync } from 'node:fs';
import type { ByteStream } from '../base/bytes.ts';
import { editDistance } from '../base/edit-distance.ts';
import type { BuildRecord, RecordedStep } from '../build/records/record.ts';
import {
  isRunning,
  listRecords,
  logPath,
  type RecordFile,
  readRecord,
  recordBytes,
  removeRecord,
} from '../build/records/record-files.ts';
import { writeFailure } from '../store/errors.ts';
import type { App } from './app.ts';
import { recordError } from './build-record-errors.ts';
import { dropKept } from './record-build.ts';

/** docker's words, and two more: a build that was killed has died. */
export type BuildStatus = 'Completed' | 'Error' | 'Canceled' | 'Running' | 'Died' | 'Unreadable';

export interface ListedBuild {
  readonly file: RecordFile;
  readonly status: BuildStatus;
  /** Undefined if it cannot be read. */
  readonly record: BuildRecord | undefined;
}

/** All builds that have a record, newest first. */
export async function listBuilds(app: App): Promise<ListedBuild[]> {
  const builds: ListedBuild[] = [];
  for (const file of await recordFiles(app)) builds.push(await readBuild(file));
  return builds;
}

async function recordFiles(app: App): Promise<readonly RecordFile[]> {
  const { folder } = await app.store();
  return folder === undefined ? [] : listRecords(folder);
}

async function readBuild(file: RecordFile): Promise<ListedBuild> {
  const status = await statusOf(file, readRecord(file));
  const record = readRecord(file);
  if (status !== 'Died' || record === undefined) return { file, record, status };
  // What ran when it was killed stopped then.
  const steps = record.steps.map(
    (step): RecordedStep => (step.outcome === 'running' ? { ...step, outcome: 'stopped' } : step),
  );
  return { file, status, record: { ...record, steps } };
}

async function statusOf(file: RecordFile, record: BuildRecord | undefined): Promise<BuildStatus> {
  switch (record?.outcome?.kind) {
    case 'built':
      return 'Completed';
    case 'failed':
      return 'Error';
    case 'cancelled':
      return 'Canceled';
    case undefined: {
      if (await isRunning(file)) return 'Running';
      // It may have ended between the two looks.
      const now = readRecord(file);
      if (now?.outcome !== undefined) return statusOf(file, now);
      return now === undefined ? 'Unreadable' : 'Died';
    }
  }
}

/** The build that an id, the beginning of one, or `^N` means: the newest is `^0`. @throws BUILDS_UNKNOWN, BUILDS_AMBIGUOUS */
export async function findBuild(app: App, text: string): Promise<ListedBuild> {
  return readBuild(chooseFile(await recordFiles(app), text));
}

/** As `findBuild`. @throws BUILDS_UNREADABLE too */
export async function findReadable(
  app: App,
  text: string,
): Promise<ListedBuild & { readonly record: BuildRecord }> {
  const build = await findBuild(app, text);
  const { record } = build;
  if (record === undefined) throw recordError('BUILDS_UNREADABLE', { id: build.file.id });
  return { ...build, record };
}

function chooseFile(files: readonly RecordFile[], text: string): RecordFile {
  const back = /^\^(\d{1,6})$/.exec(text)?.[1];
  const found =
    back !== undefined
      ? files.slice(Number(back), Number(back) + 1)
      : files.filter(({ id }) => text !== '' && id.startsWith(text));
  const ids = found.map(({ id }) => id);
  if (found.length > 1) throw recordError('BUILDS_AMBIGUOUS', { text, ids: ids.slice(0, MAX_OFFERED) });
  if (found[0] === undefined) {
    const nearest = files.find(
      ({ id }) => editDistance(id.slice(0, text.length + 1), text.slice(0, 12)) <= 2,
    );
    throw recordError('BUILDS_UNKNOWN', {
      text,
      none: files.length === 0,
      nearest: text.length < SURE ? undefined : nearest?.id,
    });
  }
  return found[0];
}

/** Ids named in an error. */
const MAX_OFFERED = 10;
/** Characters from which on something like an id is taken for a mistyped one. */
const SURE = 4;

export interface StepLogs {
  readonly step: RecordedStep;
  /** Undefined if nothing was printed. */
  readonly path: string | undefined;
}

/** The logs of the steps that ran, or of one, by its number. `numberOf` says how steps are counted. @throws BUILDS_NO_STEP, BUILDS_NO_LOG */
export function findLogs(
  { file, record }: { readonly file: RecordFile; readonly record: BuildRecord },
  text: string | undefined,
  numberOf: (step: RecordedStep) => number | undefined,
): readonly StepLogs[] {
  const { id } = file;
  const written = record.steps.filter(({ implied }) => !implied);
  const wanted = text?.replace(/^#/, '');
  const chosen = wanted === undefined ? written : written.filter((step) => String(numberOf(step)) === wanted);
  if (text !== undefined && chosen.length === 0)
    throw recordError('BUILDS_NO_STEP', { id, text, steps: written.length });
  const logs = chosen
    .filter(({ outcome }) => text !== undefined || !NO_OUTPUT.has(outcome))
    .map((step) => {
      const path = logPath(file, step.id);
      return { step, path: existsSync(path) ? path : undefined };
    });
  if (text !== undefined) {
    const step = chosen[0]!;
    if (NO_OUTPUT.has(step.outcome)) {
      const why = step.outcome === 'cached' ? 'was cached, so it printed nothing' : 'did not run';
      throw recordError('BUILDS_NO_LOG', { id, why: `step ${wanted} of build ${id} ${why}` });
    }
    return logs;
  }
  const printed = logs.filter(({ path }) => path !== undefined);
  if (printed.length === 0)
    throw recordError('BUILDS_NO_LOG', { id, why: `no step of build ${id} printed anything` });
  return printed;
}

const NO_OUTPUT: ReadonlySet<RecordedStep['outcome']> = new Set(['cached', 'waiting']);

/** The bytes of a log. */
export function openLog(path: string): ByteStream {
  return createReadStream(path, { highWaterMark: 1 << 20 });
}

/** Removes these records, or all of builds that have ended; their ids, and the bytes of the files. What the builds left goes with them. @throws BUILDS_RUNNING, and as `findBuild` */
export async function removeBuilds(
  app: App,
  which: readonly string[] | 'all',
): Promise<{ readonly removed: readonly string[]; readonly bytes: number }> {
  const store = await app.store();
  const files = await recordFiles(app);
  const chosen = which === 'all' ? files : [...new Set(which.map((text) => chooseFile(files, text)))];
  const removed: string[] = [];
  let bytes = 0;
  for (const file of chosen) {
    if (await isRunning(file)) {
      if (which === 'all') continue;
      throw recordError('BUILDS_RUNNING', { id: file.id });
    }
    bytes += recordBytes(file);
    try {
      removeRecord(file);
    } catch (error) {
      throw writeFailure(error, store.folder ?? file.path, 'removing the record of a build');
    }
    removed.push(file.id);
  }
  const here = new Set((await recordFiles(app)).map(({ id }) => id));
  await dropKept(store, (id) => !here.has(id));
  return { removed, bytes };
}

export interface RecordUse {
  readonly total: number;
  /** Those of builds that run, and their bytes. */
  readonly active: number;
  readonly activeBytes: number;
  /** Of all records with their logs, without what failed steps left. */
  readonly bytes: number;
}

/** What the records take. */
export async function recordUse(app: App): Promise<RecordUse> {
  let [total, active, bytes, activeBytes] = [0, 0, 0, 0];
  for (const file of await recordFiles(app)) {
    const size = recordBytes(file);
    const runs = await isRunning(file);
    total++;
    bytes += size;
    if (runs) active++;
    if (runs) activeBytes += size;
  }
  return { total, active, bytes, activeBytes };
}
