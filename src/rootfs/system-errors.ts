import { isDobosError, systemCode } from '../base/errors.ts';
import { errnoOf } from '../linux/libc.ts';
import { rootfsError } from './errors.ts';

/** The errno name of a failed system call, whether Node or the linux room made it. */
export function codeOf(error: unknown): string | undefined {
  return errnoOf(error) ?? (isDobosError(error) ? undefined : systemCode(error));
}

/** Codes that a person meets and can do something about. */
const PERSONAL = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ENFILE',
  'EIO',
  'ENOTDIR',
]);

/** The result of `work`; a system error that a person can meet is wrapped with what was done and where. @throws ROOTFS_SYSTEM */
export function withPlace<T>(what: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw placed(error, what, path);
  }
}

export async function withPlaceAsync<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw placed(error, what, path);
  }
}

function placed(error: unknown, what: string, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined || !PERSONAL.has(code)) return error;
  return rootfsError('ROOTFS_SYSTEM', { what, path, code }, { cause: error });
}
