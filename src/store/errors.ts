import { statfsSync } from 'node:fs';
import { type DobosError, errorMaker, isDobosError, systemCode } from '../base/errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);
const UNWRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);

type StoreErrors = {
  STORE_NOT_FOUND: { digest: string; where: string };
  STORE_NAME_UNKNOWN: { name: string; where: string; nearest: readonly string[] };
  STORE_BAD_DIGEST: { digest: string };
  STORE_BAD_KEY: { what: string; key: string };
  STORE_FORMAT: { path: string; problem: string };
  STORE_STAGED_SIZE: { digest: string; want: number; got: number };
  STORE_READ_ONLY: { folder: string; doing: string; code: string };
  STORE_FULL: { folder: string; doing: string; free: number | undefined };
  STORE_LOCKED: { path: string; seconds: number };
  STORE_SYSTEM: { folder: string; doing: string; code: string };
  STORE_TOO_DEEP: { digest: string; limit: number };
  STORE_TOO_MANY: { what: string; limit: number };
};

/** Errors of this room. */
export const storeError = errorMaker<StoreErrors>({
  STORE_NOT_FOUND: ({ digest, where }) => ({
    message: `${digest} is not in ${where}`,
    hint: 'pull, load or build its image again; "dobos system check" tells what else is missing',
  }),
  STORE_NAME_UNKNOWN: ({ name, where, nearest }) => ({
    message: `${name} is not in ${where}`,
    hint: nearest.length === 0 ? undefined : `did you mean ${nearest.join(' or ')}?`,
  }),
  STORE_BAD_DIGEST: ({ digest }) =>
    `digest ${JSON.stringify(digest.slice(0, 160))} is not sha256 with 64 or sha512 with 128 lower-case hex digits`,
  STORE_BAD_KEY: ({ what, key }) =>
    `${what} ${JSON.stringify(key.slice(0, 220))} is not 1 to 200 letters, digits, ".", "_", ":" or "-"`,
  STORE_FORMAT: ({ path, problem }) => `${path} ${problem}`,
  STORE_STAGED_SIZE: ({ digest, want, got }) => `staged file has ${got} bytes, want ${want} (${digest})`,
  STORE_READ_ONLY: ({ folder, doing, code }) => ({
    message: `${doing} failed: ${folder} cannot be written (${code})`,
    hint: 'name a folder that this user may write in DOBOS_ROOT',
  }),
  STORE_FULL: ({ folder, doing, free }) => ({
    message: `${doing} failed: no space left for ${folder}${free === undefined ? '' : ` (${free} bytes free)`}`,
    hint: 'free space on that disk, or remove what nothing uses with "dobos system prune"',
  }),
  STORE_LOCKED: ({ path, seconds }) => ({
    message: `${path} is still locked by another process after ${seconds} seconds`,
    hint: `"fuser -v ${path}" shows which`,
  }),
  STORE_SYSTEM: ({ folder, doing, code }) => ({
    message: `${doing} in ${folder} failed: ${code}`,
    hint: UNWRITABLE.has(code) ? 'name a folder that this user may read in DOBOS_ROOT' : undefined,
  }),
  STORE_TOO_DEEP: ({ digest, limit }) => `index ${digest} is nested more than ${limit} deep`,
  STORE_TOO_MANY: ({ what, limit }) => `${what} has more than ${limit} blobs`,
});

const callers = new WeakSet<object>();

/** The same error, remembered as one that the caller's own stream threw: `writeFailure` leaves it alone. */
export function markCallers(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) callers.add(error);
  return error;
}

/** True for what `markCallers` has seen: the caller's stream failed, not this folder. */
export function isCallers(error: unknown): boolean {
  return typeof error !== 'object' || error === null || callers.has(error);
}

/** A system error of a write in `folder` as an error a person can act on; anything else unchanged. */
export function writeFailure(error: unknown, folder: string, doing: string): unknown {
  const code = systemCode(error);
  if (code === undefined || !isSystemError(error) || callers.has(error as object)) return error;
  return wrapped(code, folder, doing, error);
}

/** A system error of a read in `folder` as an error that says what was read; anything else unchanged. */
export function readFailure(error: unknown, folder: string, doing: string): unknown {
  const code = systemCode(error);
  if (code === undefined || !isSystemError(error)) return error;
  return storeError('STORE_SYSTEM', { folder, doing, code }, { cause: error });
}

/** True for the errors of a folder that may not be written, wrapped or not. */
export function isUnwritable(error: unknown): boolean {
  return isDobosError(error, 'STORE_READ_ONLY') || UNWRITABLE.has(systemCode(error) ?? '');
}

function wrapped(code: string, folder: string, doing: string, cause: unknown): DobosError {
  if (FULL.has(code)) return storeError('STORE_FULL', { folder, doing, free: freeBytes(folder) }, { cause });
  if (UNWRITABLE.has(code)) return storeError('STORE_READ_ONLY', { folder, doing, code }, { cause });
  return storeError('STORE_SYSTEM', { folder, doing, code }, { cause });
}

function isSystemError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string';
}

function freeBytes(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
