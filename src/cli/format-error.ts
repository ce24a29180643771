import { type DobosError, isDobosError, systemCode } from '../base/errors.ts';
import { safeLines } from './build-view/safe-text.ts';
import type { Paint } from './colour.ts';

/** An error as people read it: what failed, where, what to do. With `debug` the stacks and causes too. */
export function formatError(error: unknown, paint: Paint, debug: boolean): string {
  const lines = [`${paint('removed', 'dobos:')} ${safeLines(messageOf(error))}`];
  if (isDobosError(error)) {
    lines.push(...placeLines(error).map(safeLines));
    if (error.hint !== undefined) lines.push(`${paint('accent', 'hint:')} ${safeLines(error.hint)}`);
  }
  if (debug) {
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      lines.push(paint('quiet', safeLines(at.stack ?? at.message)));
  }
  return `${lines.join('\n')}\n`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'interrupted';
  const cause = error.cause;
  // A Dobos error says all that there is to say; the cause is for --debug.
  if (isDobosError(error)) return error.message;
  if (systemCode(error) !== undefined) return systemMessage(error);
  return cause instanceof Error && !error.message.includes(cause.message)
    ? `${error.message}: ${cause.message}`
    : error.message;
}

function placeLines(error: DobosError): string[] {
  const { place } = error;
  if (place === undefined) return [];
  const where = [place.file, place.line].filter((part) => part !== undefined).join(':');
  return [
    ...(where === '' ? [] : [where]),
    ...(place.snippet === undefined ? [] : [place.snippet.replace(/\n$/, '')]),
  ];
}

/** A failed system call in words, its path included. */
function systemMessage(error: Error): string {
  const { code = '', path, syscall } = error as NodeJS.ErrnoException;
  if (syscall === 'uv_cwd') return 'the working directory no longer exists: go to another one with cd';
  const what = SYSTEM_CODES[code];
  if (what === undefined || path === undefined) return error.message;
  return `${path}: ${what} (${[syscall, code].filter((word) => word !== undefined).join(', ')})`;
}

const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not do that',
  EPERM: 'this user may not do that',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is full",
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  EMFILE: 'too many files are open',
};
