/**
 * The records of a store: `builds/<start>-<id>.json`, replaced in one step; `<start>-<id>/<step>.log`, written as it comes; `<start>-<id>.lock`, held
 * while the build runs. The record is the first of them to come and the first to go: what stands without one is a leftover.
 * @module
 */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../store/atomic-file.ts';
import { tryLock } from '../../store/locks.ts';
import { removeFile } from '../../store/remove-file.ts';
import { type BuildRecord, formatRecord, parseRecord } from './record.ts';

/** Records that are kept; the oldest go when a build ends. */
const MAX_RECORDS = 50;
/** Records beyond those that may wait, so that not every build has something to remove. */
const SPARE_RECORDS = 10;
/** Bytes of a record that is read: one of 10,000 steps has 4 MB. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Where a record is. */
export interface RecordFile {
  readonly id: string;
  /** Epoch milliseconds, by its name. */
  readonly startedAt: number;
  /** Absolute, without the endings. */
  readonly path: string;
}

/** An id of twelve letters and digits that begins with a letter, so that it is no image's. */
export function newRecordId(): string {
  let id = '';
  while (id.length < ID_LENGTH) {
    // The first is a letter. Nobody has to be unable to guess it, and node:crypto takes its time to start.
    const digits = id === '' ? LETTERS : LETTERS + DIGITS;
    id += digits[Math.floor(Math.random() * digits.length)];
  }
  return id;
}

const ID_LENGTH = 12;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';

export function recordFile(storeFolder: string, id: string, startedAt: number): RecordFile {
  const stem = `${String(Math.max(0, startedAt)).padStart(13, '0')}-${id}`;
  return { id, startedAt, path: join(storeFolder, 'builds', stem) };
}

export const logPath = ({ path }: RecordFile, step: string): string => join(path, `${step}.log`);
export const lockPath = ({ path }: RecordFile): string => `${path}.lock`;

/** The records of a store, newest first, whether they can be read or not. */
export function listRecords(storeFolder: string): RecordFile[] {
  return [...stems(storeFolder)].filter(([, whole]) => whole).map(([stem]) => fileOf(storeFolder, stem));
}

/** What stands in the folder by name without ending, newest first, and whether its record is there. */
function stems(storeFolder: string): Map<string, boolean> {
  const found = new Map<string, boolean>();
  for (const name of names(join(storeFolder, 'builds')).sort().reverse()) {
    const [, stem, ending] = /^(\d{13,16}-[a-z][a-z0-9]{11})(|\.json|\.lock|\.lock\.owner)$/.exec(name) ?? [];
    if (stem !== undefined) found.set(stem, found.get(stem) === true || ending === '.json');
  }
  return found;
}

function fileOf(storeFolder: string, stem: string): RecordFile {
  const [startedAt = '', id = ''] = stem.split('-');
  return { id, startedAt: Number(startedAt), path: join(storeFolder, 'builds', stem) };
}

/** The record in the file; undefined if there is none that can be read. */
export function readRecord(file: RecordFile): BuildRecord | undefined {
  try {
    if (statSync(`${file.path}.json`).size > MAX_RECORD_BYTES) return undefined;
    const record = parseRecord(readFileSync(`${file.path}.json`, 'utf8'));
    return record?.id === file.id ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeRecord(storeFolder: string, file: RecordFile, record: BuildRecord): void {
  replaceFile(storeFolder, `${file.path}.json`, formatRecord(record), { durable: false });
}

const LOCK_ENDINGS = ['', '.owner'];

/** Whether the process that writes the record lives. Loads native code. */
export async function isRunning(file: RecordFile): Promise<boolean> {
  // The second where the file system has no locks.
  if (!LOCK_ENDINGS.some((ending) => existsSync(lockPath(file) + ending))) return false;
  const lock = await tryLock(lockPath(file), 'shared');
  lock?.release();
  return lock === undefined;
}

/** Bytes on disk of a record and its logs. */
export function recordBytes(file: RecordFile): number {
  const size = (path: string): number => lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return names(file.path).reduce((sum, name) => sum + size(join(file.path, name)), size(`${file.path}.json`));
}

/** Removes a record with its logs. */
export function removeRecord(file: RecordFile): void {
  removeFile(`${file.path}.json`);
  rmSync(file.path, { recursive: true, force: true });
  for (const ending of LOCK_ENDINGS) removeFile(lockPath(file) + ending);
}

/** Removes the oldest records when there are some more than are kept, and what killed commands left of others; their ids. Those of builds that run stay. */
export async function trimRecords(
  storeFolder: string,
  { most = MAX_RECORDS, spare = SPARE_RECORDS } = {},
): Promise<string[]> {
  const all = stems(storeFolder);
  if (all.size <= most + spare) return [];
  const removed: string[] = [];
  let kept = 0;
  for (const [stem, whole] of all) {
    if (whole && ++kept <= most) continue;
    const file = fileOf(storeFolder, stem);
    if (await isRunning(file)) continue;
    removeRecord(file);
    removed.push(file.id);
  }
  return removed;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
