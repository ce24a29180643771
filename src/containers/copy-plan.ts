import { posix } from 'node:path';
import { containerError } from './errors.ts';

/** One end of a copy. `path` as the person wrote it, made absolute, with its trailing `/` or `/.`. */
export interface CopyEnd {
  readonly path: string;
  readonly kind: 'directory' | 'other' | 'missing';
}

/** Where the tar of the source is unpacked, and what the source is called in it; `.`: only what is in it. */
export interface CopyPlan {
  readonly folder: string;
  readonly top: string;
}

/** The path without `.`, `..` and trailing slashes, from `/`. */
export const plainPath = (path: string): string => {
  const clean = posix.normalize(`/${path}`);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
};

/** Ends so that only a directory can be meant. */
export const meansFolder = (path: string): boolean => /(?:^|\/)\.{0,2}$/.test(path);

/**
 * What docker's `cp` does: into a directory that is there goes the source under its own name, or with `/.` what is in it; at a name that is free, or a file's,
 * the source gets that name.
 * @throws CONTAINER_COPY
 */
export function planCopy(source: CopyEnd, target: CopyEnd): CopyPlan {
  const fail = (problem: string, hint?: string): Error =>
    containerError('CONTAINER_COPY', { problem }, { hint });
  const isFolder = source.kind === 'directory';
  if (!isFolder && meansFolder(source.path)) throw fail(`${source.path}: not a directory`);
  const own = posix.basename(plainPath(source.path));
  const contents = /(?:^|\/)\.$/.test(source.path) || own === '';
  if (target.kind === 'directory') {
    return { folder: plainPath(target.path), top: contents ? '.' : own };
  }
  const folder = posix.dirname(plainPath(target.path));
  const top = posix.basename(plainPath(target.path));
  if (isFolder && target.kind === 'other')
    throw fail(`cannot copy directory ${source.path} to the file ${target.path}`);
  if (!isFolder && meansFolder(target.path)) {
    throw target.kind === 'other'
      ? fail(`${target.path}: not a directory`)
      : fail(
          `no such directory: ${target.path}`,
          'leave out the slash at its end to give the file that name',
        );
  }
  return { folder, top };
}
